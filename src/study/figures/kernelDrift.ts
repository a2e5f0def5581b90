// The lecture's table of the two regimes, as measured: kernel, parameters, dynamics and features over γ and N.      theory §9; docs/lazy.md

import { gram } from "../../kernel/onDemand";
import { silu } from "../../model/activation";
import { type Dataset, dataset } from "../../model/law";
import { parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine } from "../../model/unit";
import { limitKernels } from "../lazy/limitKernel";
import { linearisedDynamics } from "../lazy/linearised";
import { type LazyDial, type LazyPoint, lazyDial } from "../lazyDial";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture, StatisticsPicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const STEP = 0.2;
const TIMES = [0, 0.6, 1, 1.6, 2, 2.6, 3, 3.6, 4, 5, 6, 7, 8, 10, 12, 14, 16];
/** Time at which networks are compared with their limits: the loss is falling then. */
const MIDDLE = TIMES.indexOf(4);
const END = TIMES.length - 1;
const EXPONENTS = [0.5, 0.75, 1];
/** Neurons of the network that stands for the mean-field limit, as many times those of the widest one. */
const MANY = 4;
/** Finite widths: the next order is 1/α relatively, and the reference has an error of its own. */
const NEAR = 0.15;

/** Kernel drift, movement, linearity and alignment over the dial. */
export const kernelDrift: Figure = {
  name: "kernel-drift",
  title: "Lazy and mean-field training: what moves at which scale",
  claim: [
    "f = N^−γ Σ a silu(w·x) learns x₁x₂ on the corners of the cube {±1}⁴ by gradient descent from pairs ±a, so f = 0 at the start, in the lazy time, in which f moves",
    "at one speed for all γ. At γ = ½ parameters, kernel and alignment stay where they were and f follows the linear equation; at γ = 1 all of them move,",
    "however wide the network is. Parameters move as N^(γ−1). The kernel moves as N^(2γ−2), as its first order is odd in a: 1/N at γ = ½, and the bound N^−½",
    "is reached only where a has no symmetry.",
  ].join(" "),
  run,
};

const corners = Array.from({ length: 16 }, (_, k) => [0, 1, 2, 3].map((j) => ((k >> j) & 1 ? 1 : -1)));
const problem = {
  law: dataset({ x: corners, y: corners.map(([a, b]) => a! * b!) }),
  unit: affine(silu(), { trainBias: false }),
  start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 } }),
};

/** One statistic of one regime over width. */
interface Measured {
  /** [replicas] a width */
  values: Float64Array[];
  rate: Rate | null;
  expected: number;
}

interface Row {
  property: string;
  statistic: string;
  lazy: Measured;
  meanField: Measured;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 6);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const neurons = full ? [256, 1024, 4096, 8192] : [256, 1024, 4096];
  const progress = phases(options.onProgress, [12, 4, 2]);
  const common = { times: TIMES, stepSize: STEP, x: corners, seed, signal, backend };
  const dial = await lazyDial(problem, {
    ...common,
    neurons,
    exponents: EXPONENTS,
    start: "paired",
    replicas,
    onProgress: ({ fraction }) => progress(0, "the dial", fraction),
  });
  const lopsided = await lazyDial(
    { ...problem, start: gaussian({ radius: 1, a: 1 }) },
    {
      ...common,
      neurons,
      exponents: [0.5],
      start: "centred",
      replicas,
      onProgress: ({ fraction }) => progress(1, "without symmetry", fraction),
    },
  );
  // draws of another seed: those of one seed begin alike at every width
  const wide = await lazyDial(problem, {
    ...common,
    neurons: MANY * neurons[neurons.length - 1]!,
    exponents: [1],
    start: "paired",
    seed: seed === Number.MAX_SAFE_INTEGER ? 0 : seed + 1,
    onProgress: ({ fraction }) => progress(2, "the mean-field limit", fraction),
  });
  const regression = await limitCourse(signal);
  const meanField = wide.points[0]!.predictions![0]!;
  return resultOf({ dial, lopsided, neurons, replicas, seed, regression, meanField });
}

