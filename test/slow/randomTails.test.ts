// Tails of the normals beyond 5σ and 6σ against their exact probability, over 2^32 draws in f32 and 2^31 in f64. Counts are
// Poisson; each is held to the interval that its law leaves on either side with a chance of 5e-5, for a fixed seed.

import { expect, it } from "vitest";
import { loadEngine } from "../../src/engine/engine";
import { exp, lgamma, log, normalCdf } from "../../src/engine/math";

/** P(X ≤ k) and P(X ≥ k) for X Poisson of a mean. */
function poisson(k: number, mean: number): { lower: number; upper: number } {
  let lower = 0;
  let below = 0;
  for (let j = 0; j <= k; j++) {
    const p = exp(j * log(mean) - mean - lgamma(j + 1));
    lower += p;
    if (j < k) below += p;
  }
  return { lower, upper: 1 - below };
}

it.each([
  ["f32", 2 ** 32],
  ["f64", 2 ** 31],
] as const)("%s: %i normals have the tails of the normal law", async (precision, total) => {
  const { kernels, memory } = await loadEngine({ backend: "simd" });
  const kernel = kernels[`normals_${precision}`];
  const room = memory();
  const n = 1 << 15;
  const at = room.reserve(precision, n);
  const x = room.view(precision, at, n);
  const counts = { below6: 0, below5: 0, above5: 0, above6: 0 };
  const far = (v: number) => {
    if (v < 0) {
      counts.below5++;
      if (v < -6) counts.below6++;
    } else {
      counts.above5++;
      if (v > 6) counts.above6++;
    }
  };
  for (let step = 0; step < total / n; step++) {
    kernel(at, n, 20190214, 0, 0, 0, step, 0, 0);
    for (let i = 0; i < n; i++) {
      const v = x[i]!;
      if (v * v > 25) far(v);
    }
  }
  room.free();
  const expected = { below6: -6, below5: -5, above5: -5, above6: -6 };
  for (const [place, sigma] of Object.entries(expected)) {
    const count = counts[place as keyof typeof counts];
    const mean = total * normalCdf(sigma);
    const { lower, upper } = poisson(count, mean);
    console.log(`${precision} ${place}: ${count}, expected ${mean.toFixed(1)}`);
    expect(lower, `${place}: ${count}, expected ${mean}`).toBeGreaterThan(5e-5);
    expect(upper, `${place}: ${count}, expected ${mean}`).toBeGreaterThan(5e-5);
  }
});
