// Colours between colours, evenly to the eye: mixed in OKLab (Björn Ottosson, 2020).

/** Red, green, blue, 0 to 255. */
export type Rgb = [number, number, number];

type Lab = [number, number, number];

/** A colour as #rrggbb. */
export function hex([r, g, b]: Rgb): string {
  return `#${[r, g, b].map((v) => Math.round(v).toString(16).padStart(2, "0")).join("")}`;
}

/** #rrggbb as numbers. */
export function rgb(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1, 7), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Lightness of a colour, 0 black to 1 white, as the eye has it. */
export function lightness(colour: string): number {
  return toLab(rgb(colour))[0];
}

/**
 * Colours in equal steps for the eye through given ones: each stretch takes as many steps as its ends differ.
 *
 * @param through  #rrggbb, at least two
 * @param count    of colours
 * @returns [4·count] red, green, blue and 255 in turn
 */
export function ramp(through: readonly string[], count: number): Uint8ClampedArray {
  const stops = through.map((colour) => toLab(rgb(colour)));
  const reach = [0];
  for (let i = 1; i < stops.length; i++) reach.push(reach[i - 1]! + distance(stops[i - 1]!, stops[i]!));
  const whole = reach[reach.length - 1]! || 1;
  const colours = new Uint8ClampedArray(4 * count);
  let stretch = 1;
  for (let k = 0; k < count; k++) {
    const at = count === 1 ? 0 : (whole * k) / (count - 1);
    while (stretch < stops.length - 1 && at > reach[stretch]!) stretch++;
    const [from, to] = [stops[stretch - 1]!, stops[stretch]!];
    const u = Math.min(1, (at - reach[stretch - 1]!) / (reach[stretch]! - reach[stretch - 1]! || 1));
    const [r, g, b] = toRgb([0, 1, 2].map((i) => from[i]! + u * (to[i]! - from[i]!)) as Lab);
    colours.set([r, g, b, 255], 4 * k);
  }
  return colours;
}

/** A mixture of two colours, `share` of the second. */
export function mix(first: string, second: string, share: number): string {
  const [a, b] = [toLab(rgb(first)), toLab(rgb(second))];
  return hex(toRgb([0, 1, 2].map((i) => a[i]! + share * (b[i]! - a[i]!)) as Lab));
}

/** Distance of two colours as the eye has it. */
export function difference(first: string, second: string): number {
  return distance(toLab(rgb(first)), toLab(rgb(second)));
}

function distance(a: Lab, b: Lab): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function toLab(colour: Rgb): Lab {
  const [r, g, b] = colour.map((v) => {
    const u = v / 255;
    return u <= 0.04045 ? u / 12.92 : ((u + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function toRgb([lightness, a, b]: Lab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((u) => {
    const v = Math.min(1, Math.max(0, u));
    return 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
  }) as Rgb;
}