// f of the infinitely wide network at γ = ½: kernel regression's course, in the network's own steps.
async function limitCourse(signal: AbortSignal | undefined): Promise<Float64Array> {
  const parsed = parseProblem(problem);
  const { x, y } = parsed.law as Dataset;
  const { values: kernel } = await gram(limitKernels(parsed).ntk, x);
  const count = corners.length;
  const course = await linearisedDynamics(
    {
      kernel,
      start: new Float64Array(count),
      labels: y.data,
      masses: new Float64Array(count).fill(1 / count),
      loss: "squared",
      outputs: 1,
    },
    TIMES,
    { stepSize: STEP, counts: TIMES.map((s) => Math.round(s / STEP)) },
    signal,
  );
  const all = new Float64Array(TIMES.length * count);
  course.forEach((f, i) => void all.set(f, i * count));
  return all;
}

interface Found {
  dial: LazyDial;
  lopsided: LazyDial;
  neurons: readonly number[];
  replicas: number;
  seed: number;
  regression: Float64Array;
  meanField: Float64Array;
}

function resultOf(found: Found): FigureResult {
  const { dial, lopsided, neurons, replicas, seed, regression, meanField } = found;
  const at = (exponent: number): LazyPoint[] => dial.points.filter((point) => point.exponent === exponent);
  const measured = (values: Float64Array[], expected: number): Measured => ({
    values,
    expected,
    rate: replicas > 1 ? rate(neurons, values, { expected }) : null,
  });
  const over = (points: LazyPoint[], of: (point: LazyPoint, r: number) => number) =>
    points.map((point) => Float64Array.from({ length: replicas }, (_, r) => of(point, r)));
  const row = (
    property: string,
    statistic: string,
    of: (point: LazyPoint, r: number) => number,
    [lazy, mean]: [number, number],
  ): Row => ({
    property,
    statistic,
    lazy: measured(over(at(0.5), of), lazy),
    meanField: measured(over(at(1), of), mean),
  });
  const last =
    (name: "kernelDrift" | "neuronMovement" | "relativeMovement" | "loss") => (point: LazyPoint, r: number) =>
      point[name].replicas[r]![END]!;
  const gain = (point: LazyPoint, r: number) =>
    Math.abs(point.alignment.replicas[r]![END]! - point.alignment.replicas[r]![0]!);
  const nonlinear = (point: LazyPoint, r: number) => Math.max(...point.linearGap.replicas[r]!);
  const fromLimit = (limit: Float64Array) => (point: LazyPoint, r: number) => {
    const count = corners.length;
    let sum = 0;
    for (let q = MIDDLE * count; q < (MIDDLE + 1) * count; q++) {
      const gap = point.predictions![r]![q]! - limit[q]!;
      sum += (gap * gap) / count;
    }
    return Math.sqrt(sum);
  };
  const rows: Row[] = [
    row("infinite-width limit: fixed kernel | moving law", "|K_s − K_0|/|K_0|", last("kernelDrift"), [-1, 0]),
    row("parameters: stay | move freely", "rms |θ_i(s) − θ_i(0)|", last("neuronMovement"), [-0.5, 0]),
    row("the same, relative", "|θ_s − θ_0|/|θ_0|", last("relativeMovement"), [-0.5, 0]),
    row("dynamics: linear | nonlinear", "largest rms |f − f_lin|", nonlinear, [-1, 0]),
    row("feature learning: no | yes", "|change of alignment|", gain, [-1, 0]),
    {
      property: "framework: kernel regression | Wasserstein flow",
      statistic: `rms |f − its limit| at s = ${TIMES[MIDDLE]}`,
      lazy: measured(over(at(0.5), fromLimit(regression)), -0.5),
      meanField: measured(over(at(1), fromLimit(meanField)), -0.5),
    },
  ];
  const middle = {
    movement: measured(over(at(0.75), last("neuronMovement")), -0.25),
    drift: measured(over(at(0.75), last("kernelDrift")), -0.5),
    gap: measured(over(at(0.75), nonlinear), -0.5),
  };
  const odd = measured(over(lopsided.points, last("kernelDrift")), -0.5);
  const losses = { lazy: over(at(0.5), last("loss")), meanField: over(at(1), last("loss")) };

  const finding = (what: string, { rate: fitted, expected }: Measured): Finding => ({
    expected: `${what}: exponent ${say(expected)} in N, to ${NEAR}`,
    measured: fitted ? saySlope(fitted) : "no fit",
    met: fitted && Math.abs(fitted.exponent - expected) <= NEAR,
  });
  const top = (values: Float64Array[]) => meanAndError(values[values.length - 1]!).mean;
  const findings: Finding[] = [
    ...rows.flatMap(({ statistic, lazy, meanField: mean }) => [
      finding(`γ = ½, ${statistic}`, lazy),
      finding(`γ = 1, ${statistic}`, mean),
    ]),
    finding("γ = ¾, movement of a neuron", middle.movement),
    finding("γ = ¾, kernel drift", middle.drift),
    finding("γ = ½ from a = 1, centred: kernel drift", odd),
    {
      expected:
        "at the largest width the kernel of the mean-field network has moved by more than its size, and is aligned more than twice as well as at the start",
      measured: `drift ${say(top(rows[0]!.meanField.values))}, alignment ${say(alignment(at(1), 0))} → ${say(alignment(at(1), END))}`,
      met: top(rows[0]!.meanField.values) > 1 && alignment(at(1), END) > 2 * alignment(at(1), 0),
    },
    {
      expected: "both regimes fit: the loss falls to less than a fifth of its start, 0.5",
      measured: `γ = ½: ${say(top(losses.lazy))}, γ = 1: ${say(top(losses.meanField))}`,
      met: top(losses.lazy) < 0.1 && top(losses.meanField) < 0.1,
    },
  ];

  const exponentOf = ({ rate: fitted }: Measured) => (fitted ? saySlope(fitted) : "–");
  const [first, final] = [neurons[0]!, neurons[neurons.length - 1]!];
  return {
    table: {
      columns: [
        { name: "lazy | mean field", digits: 0 },
        { name: "measured as", digits: 0 },
        { name: `γ = ½, N = ${final}`, digits: 5 },
        { name: "exponent in N", digits: 0 },
        { name: `γ = 1, N = ${final}`, digits: 5 },
        { name: "exponent in N ", digits: 0 },
      ],
      rows: [
        ...rows.map(({ property, statistic, lazy, meanField: mean }) => [
          property,
          statistic,
          top(lazy.values),
          exponentOf(lazy),
          top(mean.values),
          exponentOf(mean),
        ]),
        [
          "proven: convergence | global optima",
          `loss at s = ${TIMES[END]}`,
          top(losses.lazy),
          "–",
          top(losses.meanField),
          "–",
        ],
      ],
    },
    pictures: [
      { file: "widths.svg", picture: widthPicture() },
      { file: "time.svg", picture: timePicture() },
    ],
    findings,
    warnings: [...new Set([...dial.warnings, ...lopsided.warnings])],
    data: {
      stepSize: STEP,
      times: TIMES,
      seed,
      replicas,
      neurons: [...neurons],
      reference: MANY * final,
      rows: rows.map(({ property, statistic, lazy, meanField: mean }) => ({
        property,
        statistic,
        lazy: plain(lazy),
        meanField: plain(mean),
      })),
      middle: { movement: plain(middle.movement), drift: plain(middle.drift), gap: plain(middle.gap) },
      lopsided: plain(odd),
      time: dial.points.map(
        ({ neurons: N, exponent, loss, kernelDrift: drift, neuronMovement, alignment: aligned, linearGap }) => ({
          neurons: N,
          exponent,
          loss: Array.from(loss.mean),
          kernelDrift: Array.from(drift.mean),
          neuronMovement: Array.from(neuronMovement.mean),
          alignment: Array.from(aligned.mean),
          linearGap: Array.from(linearGap.mean),
        }),
      ),
    },
  };

  function alignment(points: LazyPoint[], time: number): number {
    return points[points.length - 1]!.alignment.mean[time]!;
  }

  function widthPicture(): RatePicture {
    const curve = (label: string, { values, rate: fitted }: Measured, hue: number) =>
      rateCurve({ label, x: neurons, replicas: values, rate: fitted, hue });
    const panel = (
      title: string,
      y: string,
      curves: RatePicture["panels"][number]["curves"],
      slopes: number[],
      from: number,
    ) => ({
      title,
      x: { label: "width N" },
      y: { label: y },
      curves,
      references: slopes.map((slope) =>
        powerLaw(
          slope === -1 ? "N⁻¹" : "N^−½",
          [first, final],
          slope,
          from * (slope === -1 ? first : Math.sqrt(first)),
        ),
      ),
    });
    return {
      kind: "rate",
      title: "From lazy to mean-field training",
      subtitle: `N^−γ Σ a silu(w·x) on the corners of {±1}⁴, labels x₁x₂, lazy time ${TIMES[END]}; mean of ${replicas} networks, slopes with 95 % intervals`,
      key: {
        network: "mean over networks",
        spread: "± standard error",
        limit: "fitted power law",
        reference: "slopes",
      },
      panels: [
        panel(
          "the kernel's motion",
          "|K_s − K_0|/|K_0|",
          [
            curve("γ = 1", rows[0]!.meanField, 0),
            curve("γ = ¾", middle.drift, 1),
            curve("γ = ½", rows[0]!.lazy, 2),
            curve("γ = ½, a = 1", odd, 3),
          ],
          [-0.5, -1],
          0.3,
        ),
        panel(
          "movement of a neuron",
          "rms |θ_i(s) − θ_i(0)|",
          [curve("γ = 1", rows[1]!.meanField, 0), curve("γ = ¾", middle.movement, 1), curve("γ = ½", rows[1]!.lazy, 2)],
          [-0.5],
          0.4,
        ),
        panel(
          "distance from linear dynamics",
          "largest rms |f − f_lin|",
          [curve("γ = 1", rows[3]!.meanField, 0), curve("γ = ¾", middle.gap, 1), curve("γ = ½", rows[3]!.lazy, 2)],
          [-0.5, -1],
          0.3,
        ),
        panel(
          "distance from the limit",
          `rms |f − limit| at s = ${TIMES[MIDDLE]}`,
          [curve("γ = 1, from mean field", rows[5]!.meanField, 0), curve("γ = ½, from regression", rows[5]!.lazy, 2)],
          [-0.5],
          0.2,
        ),
      ],
    };
  }

  function timePicture(): StatisticsPicture {
    const points = [1, 0.75, 0.5].map((exponent) => {
      const all = at(exponent);
      return all[all.length - 1]!;
    });
    const names = ["γ = 1", "γ = ¾", "γ = ½"];
    const panel = (title: string, label: string, name: "loss" | "kernelDrift" | "alignment" | "linearGap") => ({
      title,
      y: { label, scale: "linear" as const },
      curves: points.map((point, i) => ({
        label: names[i]!,
        network: null,
        limit: { x: Array.from(dial.times), y: Array.from(point[name].mean) },
        hue: i,
      })),
      levels: [],
    });
    return {
      kind: "statistics",
      title: "One network at three output scales",
      subtitle: `N = ${final}, N^−γ Σ a silu(w·x), labels x₁x₂ on {±1}⁴; mean of ${replicas} networks`,
      x: { label: "lazy time s = α² t", scale: "linear" },
      panels: [
        panel("loss", "½ mean |y − f|²", "loss"),
        panel("kernel drift", "|K_s − K_0|/|K_0|", "kernelDrift"),
        panel("alignment with the labels", "yᵀKy / (|K| |y|²)", "alignment"),
        panel("distance from linear dynamics", "rms |f − f_lin|", "linearGap"),
      ],
      key: { limit: "mean over networks" },
    };
  }
}

function plain({ values, expected, rate: fitted }: Measured) {
  return { values: values.map((one) => Array.from(one)), expected, rate: fitted };
}
