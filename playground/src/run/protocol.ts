// What the page and its worker say to each other. The worker knows specifications only; what they are called on the page is
// experiment.ts's.
//
//   page                           worker
//   open ───────────────────────►  parses, allocates, goes to `until` ──► opened, frame
//   play, pause, step, rewind ──►  advances; a frame at most for each `drawn` that came back
//   change ─────────────────────►  a new leg from the state reached (ε, B, τ), see Leg
//   look ───────────────────────►  which pictures the frames are to hold ──► frame
//   export ─────────────────────►  exported
//   whatever fails ─────────────────────────────────────────────────────► failed; the run before stays as it was

import type { Process } from "meanfield";

/** A live change: from time `at` on these fields of the process (and of a limit that has them) have these values. */
export interface Change {
  at: number;
  set: { stepSize?: number; batchSize?: number; temperature?: number };
}

/**
 * What is run. `network` and `limit` are plain JSON of `parseProcess`. Between two changes the network is a leg, a process of its own
 * that starts at the particles reached, with `replica` raised by one so that its data are new. Same run, same bits.
 */
export interface Run {
  network: Process;
  limit: Process | null;
  changes: Change[];
}

/** Which pictures the frames hold. */
export interface Look {
  /** names of coordinates, as `coordinate` of the library takes them, of the cloud over the limit's density; null: not shown */
  cloud: { x: string; y: string } | null;
  /** coordinate whose law is shown as a histogram of the network over the limit's density */
  law: string | null;
  /** side of the grid of inputs for the decision boundary of two-dimensional inputs */
  decision: number | null;
  /** λ_max of the Hessian beside 2/ε; costs a Lanczos run a frame */
  sharpness: boolean;
}

/** Messages to the worker. Those with `id` are answered with it. */
export type Request =
  | { type: "open"; id: number; run: Run; until: number; look: Look }
  | { type: "play" /** time a second of the clock */; rate: number }
  | { type: "pause" }
  /** one step ε of the network, or one frame's worth where it has no steps */
  | { type: "step" }
  | { type: "rewind" }
  | { type: "seek"; time: number }
  | { type: "change"; id: number; change: Change["set"] }
  | { type: "look"; look: Look }
  | { type: "drawn" }
  | { type: "export"; id: number; what: "trajectoryJson" | "trajectoryCsv" | "trajectoryNpz" | "measureNpz" }
  | { type: "close" };

/** Equal cells of one coordinate with heights of a density. */
export interface LawPicture {
  /** of the coordinate */
  name: string;
  from: number;
  to: number;
  /** density of the network, a bar a cell */
  network: Float32Array;
  /** density of the limit at the middles of the cells; null without limit */
  limit: Float32Array | null;
}

/** Particles over the density of the limit. */
export interface CloudPicture {
  x: { name: string; from: number; to: number };
  y: { name: string; from: number; to: number };
  /** [2·n], x and y in turn, of at most 4096 neurons (the first ones) */
  points: Float32Array;
  /** [rows · columns] masses of equal cells over the ranges, row 0 at y.from; null without limit */
  density: { columns: number; rows: number; masses: Float32Array } | null;
}

/** What the network says over a square of inputs. */
export interface DecisionPicture {
  from: [number, number];
  to: [number, number];
  side: number;
  /** classes, or 1 where f is a number */
  outputs: number;
  /** [side²] the class, or f(x), row 0 at the lowest x_2; of the network, and of the limit where it is one of particles in θ */
  network: Float32Array;
  limit: Float32Array | null;
  /** examples, at most 1024: [2·n] and their labels */
  points: Float32Array;
  labels: Float32Array;
}

/** One record of the curves; what is not known is NaN. */
export interface Sample {
  time: number;
  risk: number;
  limitRisk: number;
  sharpness: number;
  /** 2/ε (time scale of the library), what sharpness is compared with */
  edge: number;
}

/** What is shown at one time. Arrays are handed over, not copied. */
export interface Frame {
  time: number;
  step: number;
  playing: boolean;
  /** of the leg under way */
  stepSize: number | null;
  /** 8 hexadecimal digits of a hash of every bit of the network's state: same run and time, same digest, on any machine */
  digest: string;
  /** steps a second of the clock, of the last second */
  speed: number;
  /** records since the last frame; `restart` where the curves begin anew */
  samples: Sample[];
  restart: boolean;
  law: LawPicture | null;
  cloud: CloudPicture | null;
  decision: DecisionPicture | null;
  warnings: string[];
}

/** A band of the risk: in it SGD's risk lies with probability `level` at each time. */
export interface RiskBand {
  level: number;
  times: Float64Array;
  lower: Float64Array;
  upper: Float64Array;
  /** what its key calls it */
  name: string;
  /** how it was found, in words */
  method: string;
}

/** An error as the page shows it. */
export interface Failure {
  name: string;
  message: string;
  /** of a SpecError */
  path: string | null;
}

/** Messages from the worker. */
export type Response =
  | {
      type: "opened";
      id: number;
      network: Process;
      limit: Process | null;
      build: string;
      hash: string;
      coordinates: string[];
    }
  | { type: "changed"; id: number; changes: Change[] }
  | { type: "frame"; frame: Frame }
  | { type: "exported"; id: number; file: string; mediaType: string; bytes: Uint8Array }
  | { type: "failed"; id: number | null; error: Failure };

/** The second worker finds bands of the risk, slowly, so that the first is not held up. */
export type BandRequest = { type: "band"; id: number; run: Run; times: Float64Array };
export type BandResponse =
  | { type: "band"; id: number; band: RiskBand; done: boolean }
  | { type: "failed"; id: number; error: Failure };
