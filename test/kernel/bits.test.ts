// Same inputs, same bits: frozen hashes of matrices, which Node 20, Node 24 and Chromium must meet. A hash changes only when a kernel is meant
// to change, and the changelog says so.

import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import { expect, it } from "vitest";
import {
  affine,
  arcCosine,
  type Backend,
  erf,
  gaussian,
  gram,
  type Kernel,
  matern,
  noExamples,
  ntk,
  particleMeasure,
  rbf,
  relu,
  silu,
  stream,
  tangentGram,
  tensor,
} from "../../src/index";

const kernels: Kernel[] = [
  rbf(1.5),
  matern(0.5, 1.5),
  matern(2.5, 1.5),
  arcCosine(0),
  ntk(relu()),
  ntk(relu(), { biasVariance: 0.2, trainBias: true }),
  ntk(erf(), { biasVariance: 0.2 }),
];

/** Hashes of all matrices, one after another, by build and precision. */
const hashes: [Backend, "f32" | "f64", string][] = [
  ["simd", "f32", "9771d95946c9d91d"],
  ["simd", "f64", "c69cf4f94da618f2"],
  ["js", "f32", "08174b12244a35fa"],
  ["js", "f64", "2481b8fdd26144b4"],
];

it.each(hashes)("matrices keep their bits (%s, %s)", async (backend, precision, expected) => {
  const d = 5;
  const values = stream(21).normals(70 * d);
  // a repeated input, a parallel one, and 0
  values.copyWithin(d, 0, d);
  for (let k = 0; k < d; k++) values[2 * d + k] = -3 * values[k]!;
  values.fill(0, 3 * d, 4 * d);
  const x = tensor(values, [70, d]);
  const y = tensor(stream(22).normals(9 * d), [9, d]);
  const all = sha256.create();
  const add = ({ values }: { values: Float32Array | Float64Array }) =>
    all.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  for (const kernel of kernels) {
    add(await gram(kernel, x, null, { backend, precision }));
    add(await gram(kernel, x, y, { backend, precision }));
  }
  const unit = affine(silu(), { outputs: 2, outputBias: true });
  const network = particleMeasure({
    coordinates: "theta",
    shape: [90, d + 3],
    values: stream(23).normals(90 * (d + 3)),
  });
  const problem = { law: noExamples(d), unit, start: gaussian({ radius: 1 }) };
  add(await tangentGram(problem, network, x, null, { backend, precision }));
  add(await tangentGram(problem, network, x, y, { backend, precision }));
  expect(bytesToHex(all.digest()).slice(0, 16)).toBe(expected);
});
