// Where the ticks of an axis stand and how they are written.

import { log } from "../engine/math";
import type { Axis } from "../study/figures/picture";

/**
 * Round numbers on an axis, or the decades (with 2 and 5 where decades are few). A logarithmic axis of less than a digit has no
 * round decimal of its own, and takes the linear ones.
 *
 * @param domain  ends of the axis, in its unit; positive where it is logarithmic
 * @param scale   of the axis
 * @param count   about how many, of a linear axis
 */
export function ticks(domain: [number, number], scale: Axis["scale"], count = 5): number[] {
  const [low, high] = domain;
  const decades = scale === "log" ? decadeTicks(domain) : [];
  if (decades.length >= 2) return decades;
  const step = roundStep((high - low) / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => tidyNumber((first + i) * step));
}

/** 2, 3, … 9 of each decade within the ends of a logarithmic axis. */
export function minorTicks(domain: [number, number]): number[] {
  const found: number[] = [];
  for (let k = Math.floor(log10(domain[0])); k <= Math.ceil(log10(domain[1])); k++) {
    for (let m = 2; m < 10; m++) found.push(m * Number(`1e${k}`));
  }
  return found.filter((t) => t >= domain[0] && t <= domain[1]);
}

/**
 * How the ticks of an axis are written: linear ones with the same number of decimals.
 *
 * @param domain  ends of the axis
 * @param scale   of the axis
 * @param count   about how many, as `ticks` took it
 */
export function tickFormat(domain: [number, number], scale: Axis["scale"], count = 5): (x: number) => string {
  if (scale === "log" && decadeTicks(domain).length >= 2) return tickText;
  const texts = ticks(domain, scale, count).map(tickText);
  if (texts.some((text) => text.includes("·") || text.includes("10⁻"))) return tickText;
  const decimals = Math.max(0, ...texts.map((text) => (text.split(".")[1] ?? "").length));
  return (x) => (x === 0 ? 0 : x).toFixed(decimals).replace("-", "−");
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A tick as text: plain digits for ordinary sizes, a power of ten beyond. */
export function tickText(x: number): string {
  const size = Math.abs(x);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = x.toExponential().split("e") as [string, string];
    const digits = exponent
      .replace("+", "")
      .replace("-", "⁻")
      .replace(/\d/g, (c) => SUPERSCRIPT[Number(c)]!);
    return mantissa === "1" ? `10${digits}` : `${mantissa}·10${digits}`;
  }
  return String(tidyNumber(x)).replace("-", "−");
}

function decadeTicks([low, high]: [number, number]): number[] {
  const decades = log10(high) - log10(low);
  const factors = decades > 2.2 ? [1] : decades > 1 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const every = decades > 7 ? 2 : 1;
  const found: number[] = [];
  for (let k = Math.floor(log10(low)); k <= Math.ceil(log10(high)); k++) {
    if (k % every !== 0) continue;
    for (const factor of factors) found.push(tidyNumber(factor * Number(`1e${k}`)));
  }
  return found.filter((t) => t >= low * 0.999 && t <= high * 1.001);
}

function roundStep(rough: number): number {
  const decade = Number(`1e${Math.floor(log10(rough))}`);
  const ratio = rough / decade;
  return (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10) * decade;
}

function log10(x: number): number {
  return tidyNumber(log(x) / log(10));
}

function tidyNumber(x: number): number {
  return Number(x.toPrecision(12));
}
