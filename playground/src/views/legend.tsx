// The key of a picture: what each colour and form stands for, and the number it has now.

import type { ReadonlySignal } from "@preact/signals";

/** An entry of a key. */
export interface Entry {
  glyph: "bars" | "line" | "dashes" | "band" | "dots" | "heat";
  /** which of the page's colours */
  of: "network" | "limit" | "band" | "muted";
  label: string;
  /** read-out beside the label */
  value?: ReadonlySignal<string>;
}

interface LegendProps {
  entries: readonly Entry[];
  /** a word after the entries */
  note: ReadonlySignal<string> | undefined;
}

/** The key above a picture. */
export function Legend({ entries, note }: LegendProps) {
  return (
    <ul class="view-key" aria-hidden="true">
      {entries.map(({ glyph, of, label, value }) => (
        <li key={label}>
          <i class={`glyph glyph-${glyph} of-${of}`} />
          {label}
          {value && <output class="view-value">{value}</output>}
        </li>
      ))}
      {note && <li class="view-note">{note}</li>}
    </ul>
  );
}
