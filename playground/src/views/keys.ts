// The keys of the pictures, on the page and in files: what each colour and form stands for.

import type { ReadonlySignal } from "@preact/signals";
import { HUES, hue } from "../../../src/plot/palette";
import { type DecisionKind, signedThrough } from "./decision";
import { MARKS, type Mark } from "./pen";
import type { Theme } from "./theme";

/** An entry of a key. */
export interface Entry {
  glyph: "bars" | "line" | "dashes" | "band" | "dots" | "heat" | "mark" | "signed";
  /** which colour: a class of the style sheet, of-…, and `colourOf` in a file */
  of: "network" | "limit" | "band" | "muted" | "ink" | "low" | "high" | `hue${number}`;
  /** of the glyph "mark" */
  mark?: Mark;
  label: string;
  /** read-out beside the label, on the page */
  value?: ReadonlySignal<string>;
}

/** The colour of an entry. */
export function colourOf(of: Entry["of"], theme: Theme): string {
  if (of === "low") return signedThrough(theme)[0];
  if (of === "high") return signedThrough(theme)[2];
  if (of.startsWith("hue")) return hue(Number(of.slice(3)));
  return theme[of as "network" | "limit" | "band" | "muted" | "ink"];
}

/** Of the law. */
export function lawKey(withLimit: boolean): Entry[] {
  return [
    { glyph: "bars", of: "network", label: "network" },
    ...(withLimit ? [{ glyph: "line", of: "limit", label: "limit" } as const] : []),
  ];
}

/** Of the cloud. */
export function cloudKey(withLimit: boolean): Entry[] {
  return [
    { glyph: "dots", of: "network", label: "neurons" },
    ...(withLimit ? [{ glyph: "heat", of: "limit", label: "density of the limit, √ scale" } as const] : []),
  ];
}

/** Of a curve's band. */
export function bandEntry(name: string): Entry {
  return { glyph: "band", of: "band", label: name };
}

/** Of decisions. */
export function decisionKey(kind: DecisionKind, outputs: number, withLimit: boolean): Entry[] {
  const entries: Entry[] = [];
  if (kind === "classes") {
    for (let c = 0; c < outputs; c++) {
      entries.push({ glyph: "mark", of: `hue${c % HUES.length}`, mark: MARKS[c % MARKS.length]!, label: `class ${c}` });
    }
  } else if (kind === "sign") {
    entries.push({ glyph: "mark", of: "low", mark: "disc", label: "y = −1" });
    entries.push({ glyph: "mark", of: "high", mark: "square", label: "y = +1" });
    entries.push({ glyph: "line", of: "ink", label: "f = 0, network" });
  } else {
    entries.push({ glyph: "signed", of: "low", label: "f(x) below and above 0" });
    entries.push({ glyph: "line", of: "ink", label: "levels, network" });
  }
  if (withLimit) {
    const label = kind === "number" ? "levels, limit" : "border of the limit";
    entries.push({ glyph: "line", of: kind === "classes" ? "ink" : "limit", label });
  }
  return entries;
}
