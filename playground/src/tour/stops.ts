// The six stops of the tour. Every claim and every number here is checked by test/playground/tour.test.ts: it holds at the setting, and
// fails when what the stop says is moved.

import { dataset, fokkerPlanck, gaussian, quadratic, ridge, sgd, tanh } from "meanfield";
import type { Dropped, Experiment } from "../experiment";

/** A claim, where it holds, and what breaks it. */
export interface Stop {
  claim: string;
  /** who says so, and where */
  source: string;
  /** fields that differ from the problem's defaults */
  setting: Partial<Experiment> & Pick<Experiment, "problem">;
  /** what is run where it is none of the page's problems */
  file?: (temperature: number) => Dropped;
  /** where playing ends, and time a second of the clock */
  until: number;
  rate: number;
  see: string;
  /** what to move, and what then happens */
  move: string;
  consequence: string;
  /** what was measured, both ways */
  measured: string;
  /** the move as a button: its words, and the fields */
  button: string;
  broken: Partial<Experiment>;
}

const FIGURE_2: Stop["setting"] = {
  problem: "gaussians",
  activation: "figure2",
  delta: 0.5,
  radius: 0.4,
  neurons: 400,
  stepSize: 2e-5,
};

export const stops: readonly Stop[] = [
  {
    claim: "A wide network follows the equation; a narrow one does not",
    source: "Mei, Montanari & Nguyen, PNAS 2018, figure 1.",
    setting: { problem: "gaussians" },
    until: 2,
    rate: 0.5,
    see: "Bars are the radii of 800 neurons under SGD, the line is the density that the partial differential equation gives. It knows nothing of N, of the step, or of a single example; still the bars keep to it, and the two risks lie on one another.",
    move: "Take N down to 20.",
    consequence:
      "The line stays as it was. The bars no longer fill it, and the risk lies above: 20 draws of a start are no density, and f is their mean, whose variance adds to the risk a part of the order 1/N.",
    measured: "At t = 2 the risk of SGD is off by 0.003 of 1.07 at N = 800, and by 0.17 at N = 20.",
    button: "N = 20",
    broken: { neurons: 20 },
  },
  {
    claim: "The step has to be small against 1/d",
    source: "Mei, Misiakiewicz & Montanari, COLT 2019: the number of steps is of the order of d.",
    setting: { ...FIGURE_2, pictures: ["risk", "law"] },
    until: 0.1,
    rate: 0.02,
    see: "With d = 40 and ε = 0.00002, d·ε is 0.0008, and SGD’s risk runs down the curve of the equation, though each step sees one example only.",
    move: "Move ε up to 0.001, so that d·ε is 0.04.",
    consequence:
      "SGD runs far ahead of the equation. While it is small the gap is linear in d·ε: twice the step, twice the gap.",
    measured:
      "At t = 0.1 the gap of the risks, a mean of eight runs, is about −27 d·ε: −0.02 of 2.7 here, −0.22 at ten times the step; at fifty times it is −0.8.",
    button: "ε = 0.001",
    broken: { stepSize: 1e-3 },
  },
  {
    claim: "Where it starts decides where it ends",
    source: "Mei, Montanari & Nguyen, PNAS 2018, the figure of two starts; here with d = 40.",
    setting: { ...FIGURE_2, stepSize: 1e-4, pictures: ["law", "risk"] },
    until: 1,
    rate: 0.2,
    see: "From κ = 0.4 the radii move out, split, and the risk falls from above 6 to below 0.2: network and equation alike.",
    move: "Start nearer to the origin: κ = 0.1.",
    consequence:
      "All radii shrink to 0, where the potential has the tip of a cone, and stay. The risk is that of f = −2.5, 7.25, for ever. Infinite width does not help; then raise ε to 0.001 and rewind: the noise of large steps carries SGD out of the trap, and away from the equation.",
    measured:
      "At t = 1 the risks are 0.19 and 0.18 from κ = 0.4; 7.5 and 7.25 from κ = 0.1; and 0.26 beside 7.25 with ε = 0.001.",
    button: "κ = 0.1",
    broken: { radius: 0.1 },
  },
  {
    claim: "Noise lifts the risk, and spreads the law as Gibbs says",
    source: "Hu, Ren, Šiška & Szpruch, Ann. Inst. H. Poincaré B 2021, theorem 3 and corollary 2.",
    setting: {
      problem: "file",
      neurons: 800,
      stepSize: 0.01,
      temperature: 0.3,
      radius: 0.8,
      limit: "fokkerPlanck",
      pictures: ["law", "risk"],
    },
    file: threePoints,
    until: 20,
    rate: 4,
    see: "Three points, tanh units, a weak confinement, and noise of temperature τ = 0.3 at each step. The limit is a Fokker–Planck equation; it comes to rest at the law exp(−(Ψ + U)/τ), wide, and the network with it. The risk stays up at 0.1.",
    move: "Take τ down to 0.01.",
    consequence:
      "Now the law draws together where the potential is low, and the risk comes down to a fifth: what held it up was the noise. Between the two, move τ while it runs; the same equation goes on.",
    measured:
      "At t = 20 risks of network and equation are 0.11 and 0.10 at τ = 0.3, 0.022 and 0.021 at τ = 0.01; deviations of w are 2.0 and 0.35.",
    button: "τ = 0.01",
    broken: { temperature: 0.01 },
  },
  {
    claim: "Width takes the noise of the start away; only small steps take that of the examples",
    source:
      "Sirignano & Spiliopoulos, Stochastic Process. Appl. 2020: variance is a start’s part over N and a gradients’ part in ε.",
    setting: { problem: "gaussians", pictures: ["risk", "law"], band: true },
    until: 0.5,
    rate: 0.1,
    see: "The band is where other runs of the same N and ε lie, with other starts and other examples. They are run when the stop begins, and take about half a minute, longer than the run itself; the risk’s picture counts them, and “log time” above it shows the beginning. At N = 800 and ε = 0.0001 it is hardly wider than the line, and holds the run.",
    move: "Move ε up to 0.003, N as it is.",
    consequence:
      "The band, found anew, is ten times as wide, and the run wanders in it. The radii leave the limit’s line, too: that is no spread but the bias of order d·ε, here 0.12, which every run has. More neurons do not help now: the noise of one example moves all of them together. Try N = 50 with the small step, too: the band moves up, by the 1/N in the mean, and widens.",
    measured:
      "Deviation of the risk at t = 0.3 over 16 runs: 0.004 here, 0.047 at ε = 0.003, and there 0.044 with N = 50 as well.",
    button: "ε = 0.003",
    broken: { stepSize: 3e-3 },
  },
  {
    claim: "Gradient descent drives the sharpness up to 2/ε, and holds it there",
    source: "Cohen, Kaur, Li, Kolter & Talwalkar, ICLR 2021: the edge of stability.",
    setting: { problem: "sine", pictures: ["sharpness", "risk"] },
    until: 400,
    rate: 60,
    see: "The sharpness, the largest eigenvalue of the Hessian, grows as the network learns. At 2/ε, the dashes, a minimum would no longer be stable. It overshoots, the risk jumps, and then the sharpness hovers at the dashes while the risk goes on down.",
    move: "Take the step down: ε = 0.3.",
    consequence:
      "The dashes are now far above. The sharpness grows to where the gradient flow takes it and stays below, the risk falls without a jump, and gradient descent and the flow are one.",
    measured: "Mean of ε times the sharpness over 200 ≤ t ≤ 400: 2.0 at ε = 1.1, 0.8 at ε = 0.3.",
    button: "ε = 0.3",
    broken: { stepSize: 0.3 },
  },
];

// One parameter a neuron, so that the law is a density on a line: labels tanh(1.5 x) at three points, U = 0.025 w².
function threePoints(temperature: number): Dropped {
  const x = [[0.5], [1], [2]];
  const problem = {
    law: dataset({ x, y: x.map(([one]) => [Math.tanh(1.5 * one!)]) }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 0.8 }),
    confinement: quadratic(0.05),
  };
  return {
    kind: "run",
    name: "three points",
    run: {
      process: sgd(problem, { neurons: 800, stepSize: 0.01, temperature, seed: 1 }),
      times: [0, 20],
      compareWith: fokkerPlanck(problem, { temperature }),
    },
  };
}
