// Wasserstein distances of any order between samples of a number: the sorted samples are paired, quantile by quantile.
//
//   W_p(A, B)^p = ∫₀¹ |F⁻¹(u) − G⁻¹(u)|^p du

import { SpecError } from "../engine/errors";
import { pow } from "../engine/math";
import { readTensor, type TensorLike, toF64 } from "../model/tensor";

/** As `wasserstein` of src/measure/onDemand.ts. */
export function wasserstein(
  samplesA: TensorLike,
  samplesB: TensorLike,
  { order = 2 }: { order?: number } = {},
): number {
  if (!(order >= 1)) throw new SpecError("order", order, "a number, 1 or more; Infinity is one");
  const a = sortedSample(samplesA, "samplesA");
  const b = sortedSample(samplesB, "samplesB");
  const [n, m] = [a.length, b.length];
  // quantiles are constant between the levels i/n and j/m, here counted in 1/(nm)
  const gaps: number[] = [];
  const shares: number[] = [];
  let level = 0;
  for (let i = 0, j = 0; i < n && j < m; ) {
    const next = Math.min((i + 1) * m, (j + 1) * n);
    gaps.push(Math.abs(a[i]! - b[j]!));
    shares.push((next - level) / (n * m));
    if (next === (i + 1) * m) i++;
    if (next === (j + 1) * n) j++;
    level = next;
  }
  const largest = gaps.reduce((most, gap) => Math.max(most, gap), 0);
  if (largest === 0 || order === Infinity) return largest;
  const mean = gaps.reduce((sum, gap, k) => sum + shares[k]! * pow(gap / largest, order), 0);
  return largest * pow(mean, 1 / order);
}

function sortedSample(samples: TensorLike, path: string): Float64Array {
  const { shape, data } = toF64(readTensor(samples, path, { largest: 1e150 }));
  if (shape.length !== 1) {
    throw new SpecError(
      path,
      `an array of shape [${shape.join(", ")}]`,
      "numbers, one a sample",
      "energyTest takes rows.",
    );
  }
  if (data.length === 0) throw new SpecError(path, samples, "at least one number");
  return data.slice().sort();
}
