// Colours that people with any colour vision tell apart, on white.

/** The Okabe–Ito colours without yellow, ordered so that neighbours differ in lightness too. */
export const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;

/** Text, axes and limits that have no colour of their own. */
export const INK = "#222222";

/** Notes and levels. */
export const QUIET = "#555555";

/** Ticks and frames. */
export const FAINT = "#8a8a8a";

/**
 * The colour of a number, repeating after six.
 *
 * @param index  number of the colour, 0, 1, …
 */
export function hue(index: number): string {
  return HUES[index % HUES.length]!;
}
