// Colours that people with any colour vision tell apart, on white.

/** The Okabe–Ito colours without yellow, ordered so that neighbours differ in lightness too. */
export const HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"] as const;

/** Text, axes and limits that have no colour of their own. */
export const INK = "#222222";

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

/**
 * Colours of an ordered quantity, from dark blue to orange in steps of lightness.
 *
 * @param count  how many
 * @returns count colours
 */
export function ordered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => along(count === 1 ? 0 : i / (count - 1)));
}

// Stops of falling darkness, from the dark end of "inferno" to an orange that still shows on white.
const STOPS = [
  [36, 12, 79],
  [106, 23, 110],
  [174, 48, 92],
  [227, 89, 51],
  [248, 152, 20],
];

function along(u: number): string {
  const at = u * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  const channel = (c: number) => Math.round(STOPS[low]![c]! + (at - low) * (STOPS[low + 1]![c]! - STOPS[low]![c]!));
  return `#${[0, 1, 2].map((c) => channel(c).toString(16).padStart(2, "0")).join("")}`;
}
