// Correlated noise by a factorisation against superposition: one law, two costs.                              theory §8; docs/superposition.md

import type { Backend } from "../../engine/kernels";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { startParticles } from "../../model/particles";
import { type Problem, parseProblem } from "../../model/problem";
import { gaussian, particles } from "../../model/start";
import { tensor } from "../../model/tensor";
import { affine } from "../../model/unit";
import type { Simulation } from "../../process/process";
import { correlatedNoise, modifiedFlow, type Process } from "../../process/schema";
import { stream } from "../../random/stream";
import { ensemble } from "../ensemble";
import { predictions } from "../observables";
import { open } from "../open";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture, StatisticsPicture } from "./picture";
import { rateCurve, saySlope } from "./slopes";

/** Q atoms in R². */
const ATOMS = 50;
/** Parameters of a neuron: a, b, w1, w2. */
const D = 4;
/** Rounds of timings, of which the fastest are kept; the shortest stretch of steps that is timed, in milliseconds. */
const ROUNDS = 10;
const KEPT = 5;
const STRETCH = 8;
/** Neurons, step and batch of the ensembles, α = ε/B = 0.2. */
const NEURONS = 12;
const STEP = { stepSize: 0.2, batchSize: 1, timeStep: 0.1 };
const TIMES = [0.2, 0.4, 0.6, 0.8, 1, 1.4, 1.8, 2.2, 2.6, 3];
/** Where f is looked at. */
const INPUTS = [
  [1, 0],
  [-1, 1],
  [0, -2],
];

/** Cost of a step of three ways to the SMFE over N, and the law of f by two of them. */
export const rveCost: Figure = {
  name: "rve-cost",
  title: "Particles with correlated noise and the superposition have one law, at very different costs",
  claim: [
    "Rotskoff and Vanden-Eijnden drive the ND parameters of a network by Brownian motions of covariance A = E[G ⊗ G], which has to be",
    "formed and factorised at each step. The stochastic mean-field equation by superposition has the same law with one Brownian motion",
    "for each of the Q atoms, in the data weights, and its step costs NDQ. To form A takes (ND)²Q products; Cholesky's method with pivots",
    "stops at the rank, at most Q − 1, and adds NDQ², while eigenvalues take (ND)³. So the slopes of the cost in N are about 1, 2 and 3.",
    "(Superposition runs in the kernels and the covariance in TypeScript: a factor, and no slope.) Mean and variance of f(x), of many runs",
    "from one start, are the same by either way at all times. On a finite law A could be left unformed, as its columns are sums over",
    "the atoms; using that leads back to the superposition.",
  ].join(" "),
  run,
};

interface Way {
  name: string;
  /** For the table. */
  column: string;
  sizes: (full: boolean) => number[];
  /** Slopes are taken from here up, where the step is no more overhead. */
  from: number;
  make: (problem: Problem, neurons: number, seed: number) => Process;
}

const ways: Way[] = [
  {
    name: "superposition",
    column: "superposition",
    sizes: (full) => [8, 16, 32, 64, 128, 256, 512, 1024, ...(full ? [2048, 4096] : [])],
    from: 64,
    make: (problem, neurons, seed) => modifiedFlow(problem, { neurons, ...STEP, seed }),
  },
  {
    name: "pivoted Cholesky",
    column: "Cholesky",
    sizes: (full) => [8, 16, 32, 64, 128, 256, 512, ...(full ? [1024] : [])],
    from: 64,
    make: (problem, neurons, seed) => correlatedNoise(problem, { neurons, ...STEP, seed }),
  },
  {
    name: "eigenvalues",
    column: "eigenvalues",
    sizes: (full) => [8, 16, 32, 64, ...(full ? [128] : [])],
    from: 16,
    make: (problem, neurons, seed) => correlatedNoise(problem, { neurons, ...STEP, factorisation: "eigen", seed }),
  },
];

interface Cost {
  way: Way;
  sizes: number[];
  /** seconds a step at each N, ascending */
  seconds: number[][];
  slope: Rate;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 300);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const progress = phases(options.onProgress, [2, 1, 3]);
  const problem = problemOf(seed);

  const costs = await costsOf(problem, full, seed, {
    backend,
    signal,
    onRound: (fraction) => progress(0, "seconds a step", fraction),
  });

  const start = startParticles(problem, NEURONS, { seed, replica: 0 });
  const fixed = parseProblem({ ...problem, start: particles(tensor(start, [NEURONS, D])) });
  const warnings = new Set<string>();
  // superposition costs little, so it has the more runs
  const laws: Law[] = [];
  for (const [i, count] of [4 * replicas, replicas].entries()) {
    const found = await ensemble(ways[i]!.make(fixed, NEURONS, seed), {
      replicas: count,
      times: TIMES,
      observe: { f: predictions(INPUTS) },
      workers: options.workers,
      checkpoint: options.checkpoint,
      backend,
      signal,
      onProgress: ({ fraction }) => progress(i + 1, `${ways[i]!.name}, ${count} runs`, fraction),
    });
    for (const warning of found.warnings) warnings.add(warning);
    laws.push(lawOf(found.observables["f"]!.replicas));
  }
  return resultOf(costs, laws as [Law, Law], replicas, [...warnings]);
}

