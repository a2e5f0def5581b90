// The key of a picture: what each colour and form stands for, and the number it has now.

import type { ReadonlySignal } from "@preact/signals";
import type { Entry } from "./keys";
import { markPath } from "./pen";

interface LegendProps {
  entries: readonly Entry[];
  /** a word after the entries */
  note: ReadonlySignal<string> | undefined;
}

/** The key above a picture. */
export function Legend({ entries, note }: LegendProps) {
  return (
    <ul class="view-key" aria-hidden="true">
      {entries.map(({ glyph, of, label, value, mark }) => (
        <li key={label}>
          {mark ? (
            <svg class={`glyph-mark of-${of}`} viewBox="-6 -6 12 12" aria-hidden="true">
              <path d={markPath(mark, 8)} />
            </svg>
          ) : (
            <span class={`glyph glyph-${glyph} of-${of}`} />
          )}
          {label}
          {value && <output class="view-value">{value}</output>}
        </li>
      ))}
      {note && <li class="view-note">{note}</li>}
    </ul>
  );
}
