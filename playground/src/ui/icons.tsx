// The few signs on the buttons; words stand beside them.

import type { ComponentChildren } from "preact";

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const PlayIcon = () => (
  <Icon>
    <path d="M4 2.5v11l9-5.5z" />
  </Icon>
);
export const PauseIcon = () => (
  <Icon>
    <path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z" />
  </Icon>
);
export const StepIcon = () => (
  <Icon>
    <path d="M3 2.5v11l7-5.5zM11 2.5h2v11h-2z" />
  </Icon>
);
export const RewindIcon = () => (
  <Icon>
    <path d="M13 2.5v11L6 8zM3 2.5h2v11H3z" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="M3.2 2 8 6.8 12.8 2 14 3.2 9.2 8l4.8 4.8-1.2 1.2L8 9.2 3.2 14 2 12.8 6.8 8 2 3.2z" />
  </Icon>
);