function problemOf(seed: number): Problem {
  const g = stream(seed);
  const x = Array.from({ length: ATOMS }, (_, q) => Array.from(g.normals(2, { step: q })));
  return parseProblem({
    law: dataset({
      x,
      y: x.map(([first, second], q) => first! * second! + 0.5 * g.normals(1, { step: q, from: 2 })[0]!),
    }),
    unit: affine(tanh()),
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
  });
}

// Rounds over all ways and sizes, one stretch of steps each, so that a slow moment of the machine falls on all alike; what else runs can
// only lengthen a stretch, so the fastest count.
async function costsOf(
  problem: Problem,
  full: boolean,
  seed: number,
  {
    backend,
    signal,
    onRound,
  }: { backend: Backend | undefined; signal: AbortSignal | undefined; onRound: (fraction: number) => void },
): Promise<Cost[]> {
  const cases: { seconds: number[]; stretch: () => Promise<number>; simulation: Simulation }[] = [];
  try {
    const byWay: { way: Way; sizes: number[]; cases: typeof cases }[] = [];
    for (const way of ways) {
      const sizes = way.sizes(full);
      const own: typeof cases = [];
      for (const neurons of sizes) {
        const simulation = await open(way.make(problem, neurons, seed), { backend });
        const one = { seconds: [], simulation, stretch: await stretchOf(simulation) };
        cases.push(one);
        own.push(one);
        signal?.throwIfAborted();
      }
      byWay.push({ way, sizes, cases: own });
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const one of cases) {
        one.seconds.push(await one.stretch());
        signal?.throwIfAborted();
      }
      onRound((round + 1) / ROUNDS);
    }
    return byWay.map(({ way, sizes, cases: own }) => {
      const seconds = own.map((one) => one.seconds.sort((a, b) => a - b).slice(0, KEPT));
      const from = sizes.indexOf(way.from);
      return { way, sizes, seconds, slope: rate(sizes.slice(from), seconds.slice(from), { paired: false }) };
    });
  } finally {
    for (const { simulation } of cases) simulation.free();
  }
}

// Seconds a step of a stretch that is long enough to be timed.
async function stretchOf(simulation: Simulation): Promise<() => Promise<number>> {
  let steps = 1;
  const stretch = async () => {
    const began = performance.now();
    await simulation.advance((simulation.step + steps) * STEP.timeStep);
    return (performance.now() - began) / 1000 / steps;
  };
  // twice, because the first steps are compiled
  await stretch();
  while ((await stretch()) * steps * 1000 < STRETCH) steps *= 2;
  return stretch;
}

/** Mean and variance of f at each time and input, with their standard errors; null for one run. */
interface Law {
  runs: number;
  mean: number[];
  meanError: number[] | null;
  variance: number[] | null;
  varianceError: number[] | null;
}

