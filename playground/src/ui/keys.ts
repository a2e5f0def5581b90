// Keys of the page where no field has the focus: space plays and pauses, → steps, Home rewinds.

import { rewind, step, toggle } from "../state/store";

const actions: Record<string, () => void> = { " ": toggle, ArrowRight: step, Home: rewind };
// these have a use of their own for the keys
const OWN = "input, select, textarea, button, a, summary, [contenteditable], [role=slider], [role=dialog]";

/** Listens until the page is left. */
export function listenToKeys(): void {
  document.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target instanceof Element && event.target.closest(OWN)) {
      // a button keeps space, but not the arrows
      const isButton = event.target.closest("button, a, summary") !== null;
      if (!isButton || event.key === " ") return;
    }
    event.preventDefault();
    action();
  });
}
