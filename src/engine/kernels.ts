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
type ActivateSecond = (block: number, h: number, value: number, slope: number, second: number, count: number) => void;
type Example = (
  law: number,
  x: number,
  y: number,
  seedLow: number,
  seedHigh: number,
  replica: number,
  example: number,
) => void;
type Theta = (network: number, theta: number) => void;
type PackInputs = (network: number, batch: number, inputs: number, at: number, count: number) => void;
type Forward = (network: number, batch: number) => void;
type Sweep = (network: number, batch: number, out: number) => void;
type TangentForward = (network: number, direction: number, batch: number, out: number) => void;
type TangentBackward = (network: number, direction: number, batch: number, tangentWeights: number, out: number) => void;
type Accumulate = (x: number, factor: number, y: number, bytes: number) => void;
type HeavyBall = (x: number, u: number, g: number, bytes: number, step: number, momentum: number) => void;
type Adam = (
  x: number,
  m: number,
  s: number,
  g: number,
  bytes: number,
  beta1: number,
  beta2: number,
  rate: number,
  correction: number,
  stabiliser: number,
) => void;
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
  /** σ, σ' and σ'' of a row of numbers; the first two to the bits of `activate`. */
  activateSecond_f32: ActivateSecond;
  activateSecond_f64: ActivateSecond;
  /** One example of a law: its input at `x`, its label row (f64) at `y`. */
  example_f32: Example;
  example_f64: Example;
  /** Public parameters into the kernels' layout, and back. */
  importTheta_f32: Theta;
  importTheta_f64: Theta;
  exportTheta_f32: Theta;
  exportTheta_f64: Theta;
  /** `count` inputs (f64 rows of d) into a batch from example `at` on. */
  packInputs_f32: PackInputs;
  packInputs_f64: PackInputs;
  /** Predictions of all examples of a batch. */
  forward_f32: Forward;
  forward_f64: Forward;
  /** Data weights c = scale · m r of a batch for a loss (a constant of assembly/layout.ts); returns Σ m ℓ. */
  weigh(batch: number, outputs: number, loss: number, scale: number): number;
  /** Σ_q c_q · ∇σ* of the whole state. */
  backward_f32: Sweep;
  backward_f64: Sweep;
  /** Σ_q c_q · σ*(x_q; θ_i) of every neuron, in the precision of the network; room for whole panels of PANEL bytes. */
  potential_f32: Sweep;
  potential_f64: Sweep;
  /**
   * Derivative of the predictions along a direction u of the state: δf_q = δbias + Σ_i m_i ∇σ*(x_q; θ_i)·u_i, f64 rows of K at `out`.
   * The direction is a network block of the same shape (viewNetwork, copyNetwork) whose state is u; m are the network's masses, so a
   * neuron of mass 0 adds nothing. Where outputs are not trained, the direction of a counts as 0; where
   * biases b are kept, it has to have 0 for them. The batch's data weights are
   * neither read nor written.
   */
  tangentForward_f32: TangentForward;
  tangentForward_f64: TangentForward;
  /**
   * Derivative of `backward` when the state moves along u and the data weights c along δc: Σ_q δc_q·∇σ*(x_q; θ_i) +
   * c_q·∇²σ*(x_q; θ_i) u_i of the whole state into `out`, as many bytes as the state and neither the state's nor u's; of the output
   * bias Σ_q δc_q; of a 0 where outputs are not trained. c are the batch's data weights, δc f64 rows of K at `tangentWeights`. The batch
   * needs `writeTangent` (src/model/blocks.ts) first.
   */
  tangentBackward_f32: TangentBackward;
  tangentBackward_f64: TangentBackward;
  /** 0 for the biases b of all neurons in a state at `out`, where the network keeps them. */
  holdBiases_f32: (network: number, out: number) => void;
  holdBiases_f64: (network: number, out: number) => void;
  /** x += factor · y over bytes that are a multiple of 16. */
  accumulate_f32: Accumulate;
  accumulate_f64: Accumulate;
  /** u ← momentum · u + g, x += step · u, over bytes that are a multiple of 16. */
  heavyBall_f32: HeavyBall;
  heavyBall_f64: HeavyBall;
  /** A step of Adam on x along g, with its moments m and s (assembly/moments.ts), over bytes that are a multiple of 16. */
  adam_f32: Adam;
  adam_f64: Adam;
  /** Draws a descent's batch from example `first` on. */
  drawBatch_f32: (plan: number, first: number) => void;
  drawBatch_f64: (plan: number, first: number) => void;
  /** The whole velocity of a descent at its state, into its gradient; returns Σ m ℓ. */
  velocity_f32: (plan: number) => number;
  velocity_f64: (plan: number) => number;
  /** Steps of a descent (assembly/descent.ts); the number done, fewer than asked where a loss was not finite. */
  descend_f32: Sgd;
  descend_f64: Sgd;
  /** SGD steps; the number done, fewer than asked where a residual was not finite. */
  sgd_f32: Sgd;
  sgd_f64: Sgd;
  /** One MUSCL stage of the 2-D flow; see assembly/stencil.ts for the layout. */
  stencil_f32: Stencil;
  stencil_f64: Stencil;
}