function lawOf(runs: Float64Array[]): Law {
  const n = runs.length;
  const places = Array.from(runs[0]!.keys());
  const mean = places.map((i) => runs.reduce((sum, f) => sum + f[i]!, 0) / n);
  const moment = (order: 2 | 4) =>
    places.map((i) => {
      let sum = 0;
      for (const f of runs) {
        const square = (f[i]! - mean[i]!) * (f[i]! - mean[i]!);
        sum += order === 2 ? square : square * square;
      }
      return sum / n;
    });
  if (n < 2) return { runs: n, mean, meanError: null, variance: null, varianceError: null };
  const [second, fourth] = [moment(2), moment(4)];
  return {
    runs: n,
    mean,
    meanError: second.map((m2) => Math.sqrt(m2 / (n - 1))),
    variance: second.map((m2) => (m2 * n) / (n - 1)),
    varianceError: second.map((m2, i) => Math.sqrt((fourth[i]! - m2 * m2) / n)),
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function resultOf(costs: Cost[], laws: [Law, Law], replicas: number, warnings: string[]): FigureResult {
  const [superposition, cholesky, eigen] = costs as [Cost, Cost, Cost];
  const secondsAt = ({ sizes, seconds }: Cost, neurons: number): number | null => {
    const j = sizes.indexOf(neurons);
    return j < 0 ? null : median(seconds[j]!);
  };
  const most = (cost: Cost) => {
    const neurons = cost.sizes[cost.sizes.length - 1]!;
    return { neurons, ratio: secondsAt(cost, neurons)! / secondsAt(superposition, neurons)! };
  };
  const score = (name: "mean" | "variance") => {
    const error = `${name}Error` as const;
    const [one, other] = laws;
    if (!one[error] || !other[error]) return null;
    return Math.max(
      ...one[error].map(
        (e, i) =>
          Math.abs(one[name]![i]! - other[name]![i]!) / Math.sqrt(e * e + other[error]![i]! * other[error]![i]!),
      ),
    );
  };
  const scores = [score("mean"), score("variance")];
  const findings: Finding[] = [
    {
      expected:
        "cost of a step: slope in N of pivoted Cholesky above that of superposition by more than 0.5, of eigenvalues by more than 1",
      measured: costs.map(({ way, slope }) => `${saySlope(slope)} (${way.name})`).join(", "),
      met:
        cholesky.slope.exponent > superposition.slope.exponent + 0.5 &&
        eigen.slope.exponent > superposition.slope.exponent + 1,
      timed: true,
    },
    {
      expected: "at the most neurons tried a factorised step takes more than five steps of superposition",
      measured: [cholesky, eigen]
        .map((cost) => `${say(most(cost).ratio)} at N = ${most(cost).neurons} (${cost.way.name})`)
        .join(", "),
      met: [cholesky, eigen].every((cost) => most(cost).ratio > 5),
      timed: true,
    },
    {
      expected: `mean and variance of f(x) are the same, at ${INPUTS.length} inputs and ${TIMES.length} times, within 4.5 standard errors`,
      measured: scores.some((one) => one === null)
        ? "one run has no spread"
        : `at most ${say(scores[0]!)} (mean) and ${say(scores[1]!)} (variance) standard errors apart`,
      met: scores.some((one) => one === null) ? null : scores.every((one) => one! < 4.5),
    },
  ];

  const sizes = [...new Set(costs.flatMap((cost) => cost.sizes))].sort((a, b) => a - b);
  return {
    table: {
      columns: [
        { name: "neurons N", digits: 0 },
        { name: "parameters ND", digits: 0 },
        ...costs.map(({ way }) => ({ name: `${way.column}, µs a step`, digits: 1, timed: true as const })),
        { name: "Cholesky : superposition", digits: 1, timed: true },
      ],
      rows: sizes.map((neurons) => {
        const [first, second, third] = costs.map((cost) => secondsAt(cost, neurons));
        const micro = (seconds: number | null | undefined) => (seconds ? 1e6 * seconds : "–");
        return [
          neurons,
          neurons * D,
          micro(first),
          micro(second),
          micro(third),
          first && second ? second / first : "–",
        ];
      }),
    },
    pictures: [
      { file: "cost.svg", picture: costPicture(costs), timed: true },
      { file: "law.svg", picture: lawPicture(laws) },
    ],
    findings,
    warnings,
    data: {
      replicas,
      atoms: ATOMS,
      parameters: D,
      ...STEP,
      rounds: ROUNDS,
      kept: KEPT,
      costs: costs.map(({ way, sizes: neurons, seconds, slope }) => ({ way: way.name, neurons, seconds, slope })),
      law: { neurons: NEURONS, inputs: INPUTS, times: TIMES, superposition: laws[0], correlatedNoise: laws[1] },
    },
  };
}

function costPicture(costs: Cost[]): RatePicture {
  return {
    kind: "rate",
    title: "One law, at costs like N, N² and N³",
    subtitle: `tanh units in two dimensions (D = ${D}), ${ATOMS} examples; one thread, the fastest ${KEPT} of ${ROUNDS} stretches of steps, slopes with 95 % intervals`,
    key: { network: `measured`, spread: "± standard error", limit: "fitted power law" },
    panels: [
      {
        title: "Time of a step",
        x: { label: "neurons N" },
        y: { label: "seconds a step" },
        curves: costs.map(({ way, sizes, seconds, slope }) =>
          rateCurve({
            label: way.name,
            x: sizes,
            replicas: seconds,
            rate: slope,
            fitted: sizes.filter((neurons) => neurons >= way.from),
          }),
        ),
        references: [],
      },
    ],
  };
}

function lawPicture([superposition, correlated]: [Law, Law]): StatisticsPicture {
  const at = (values: number[], input: number) => TIMES.map((_, t) => values[t * INPUTS.length + input]!);
  const curves = (name: "mean" | "variance") =>
    INPUTS.map((x, input) => {
      const [line, dots, errors] = [superposition[name], correlated[name], correlated[`${name}Error`]];
      const y = dots ? at(dots, input) : [];
      const error = errors && at(errors, input);
      return {
        label: `x = (${x.join(", ")})`.replaceAll("-", "−"),
        limit: line ? { x: TIMES, y: at(line, input) } : null,
        network: dots
          ? {
              x: TIMES,
              y,
              low: error && y.map((value, t) => value - error[t]!),
              high: error && y.map((value, t) => value + error[t]!),
            }
          : null,
      };
    });
  return {
    kind: "statistics",
    title: "Both have one law: mean and variance of f(x) over runs from one start",
    subtitle: `${NEURONS} tanh units in two dimensions, ${ATOMS} examples, ε = ${STEP.stepSize}, B = ${STEP.batchSize}, dt = ${STEP.timeStep}; ${superposition.runs} runs by superposition, ${correlated.runs} with correlated noise`,
    x: { label: "time t = kε", scale: "linear" },
    key: { network: "correlated noise", spread: "± standard error", limit: "superposition" },
    panels: [
      { title: "Mean", y: { label: "E f(x)", scale: "linear" }, curves: curves("mean"), levels: [] },
      { title: "Variance", y: { label: "Var f(x)", scale: "linear" }, curves: curves("variance"), levels: [] },
    ],
  };
}
