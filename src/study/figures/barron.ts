// Barron's theorem: N sigmoidal units and a constant reach a risk of at most Δ²/N, whatever the dimension.      theory §3; docs/barron.md

import { loadEngine } from "../../engine/engine";
import type { Particles } from "../../measure/measure";
import { networkPredictions } from "../../measure/predictions";
import { pause } from "../../process/process";
import {
  type BarronTarget,
  ballPoints,
  barronBound,
  barronNetwork,
  barronVariation,
  gaussianTarget,
  stepVariance,
  waveTarget,
} from "../barron";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const RADIUS = 1;
const FREQUENCY = 2 * Math.PI;
const LENGTH = 0.5;
const GAIN = 400;
const INPUTS = 512;

/** The risk of networks drawn from Barron's law against N, in several dimensions. */
export const barron: Figure = {
  name: "barron",
  title: "Barron's theorem: N sigmoidal units approximate to a risk of Δ²/N in any dimension",
  claim: [
    "Two targets on the unit ball, with inputs uniform in it: a cosine, whose Δ = 2r∫|w||F(w)|dw is 4π in every dimension, and",
    "a Gaussian bump of width ½, whose Δ² grows like 4d r²/ℓ². Networks of N logistic units and the constant f(0) are drawn from the law of",
    "Barron's proof: a direction and a threshold with density |w||F(w)||sin(r|w|s)|, coefficients of one size v ≤ Δ. Their mean",
    "risk falls like 1/N in every dimension, and N R/Δ² is below 1: the theorem holds with room, near 0.09 for the cosine in",
    "one dimension, and less in more. What it is exactly is the variance of one unit, which the figure computes too.",
  ].join(" "),
  run,
};

