// The six stops of the tour. Every claim is checked in numbers by test/playground/tour.test.ts: it holds at the setting, and fails when what
// the stop says is moved.

import type { Experiment } from "../experiment";

/** A claim, where it holds, and what breaks it. */
export interface Stop {
  claim: string;
  /** who says so, and where */
  source: string;
  /** fields that differ from the problem's defaults */
  setting: Partial<Experiment> & Pick<Experiment, "problem">;
  /** where playing ends, and time a second of the clock */
  until: number;
  rate: number;
  see: string;
  move: string;
  consequence: string;
  /** what was measured, both ways */
  measured: string;
  /** the move as a button: its words, and the fields */
  button: string;
  broken: Partial<Experiment>;
}

export const stops: readonly Stop[] = [
  {
    claim: "Wide networks follow the equation, narrow ones do not",
    source: "Mei, Montanari & Nguyen, PNAS 2018, theorem 3 and figure 1.",
    setting: { problem: "gaussians", neurons: 800, stepSize: 1e-4 },
    until: 4,
    rate: 1,
    see: "",
    move: "",
    consequence: "",
    measured: "",
    button: "N = 20",
    broken: { neurons: 20 },
  },
];
