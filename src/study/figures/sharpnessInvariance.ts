// λ_max is not invariant under rescalings that leave a network's function as it is, while information-geometric sharpness is.   theory §11

import { loadEngine } from "../../engine/engine";
import { cos, pow, sin } from "../../engine/math";
import { informationSharpness, lanczos, landscapeOf, reluRescaled, reluScales } from "../../landscape/onDemand";
import type { Measure, Particles } from "../../measure/measure";
import { predictionsOf } from "../../measure/predictions";
import { relu } from "../../model/activation";
import { dataset } from "../../model/law";
import { type Problem, parseProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { tensor } from "../../model/tensor";
import { affine } from "../../model/unit";
import type { FiniteProblem } from "../../process/meanField";
import { gradientDescent } from "../../process/schema";
import { stream } from "../../random/stream";
import { solve } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { StatisticsPicture } from "./picture";

const NEURONS = 20;
const EXAMPLES = 200;
const STEP = 0.1;
const END = 200;

/** λ_max and IGS under the ReLU rescaling by c = 1/4 … 4. */
export const sharpnessInvariance: Figure = {
  name: "sharpness-invariance",
  title: "λ_max is not invariant under rescaling, information-geometric sharpness is",
  claim: [
    "a → a/c, (w, b) → c (w, b) leaves the function of a ReLU network as it is. Its Hessian becomes D⁻¹HD⁻¹, and the largest eigenvalue",
    "λ_max grows on both sides, by what that predicts: a minimum can be made as sharp as one likes. IGS = Σ ∇ℓᵀF†∇ℓ, with F the",
    "Gauss–Newton matrix, asks for the residuals in the range of the Jacobian alone, which no rescaling moves: it stays what it is.",
    "The network has fewer parameters than there are examples, as IGS is the loss and no more where it has enough.",
  ].join(" "),
  run,
};

interface Place {
  title: string;
  network: Measure;
  sharpness: number[];
  /** at the factors, and at four times as many */
  predicted: number[];
  line: number[];
  information: number[];
  /** largest |f(Dθ) − f(θ)| */
  moved: number;
  rank: number;
  loss: number;
  /** with factors of each neuron's own: λ_max, as predicted, IGS */
  own: { sharpness: number; predicted: number; information: number };
  /** λ_max c² where a is kept */
  inner: number[];
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed } = readOptions(options, 1);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const engine = await loadEngine({ backend });
  const halves = full ? 16 : 4;
  const factors = Array.from({ length: 2 * halves + 1 }, (_, k) => pow(2, (2 * (k - halves)) / halves));
  const between = Array.from({ length: 8 * halves + 1 }, (_, k) => pow(2, (k - 4 * halves) / (2 * halves)));
  const problem = bumps(seed);
  const progress = phases(options.onProgress, [1, 4, 4]);

  const training = await solve(gradientDescent(problem, { neurons: NEURONS, stepSize: STEP, seed }), {
    times: [0, END],
    keep: "measures",
    signal,
    backend,
    onProgress: ({ fraction }) => progress(0, "gradient descent", fraction),
  });
  const places: Place[] = [];
  for (const [at, network] of training.measures!.entries()) {
    const title = at === 0 ? "At the start" : `After gradient descent to t = ${END}`;
    places.push(await follow(title, network as Particles, (fraction) => progress(at + 1, title, fraction)));
  }

  async function follow(title: string, network: Particles, tell: (fraction: number) => void): Promise<Place> {
    const { x } = problem.law;
    const f = (of: Particles) => predictionsOf(of, problem, engine, x).values;
    const plain = f(network);
    const top = async (of: Problem, there: Particles, scales?: Float64Array): Promise<number> => {
      const about = await landscapeOf(of, there, { ...(scales && { scales }), ...(backend && { backend }) });
      try {
        return (await lanczos(about.hessian, { tolerance: 1e-12, ...(signal && { signal }) })).values[0]!;
      } finally {
        about.free();
      }
    };
    const information = (there: Particles) => informationSharpness(problem, there, { ...(backend && { backend }) });
    const kept = { ...problem, unit: affine(relu(), { outputBias: false, trainOutput: false }) };
    const place: Place = {
      title,
      network,
      sharpness: [],
      predicted: [],
      line: [],
      information: [],
      moved: 0,
      rank: (await information(network)).rank,
      loss: 0,
      own: { sharpness: 0, predicted: 0, information: 0 },
      inner: [],
    };
    for (const [k, c] of factors.entries()) {
      const other = await reluRescaled(problem, network, c);
      place.sharpness.push(await top(problem, other));
      place.predicted.push(await top(problem, network, await reluScales(problem, network, c)));
      place.information.push((await information(other)).value);
      place.inner.push(c * c * (await top(kept, { ...other, outputBias: null })));
      f(other).forEach((value, i) => void (place.moved = Math.max(place.moved, Math.abs(value - plain[i]!))));
      signal?.throwIfAborted();
      tell((k + 1) / (factors.length + 1));
    }
    for (const c of between) place.line.push(await top(problem, network, await reluScales(problem, network, c)));
    const own = stream(seed, { replica: 1 })
      .uniforms(NEURONS, { step: 9 })
      .map((u) => pow(4, 2 * u - 1));
    const other = await reluRescaled(problem, network, own);
    place.own = {
      sharpness: await top(problem, other),
      predicted: await top(problem, network, await reluScales(problem, network, own)),
      information: (await information(other)).value,
    };
    const about = await landscapeOf(problem, network);
    place.loss = about.loss;
    about.free();
    tell(1);
    return place;
  }

  const middle = halves;
  const ends = (values: number[]) => values.map((value) => value / values[middle]!);
  const apart = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((value, i) => Math.abs(value / b[i]! - 1)));
  const each = (value: (place: Place) => string) => places.map(value).join(" and ");
  const findings: Finding[] = [
    {
      expected: "IGS is the same for all c, to 10⁻¹⁰",
      measured: `to ${each((one) =>
        say(
          apart(
            one.information,
            one.information.map(() => one.information[middle]!),
          ),
        ),
      )}`,
      met: places.every(
        (one) =>
          apart(
            one.information,
            one.information.map(() => one.information[middle]!),
          ) < 1e-10,
      ),
    },
    {
      expected: "λ_max is that of D⁻¹HD⁻¹, to 10⁻⁹",
      measured: `to ${each((one) => say(apart(one.sharpness, one.predicted)))}`,
      met: places.every((one) => apart(one.sharpness, one.predicted) < 1e-9),
    },
    {
      expected: "λ_max at c = 1/4 and at c = 4 is more than twice what it is at c = 1",
      measured: each((one) => `${say(ends(one.sharpness)[0]!)} and ${say(ends(one.sharpness)[2 * halves]!)} times`),
      met: places.every((one) => ends(one.sharpness)[0]! > 2 && ends(one.sharpness)[2 * halves]! > 2),
    },
    {
      expected: "with a factor for each neuron, from 1/4 to 4, IGS is still the same, to 10⁻¹⁰, and λ_max as predicted",
      measured: each(
        ({ own, information }) =>
          `IGS to ${say(Math.abs(own.information / information[middle]! - 1))}, λ_max to ${say(Math.abs(own.sharpness / own.predicted - 1))}`,
      ),
      met: places.every(
        ({ own, information }) =>
          Math.abs(own.information / information[middle]! - 1) < 1e-10 &&
          Math.abs(own.sharpness / own.predicted - 1) < 1e-9,
      ),
    },
    {
      expected: "where w and b alone are trained λ_max is c⁻² times what it was, to 10⁻⁹",
      measured: `to ${each((one) =>
        say(
          apart(
            one.inner,
            one.inner.map(() => one.inner[middle]!),
          ),
        ),
      )}`,
      met: places.every(
        (one) =>
          apart(
            one.inner,
            one.inner.map(() => one.inner[middle]!),
          ) < 1e-9,
      ),
    },
    {
      expected: "the function is the same: predictions to 10⁻¹³",
      measured: `to ${each((one) => say(one.moved))}`,
      met: places.every((one) => one.moved < 1e-13),
    },
    {
      expected: "IGS is not the loss: it is less than Σ r²",
      measured: each(
        (one) => `${say(one.information[middle]! / (2 * EXAMPLES * one.loss))} of it, rank ${one.rank} of ${EXAMPLES}`,
      ),
      met: places.every((one) => one.information[middle]! < 2 * EXAMPLES * one.loss && one.rank < EXAMPLES),
    },
  ];

  const picture: StatisticsPicture = {
    kind: "statistics",
    title: "One function, rescaled: λ_max moves, information-geometric sharpness does not",
    subtitle: `a → a/c, (w, b) → c (w, b) of ${NEURONS} ReLU neurons, ${4 * NEURONS + 1} parameters, ${EXAMPLES} examples; both over their values at c = 1`,
    x: { label: "factor c", scale: "log" },
    key: { network: "of the rescaled network", limit: "of D⁻¹HD⁻¹, and IGS at c = 1" },
    panels: places.map(({ title, sharpness, predicted, line, information }) => ({
      title,
      y: { label: "over its value at c = 1", scale: "log" as const },
      curves: [
        {
          label: "λ_max",
          network: { x: factors, y: ends(sharpness), low: null, high: null },
          limit: { x: between, y: line.map((value) => value / predicted[middle]!) },
        },
        {
          label: "IGS",
          network: { x: factors, y: ends(information), low: null, high: null },
          limit: { x: between, y: between.map(() => 1) },
        },
      ],
      levels: [],
    })),
  };

  return {
    table: {
      columns: [
        { name: "network", digits: 0 },
        { name: "c", digits: 3 },
        { name: "λ_max", digits: 6 },
        { name: "of D⁻¹HD⁻¹", digits: 6 },
        { name: "IGS", digits: 10 },
      ],
      rows: places.flatMap((one) =>
        factors.map((c, k) => [
          one === places[0] ? "start" : `t = ${END}`,
          c,
          one.sharpness[k]!,
          one.predicted[k]!,
          one.information[k]!,
        ]),
      ),
    },
    pictures: [{ file: "factors.svg", picture }],
    findings,
    warnings: training.warnings,
    data: {
      setting: { stepSize: STEP, neurons: NEURONS, seed, end: END, examples: EXAMPLES },
      factors,
      between,
      places: places.map(({ network: _, ...rest }) => rest),
    },
  };
}

// A smooth function of two variables at normal points.
function bumps(seed: number): FiniteProblem {
  const x = stream(seed).normals(2 * EXAMPLES);
  const y = Float64Array.from({ length: EXAMPLES }, (_, q) => sin(2 * x[2 * q]!) + cos(x[2 * q]! - 2 * x[2 * q + 1]!));
  const spread = { mean: 0, deviation: 1 };
  const problem = parseProblem({
    law: dataset({ x: tensor(x, [EXAMPLES, 2]), y: tensor(y) }),
    unit: affine(relu(), { outputBias: true }),
    start: gaussian({ w: spread, a: spread, b: spread }),
  });
  return problem as FiniteProblem;
}
