// The one interface that every build of the kernels meets: simd and relaxed (assembly/index.ts) and js (src/engine/js).
// Pointers are byte addresses in the build's memory; blocks are laid out in assembly/layout.ts.

/** Names of the builds. */
export type Backend = "simd" | "relaxed" | "js";

type Draws = (
  out: number,
  n: number,
  seedLow: number,
  seedHigh: number,
  purpose: number,
  replica: number,
  stepLow: number,
  stepHigh: number,
  from: number,
) => void;
type Activate = (block: number, h: number, value: number, slope: number, count: number) => void;
type Example = (law: number, x: number, seedLow: number, seedHigh: number, replica: number, example: number) => number;
type Theta = (network: number, theta: number) => void;
type Predict = (network: number, inputs: number, count: number, out: number, scratch: number) => void;
type Stencil = (
  u: number,
  u0: number,
  psi: number,
  out: number,
  n1: number,
  n2: number,
  stride: number,
  k1: number,
  k2: number,
  alpha: number,
  beta: number,
  scratch: number,
) => void;
type Sgd = (plan: number, first: number, steps: number) => number;

/** The kernels. Each is pure arithmetic on memory: no policy, no allocation, no exception. */
export interface Kernels {
  /** One Philox4x32-10 block: four words at `out`. */
  philox(out: number, key0: number, key1: number, c0: number, c1: number, c2: number, c3: number): void;
  /** Words of a stream (docs/streams.md). */
  words: Draws;
  /** Uniforms of a stream. */
  uniforms_f32: Draws;
  uniforms_f64: Draws;
  /** Standard normals of a stream. */
  normals_f32: Draws;
  normals_f64: Draws;
  /** σ and σ' of a row of numbers. */
  activate_f32: Activate;
  activate_f64: Activate;
  /** One example of a law: its input at `x`, its label returned. */
  example_f32: Example;
  example_f64: Example;
  /** Public parameters into the kernels' layout, and back. */
  importTheta_f32: Theta;
  importTheta_f64: Theta;
  exportTheta_f32: Theta;
  exportTheta_f64: Theta;
  /** f at `count` inputs; see assembly/predict.ts for the scratch. */
  predict_f32: Predict;
  predict_f64: Predict;
  /** SGD steps; the number done, fewer than asked where a residual was not finite. */
  sgd_f32: Sgd;
  sgd_f64: Sgd;
  /** One MUSCL stage of the 2-D flow; see assembly/stencil.ts for the layout. */
  stencil_f32: Stencil;
  stencil_f64: Stencil;
}
