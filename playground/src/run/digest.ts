// A short name for every bit of a law, so that two runs can be told to be the same at a glance.

import type { Measure } from "meanfield";

/** 8 hexadecimal digits, of FNV's hash over words of 32 bits with a last mixing; no protection against intent. */
export function digestOf(measure: Measure): string {
  let hash = 0x811c9dc5;
  for (const numbers of arraysOf(measure)) {
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, 2 * numbers.length);
    for (let i = 0; i < words.length; i++) {
      hash = Math.imul(hash ^ words[i]!, 0x01000193);
      // turned, or two flipped signs would cancel
      hash = (hash << 13) | (hash >>> 19);
    }
    // the end of an array, so that numbers do not slide from one into the next
    hash = Math.imul(hash ^ words.length, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0).toString(16).padStart(8, "0");
}

function arraysOf(measure: Measure): Float64Array[] {
  if (measure.kind === "grid") return [...measure.edges, measure.masses];
  if (measure.kind === "fluctuation") return [...arraysOf(measure.base), measure.weights, measure.displacements];
  return [measure.values, measure.weights, measure.outputBias].filter((one) => one !== null);
}
