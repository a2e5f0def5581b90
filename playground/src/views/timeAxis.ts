// The axis of time of all curves.

import { signal } from "@preact/signals";

/** Whether it is logarithmic. */
export const logTime = signal(false);