interface Case {
  name: string;
  formula: string;
  d: number;
  target: BarronTarget;
  /** R of replica r at each N: risks[N][r] */
  risks: Float64Array[];
  /** E(f − f(0))² over the inputs of all replicas */
  meanSquare: number;
  fit: Rate | null;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, options.full ? 200 : 100);
  const { signal } = options;
  const sizes = powersOfTwo(16, full ? 16384 : 4096);
  const dimensions = full ? [1, 2, 5, 10, 20, 50, 100] : [1, 10, 100];
  signal?.throwIfAborted();
  const engine = await loadEngine({ backend: options.backend });

  const cases: Case[] = [
    ...dimensions.map((d) => makeCase("cosine", "cos⟨w₀, x⟩, |w₀| = 2π", d, cosineTarget(d))),
    ...dimensions.map((d) =>
      makeCase("bump", "exp(−|x|²/(2ℓ²)), ℓ = ½", d, gaussianTarget({ dimension: d, length: LENGTH })),
    ),
  ];
  const progress = phases(
    options.onProgress,
    cases.map(({ d }) => d + 30),
  );
  for (const [k, one] of cases.entries()) {
    one.risks = sizes.map(() => new Float64Array(replicas));
    for (let r = 0; r < replicas; r++) {
      // the network's stream and the inputs' are those of different replicas
      const key = { seed, replica: 2 * r };
      const inputs = { seed, replica: 2 * r + 1 };
      const x = ballPoints(inputs, { dimension: one.d, radius: RADIUS, count: INPUTS }, engine);
      const y = one.target.values(x, INPUTS);
      const { network, problem } = barronNetwork(
        one.target,
        { radius: RADIUS, neurons: sizes[sizes.length - 1]!, gain: GAIN, ...key },
        engine,
      );
      const constant = network.outputBias![0]!;
      one.meanSquare += meanSquare(y, () => constant) / replicas;
      for (const [i, N] of sizes.entries()) {
        const f = networkPredictions(firstNeurons(network, N), problem, engine, x, INPUTS);
        one.risks[i]![r] = meanSquare(y, (q) => f[q]!);
      }
      progress(k, `${one.name}, d = ${one.d}, ${replicas} networks`, (r + 1) / replicas);
      await pause();
      signal?.throwIfAborted();
    }
    if (replicas > 1) one.fit = rate(sizes, one.risks, { expected: -1 });
  }

  const bound = (one: Case) => barronBound(one.target, RADIUS);
  const constants = (one: Case) => sizes.map((N, i) => (N * meanAndError(one.risks[i]!).mean) / bound(one));
  const last = sizes.length - 1;
  // every N has the same mean of N R/Δ², so all of a replica's networks tell of it
  const pooled = (one: Case) =>
    meanAndError(
      Array.from({ length: replicas }, (_, r) => {
        const values = sizes.map((N, i) => (N * one.risks[i]![r]!) / bound(one));
        return values.reduce((a, b) => a + b, 0) / values.length;
      }),
    );
  const predicted = (one: Case) => stepVariance(one.target, RADIUS, one.meanSquare) / bound(one);
  const constantsOf = cases.map((one) => ({ one, ...pooled(one), formula: predicted(one) }));

  const findings: Finding[] = [];
  for (const name of ["cosine", "bump"]) {
    const those = cases.filter((one) => one.name === name);
    findings.push({
      expected: `${name}: slope −1 of R in N, whatever d: within 0.1`,
      measured: those.map((one) => `${one.fit ? saySlope(one.fit) : "no fit"} (d = ${one.d})`).join(", "),
      met: replicas > 1 ? those.every((one) => Math.abs(one.fit!.exponent + 1) <= 0.1) : null,
    });
  }
  const largest = Math.max(...cases.flatMap(constants));
  findings.push(
    {
      expected: "Barron: R ≤ Δ²/N at every N, d and target",
      measured: `N R/Δ² at most ${say(largest)}`,
      met: largest <= 1,
    },
    {
      expected: `N R/Δ² is the variance of one unit over Δ²: within four standard errors of ${constantsOf.map(({ formula }) => say(formula)).join(", ")}`,
      measured: constantsOf
        .map(({ one, mean, error }) => `${say(mean)} ± ${say(error ?? Number.NaN)} (${one.name}, d = ${one.d})`)
        .join(", "),
      met:
        replicas > 1
          ? constantsOf.every(({ mean, error, formula }) => Math.abs(mean - formula) <= 4 * error! + 0.01 * formula)
          : null,
    },
  );

  const ends = [sizes[0]!, sizes[last]!];
  const picture: RatePicture = {
    kind: "rate",
    title: "Barron's theorem: the risk of N sigmoidal units drawn at random falls like Δ²/N",
    subtitle:
      `inputs uniform in the ball of radius 1; logistic units of gain ${GAIN} and the constant f(0), drawn from the law of Barron's proof; ` +
      `mean risk of ${replicas} ${replicas === 1 ? "network" : "networks"}, each at ${INPUTS} inputs; slopes with 95 % intervals, the theorem's is −1`,
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "Barron's bound, slope −1",
    },
    panels: ["cosine", "bump"].map((name) => {
      const those = cases.filter((one) => one.name === name);
      return {
        title: `f(x) = ${those[0]!.formula}`,
        x: { label: "units N" },
        y: { label: "R/Δ², Δ = 2r ∫|w||F(w)| dw" },
        curves: those.map((one) =>
          rateCurve({
            label: `d = ${one.d}`,
            x: sizes,
            replicas: one.risks.map((values) => values.map((R) => R / bound(one))),
            rate: one.fit && { ...one.fit, constant: one.fit.constant / bound(one) },
          }),
        ),
        references: [powerLaw("1/N", ends, -1, 1)],
      };
    }),
  };

  return {
    table: {
      columns: [
        { name: "target", digits: 0 },
        { name: "d", digits: 0 },
        { name: "Δ²", digits: 2 },
        { name: "v/Δ", digits: 4 },
        { name: "slope", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "theorem", digits: 0 },
        { name: `R(N=${sizes[last]})`, digits: 6 },
        { name: "N R/Δ²", digits: 4 },
        { name: "± s.e.", digits: 4 },
        { name: "one unit", digits: 4 },
      ],
      rows: constantsOf.map(({ one, mean, error, formula }) => [
        one.name,
        one.d,
        bound(one),
        barronVariation(one.target, RADIUS) / Math.sqrt(bound(one)),
        one.fit?.exponent ?? null,
        one.fit?.interval?.[0] ?? null,
        one.fit?.interval?.[1] ?? null,
        -1,
        meanAndError(one.risks[last]!).mean,
        mean,
        error,
        formula,
      ]),
    },
    pictures: [{ file: "risk.svg", picture }],
    findings,
    warnings: [],
    data: {
      radius: RADIUS,
      gain: GAIN,
      inputs: INPUTS,
      replicas,
      backend: engine.backend,
      neurons: sizes,
      cases: cases.map((one) => ({
        target: one.name,
        formula: one.formula,
        dimension: one.d,
        bound: bound(one),
        meanRisk: one.risks.map((values) => meanAndError(values).mean),
        standardError: one.risks.map((values) => meanAndError(values).error),
        fit: one.fit,
      })),
    },
  };
}

function makeCase(name: string, formula: string, d: number, target: BarronTarget): Case {
  return { name, formula, d, target, risks: [], meanSquare: 0, fit: null };
}

function cosineTarget(d: number): BarronTarget {
  const frequency = Array.from({ length: d }, (_, j) => (j === 0 ? FREQUENCY : 0));
  return waveTarget([{ amplitude: 1, frequency, phase: 0 }]);
}

function firstNeurons(network: Particles, N: number): Particles {
  const D = network.shape[1];
  return { ...network, shape: [N, D], values: network.values.subarray(0, N * D) };
}

function meanSquare(y: Float64Array, f: (q: number) => number): number {
  let sum = 0;
  for (let q = 0; q < y.length; q++) sum += (y[q]! - f(q)) * (y[q]! - f(q));
  return sum / y.length;
}

function powersOfTwo(from: number, to: number): number[] {
  const found: number[] = [];
  for (let n = from; n <= to; n *= 2) found.push(n);
  return found;
}
