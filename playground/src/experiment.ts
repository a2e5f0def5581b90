// What stands on the page: a problem by name with its numbers, a process, a limit, a time. It is what the URL holds, and makes
// the specifications that are run.

import type { ProblemInput, RunSpecInput } from "meanfield";
import type { Change, Run } from "./run/protocol";

/** Problems by name. "file" is a run file or a dataset that was dropped on the page, which no URL holds. */
export type ProblemName = "gaussians" | "teacher" | "peaks" | "sine" | "file";

/** Processes that the page offers for the network. */
export type NetworkKind = "sgd" | "gradientDescent" | "adam" | "langevin";

/** Limits that can be laid over it; not each goes with each problem: `limitsFor`. */
export type LimitKind = "none" | "radialFlow" | "gradientFlow" | "nonlinear" | "modifiedFlow" | "fokkerPlanck";

/** The state of the page, plain JSON. */
export interface Experiment {
  problem: ProblemName;
  network: NetworkKind;
  limit: LimitKind;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** B */
  batchSize: number;
  /** τ */
  temperature: number;
  /** κ, the deviation of the start is κ/√d */
  radius: number;
  seed: number;
  /** d, s_0 and Δ of "gaussians"; d of "teacher" */
  dimension: number;
  signal: number;
  delta: number;
  /** "figure1", the seeds' piecewise-linear unit, or an activation of the library by its kind */
  activation: string;
  precision: "f32" | "f64";
  time: number;
  changes: Change[];
  /** pictures that are shown, and the coordinates of the cloud; null: the problem's own */
  pictures: ("law" | "cloud" | "risk" | "decision" | "sharpness")[] | null;
  x: string | null;
  y: string | null;
  band: boolean;
  /** stop of the tour, 0 before it; null: no tour */
  tour: number | null;
}

/** What was dropped on the page. */
export type Dropped =
  | { kind: "dataset"; name: string; law: ProblemInput["law"]; rows: number }
  | { kind: "run"; name: string; run: RunSpecInput };

/** The functions of this file: `defaults(problem)`, `limitsFor(experiment, dropped)`, `runOf(experiment, dropped): Run`. */
export type RunOf = (experiment: Experiment, dropped: Dropped | null) => Run;
