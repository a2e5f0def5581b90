// The edge of stability: gradient descent of four steps beside the gradient flow and the central flow.     theory §11; docs/edgeOfStability.md

import { exp, log } from "../../engine/math";
import type { EdgeRun, EdgeTrack } from "../edge/edgeOfStability";
import { edgeOfStability as study } from "../onDemand";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { Series, SpreadSeries, StatisticsPicture } from "./picture";
import { SINE_NEURONS, sineNetwork } from "./sineNetwork";

/** ε in units of 2/λ_max at the gradient flow's end. */
const RATIOS = [0.7, 1.2, 1.5, 2];

/** Blocks of steps that dots stand for, equal on the logarithm of time. */
const BLOCKS = 36;
const LINE_POINTS = 120;

/** Loss, sharpness and gradient along gradient descent at the edge. */
export const edgeOfStability: Figure = {
  name: "edge-of-stability",
  title: "Gradient descent at the edge of stability",
  claim: [
    "Full-batch gradient descent on y = sin 2x with 32 tanh neurons. Along the gradient flow the sharpness λ_max of the Hessian grows all the time.",
    "A step ε above 2/λ_max of the flow's end comes to ε λ_max = 2 on the way, where gradient descent is unstable; it stays there, oscillating along the",
    "top eigenvector, while the loss goes on falling. A step below never comes to the edge.",
    "The central flow replaces the oscillation by the smallest covariance that holds λ_max at 2/ε, and tells the loss and the squared",
    "gradient of gradient descent on average, over the oscillation, without seeing it.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas: starts } = readOptions(options, 5);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const ratios = full ? [0.7, 0.9, 1.1, 1.2, 1.5, 2, 2.5] : RATIOS;
  const progress = phases(options.onProgress, [6, ...Array.from({ length: starts - 1 }, () => 1)]);
  const problem = sineNetwork();
  const common = { neurons: SINE_NEURONS, ratios, backend, signal };
  const first = await study(problem, {
    ...common,
    seed,
    substeps: full ? 4 : 2,
    onProgress: ({ fraction, phase }) => progress(0, phase, fraction),
  });
  // other starts: only whether they come to the edge, from every third step
  const studies = [{ seed, ...first }];
  for (let k = 1; k < starts; k++) {
    const found = await study(problem, {
      ...common,
      seed: seed + k,
      every: 3,
      substeps: 0,
      onProgress: ({ fraction }) => progress(k, `start ${seed + k}`, fraction),
    });
    studies.push({ seed: seed + k, ...found });
  }

  const growth = studies.map(({ flow }) => flow.sharpness[flow.sharpness.length - 1]! / flow.sharpness[0]!);
  const large = studies.flatMap(({ runs }) => runs.filter(({ ratio }) => ratio > 1.15 && ratio < 2.2));
  const small = studies.flatMap(({ runs }) => runs.filter(({ ratio }) => ratio < 0.95));
  const means = large.map(({ window }) => window?.mean ?? Number.NaN);
  const told = first.runs.filter(({ ratio, averages }) => ratio > 1.15 && ratio < 2.2 && averages !== null);
  const shares = (of: "loss" | "gradient") => told.map(({ averages: a }) => a!.central[of] / a!.descent[of]);
  const held = told.map(({ central, stepSize, averages }) => {
    const products = central!.sharpness.slice(averages!.from, averages!.to + 1).map((lambda) => stepSize * lambda);
    return [Math.min(...products), Math.max(...products)] as const;
  });
  const fallen = (run: EdgeRun) => run.loss[run.loss.length - 1]! / run.loss[0]!;
  const findings: Finding[] = [
    {
      expected: `the gradient flow sharpens: λ_max at its end, where the loss is 1e-4 of its start, is more than twice that at its start, from each of ${starts} starts`,
      measured: `factors ${growth.map(say).join(", ")}`,
      met: growth.every((factor) => factor > 2),
    },
    {
      expected:
        "steps above 2/λ_max of the flow's end are at the edge: the mean of ε λ_max while the loss is between 1e-1 and 1e-4 of its start is within 5 % of 2, from each start",
      measured: `means ${Math.min(...means).toFixed(3)} to ${Math.max(...means).toFixed(3)} over ${means.length} runs`,
      met: large.every(({ status }) => status === "edge"),
    },
    {
      expected: "their loss still falls, to 1e-4 of its start",
      measured: `ends at ${large.map((one) => say(fallen(one))).join(", ")} of the start`,
      met: large.every((one) => fallen(one) <= 1e-4),
    },
    {
      expected: "a step of 0.7 of 2/λ_max never comes to the edge: the largest ε λ_max is below 1.6",
      measured: `largest ${Math.max(...small.map(({ window }) => window?.most ?? Number.NaN)).toFixed(3)}`,
      met: small.filter(({ ratio }) => ratio < 0.75).every(({ window }) => window !== null && window.most < 1.6),
    },
    {
      expected: "the central flow's loss is that of gradient descent on average from the edge on, within 10 %",
      measured: `ratios ${shares("loss").map(say).join(", ")}`,
      met: shares("loss").every((share) => Math.abs(share - 1) < 0.1),
    },
    {
      expected: "and so is its squared gradient, within 10 %",
      measured: `ratios ${shares("gradient").map(say).join(", ")}`,
      met: shares("gradient").every((share) => Math.abs(share - 1) < 0.1),
    },
    {
      expected: "it holds ε λ_max at 2, within 3 % on its way onto the edge",
      measured: held.map(([least, most]) => `${least.toFixed(4)} to ${most.toFixed(4)}`).join(", "),
      met: held.every(([least, most]) => least > 1.94 && most < 2.06),
    },
  ];

  return {
    table: {
      columns: [
        { name: "seed", digits: 0 },
        { name: "ε", digits: 4 },
        { name: "ε λ_max/2 at the flow's end", digits: 2 },
        { name: "status", digits: 0 },
        { name: "mean ε λ_max", digits: 4 },
        { name: "largest", digits: 3 },
        { name: "steps", digits: 0 },
        { name: "loss at the end, of the start's", digits: 6 },
      ],
      rows: studies.flatMap((one) =>
        one.runs.map((each) => [
          one.seed,
          each.stepSize,
          each.ratio,
          each.status,
          each.window?.mean ?? null,
          each.window?.most ?? null,
          Math.round(each.times[each.times.length - 1]! / each.stepSize),
          fallen(each),
        ]),
      ),
    },
    pictures: [{ file: "edge.svg", picture: pictureOf(first.flow, first.runs, seed) }],
    findings,
    warnings: first.runs.flatMap(({ central }) => central?.refused ?? []),
    data: {
      neurons: SINE_NEURONS,
      ratios,
      studies: studies.map(({ seed: one, stableStep, flow, runs }) => ({
        seed: one,
        stableStep,
        flow: plain(flow),
        runs: runs.map(({ central, averages, window, status, stepSize, ratio, ...track }) => ({
          stepSize,
          ratio,
          status,
          window,
          averages,
          ...plain(track),
          central: central && {
            ...plain(central),
            averageLoss: Array.from(central.averageLoss),
            averageGradient: Array.from(central.averageGradient),
            variance: Array.from(central.variance),
          },
        })),
      })),
    },
  };
}

function plain({ times, loss, sharpness, gradient }: EdgeTrack) {
  return {
    times: Array.from(times),
    loss: Array.from(loss),
    sharpness: Array.from(sharpness),
    gradient: Array.from(gradient),
  };
}

function pictureOf(flow: EdgeTrack, all: readonly EdgeRun[], seed: number): StatisticsPicture {
  const runs = all.filter(({ ratio }) => RATIOS.some((one) => Math.abs(one - ratio) < 1e-6));
  const name = ({ stepSize }: EdgeRun) => `ε = ${stepSize.toFixed(2)}`;
  const flowHue = runs.length;
  return {
    kind: "statistics",
    title: "Gradient descent at the edge of stability",
    subtitle:
      `y = sin 2x at 16 points, ${SINE_NEURONS} tanh neurons, full batch, seed ${seed}; ε = ${RATIOS.join(", ")} times 2/λ_max of the ` +
      "gradient flow's end; all end where the loss is 1e-4 of its start",
    x: { label: "time t = kε", scale: "log" },
    key: {
      network: "gradient descent, mean over a block of steps",
      spread: "least and largest",
      limit: "central flow; the gradient flow in its own colour",
    },
    panels: [
      {
        title: "loss",
        y: { label: "E", scale: "log" },
        curves: [
          ...runs.map((run, hue) => ({
            label: "",
            network: blocks(run.times, run.loss),
            limit: line(run.central!.times, run.central!.averageLoss),
            hue,
          })),
          { label: "gradient flow", network: null, limit: line(flow.times, flow.loss), hue: flowHue },
        ],
        levels: [],
      },
      {
        title: "sharpness times step size",
        y: { label: "ε λ_max", scale: "linear" },
        curves: runs.map((run, hue) => ({
          label: name(run),
          network: blocks(
            run.times,
            run.sharpness.map((lambda) => run.stepSize * lambda),
          ),
          limit: line(
            run.central!.times,
            run.central!.sharpness.map((lambda) => run.stepSize * lambda),
          ),
          hue,
        })),
        levels: [{ y: 2, label: "" }],
      },
      {
        title: "sharpness",
        y: { label: "λ_max", scale: "linear" },
        curves: [
          ...runs.map((run, hue) => ({
            label: "",
            network: { ...blocks(run.times, run.sharpness), low: null, high: null },
            limit: null,
            hue,
          })),
          { label: "gradient flow", network: null, limit: line(flow.times, flow.sharpness), hue: flowHue },
        ],
        levels: runs.slice(1).map(({ stepSize }) => ({ y: 2 / stepSize, label: `2/${stepSize.toFixed(2)}` })),
      },
      {
        title: "squared gradient",
        y: { label: "|∇E|²", scale: "log" },
        curves: [
          ...runs.map((run, hue) => ({
            label: "",
            network: { ...blocks(run.times, run.gradient), low: null, high: null },
            limit: line(run.central!.times, run.central!.averageGradient),
            hue,
          })),
          { label: "gradient flow", network: null, limit: line(flow.times, flow.gradient), hue: flowHue },
        ],
        levels: [],
      },
    ],
  };
}

// Points of a line, from the second on, no denser on the logarithm of time than can be seen.
function line(times: Float64Array, values: Float64Array): Series {
  const apart = exp(log(times[times.length - 1]! / times[1]!) / LINE_POINTS);
  const out: Series = { x: [], y: [] };
  for (let k = 1, last = 0; k < times.length; k++) {
    if (times[k]! < last * apart && k < times.length - 1) continue;
    last = times[k]!;
    out.x.push(last);
    out.y.push(values[k]!);
  }
  return out;
}

// Means, least and largest over blocks of steps of equal length in log t.
function blocks(times: Float64Array, values: Float64Array): SpreadSeries {
  const count = times.length;
  const out: Required<SpreadSeries> & { low: number[]; high: number[] } = { x: [], y: [], low: [], high: [] };
  const [from, to] = [log(times[1]!), log(times[count - 1]!)];
  let k = 1;
  for (let b = 0; b < BLOCKS && k < count; b++) {
    const end = exp(from + ((to - from) * (b + 1)) / BLOCKS);
    const first = k;
    while (k < count && (times[k]! <= end || b === BLOCKS - 1)) k++;
    if (k === first) continue;
    const inside = values.subarray(first, k);
    out.x.push(Math.sqrt(times[first]! * times[k - 1]!));
    out.y.push(inside.reduce((sum, value) => sum + value, 0) / inside.length);
    out.low.push(Math.min(...inside));
    out.high.push(Math.max(...inside));
  }
  return out;
}
