// Particle approximation of the minimiser: |E F(ρ_N) − F(m*)| ≤ 2L/N.                              theory §7; docs/langevin.md

import { loadEngine } from "../../engine/engine";
import { asParticles } from "../../measure/measure";
import { predictionsOf } from "../../measure/predictions";
import { activationFunctions } from "../../model/activation";
import type { Dataset } from "../../model/law";
import { startParticles } from "../../model/particles";
import { densityStart, gaussian } from "../../model/start";
import { pause } from "../../process/process";
import { langevin } from "../../process/schema";
import { ensemble } from "../ensemble";
import { predictions } from "../observables";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import {
  type LangevinCase,
  meanFieldOrnsteinUhlenbeck,
  ORNSTEIN_UHLENBECK,
  TANH_BOUND,
  tanhUnits,
} from "./langevinCases";
import { restOf } from "./langevinFlow";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const SIZES = [4, 8, 16, 32, 64, 128, 256];
/** Constants are means over these sizes and more. */
const LARGE = 32;
/** Draws of m* a replica; they are cut into networks of every size. */
const DRAWS = 2 ** 16;
/** Runs a replica, and times of each: every unit of time from BEFORE on. */
const RUNS = 4;
const STEP = 0.05;
const BEFORE = 10;
const CELLS = 4096;

/** E F(ρ_N) − F(m*) against N, for samples of m* and for the interacting system. */
export const particleApproximation: Figure = {
  name: "particle-approximation",
  title: "N particles miss the minimum of the energy by a multiple of 1/N",
  claim: [
    "E F(ρ_N) − F(m*) for the empirical law ρ_N of N independent draws of m*, and of the interacting Langevin system at rest. The theorem",
    "bounds the first by 2L/N; for the squared loss it is ½ Σ_q m_q Var σ*(x_q; ·)/N exactly. The interacting system has the exponent −1 too,",
    "with a smaller constant, as the interaction holds fluctuations of f down: for the mean-field Ornstein–Uhlenbeck process b/(1 + b) of",
    "the first. The bound is generous. For that process L is infinite, as the units have no bound, and the rate is the same.",
  ].join(" "),
  run,
};

interface Setting {
  one: LangevinCase;
  /** L of the theorem; null where it is infinite. */
  bound: number | null;
  /** Whether the mean of f is that of m* for the interacting system too, at every N and step. */
  unbiased: boolean;
  /** N (E F − F(m*)) of the interacting system with steps of STEP, where it is known. */
  interacting: number | null;
  /** Times of an interacting run. */
  times: number;
}

const { mean: MEAN_RATE, stationary } = ORNSTEIN_UHLENBECK;

const problems: Setting[] = [
  { one: tanhUnits, bound: TANH_BOUND, unbiased: false, interacting: null, times: 400 },
  {
    one: meanFieldOrnsteinUhlenbeck,
    bound: null,
    unbiased: true,
    // the mean of N particles is an Ornstein–Uhlenbeck process of rate 1 + b, in steps
    interacting: meanFieldOrnsteinUhlenbeck.temperature / (2 * MEAN_RATE * (1 - (STEP * MEAN_RATE) / 2)),
    times: 100,
  },
];

interface Curve {
  problem: Setting;
  system: "independent" | "interacting";
  /** E F(ρ_N) − F(m*) of each replica at each N */
  gaps: Float64Array[];
  slope: Rate | null;
  /** N times it, by all N from LARGE on, and its standard error */
  constant: { mean: number; error: number | null };
  known: number | null;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 16);
  const { signal, backend } = options;
  const sizes = full ? [...SIZES, 512, 1024] : SIZES;
  const engine = await loadEngine({ backend });
  signal?.throwIfAborted();
  const progress = phases(
    options.onProgress,
    problems.flatMap(({ times }) => [4, times / 20]),
  );

  const curves: Curve[] = [];
  const warnings = new Set<string>();
  for (const [k, problem] of problems.entries()) {
    const { one, unbiased } = problem;
    const rest = await restOf(one, gaussian({ w: { mean: 0, deviation: 1 } }), CELLS, signal);
    const { masses, edges } = rest.measure;
    const spec = one.problem(densityStart({ edges, masses }));
    const law = spec.law as Dataset;
    const n = law.x.shape[0]!;
    const labels = Array.from(law.y.data);
    const f = Array.from(predictionsOf(rest.measure, spec, engine, law.x).values);
    // F(ρ) − F(m*) by predictions: its linear part, and the rest
    const linear = (g: ArrayLike<number>) => f.reduce((sum, at, q) => sum + ((at - labels[q]!) * (g[q]! - at)) / n, 0);
    const square = (g: ArrayLike<number>) => f.reduce((sum, at, q) => sum + ((g[q]! - at) * (g[q]! - at)) / (2 * n), 0);

    const { value: sigma } = activationFunctions(spec.unit.activation);
    const { values: middles } = asParticles(rest.measure);
    const squares = middles.map((w) => law.x.data.reduce((sum, x) => sum + sigma(w * x) * sigma(w * x), 0));
    const variance =
      (masses.reduce((sum, m, i) => sum + m * squares[i]!, 0) - f.reduce((sum, at) => sum + at * at, 0)) / n;

    const independent = sizes.map(() => new Float64Array(replicas));
    for (let r = 0; r < replicas; r++) {
      const w = startParticles(spec, DRAWS, { seed, replica: r });
      const values = Array.from(law.x.data, (x) => w.map((one) => sigma(one * x)));
      for (const [i, N] of sizes.entries()) {
        const networks = Math.floor(DRAWS / N);
        let sum = 0;
        for (let network = 0; network < networks; network++) {
          const g = values.map((row) => {
            let total = 0;
            for (let j = network * N; j < (network + 1) * N; j++) total += row[j]!;
            return total / N;
          });
          // the linear part has the mean 0 for independent draws, and would only add noise
          sum += square(g);
        }
        independent[i]![r] = sum / networks;
      }
      progress(2 * k, `${one.name}, draws of m*`, (r + 1) / replicas);
      await pause();
      signal?.throwIfAborted();
    }
    curves.push(curveOf(problem, "independent", sizes, independent, variance / 2));

    const interacting: Float64Array[] = [];
    for (const [i, N] of sizes.entries()) {
      const system = await ensemble(
        langevin(spec, { neurons: N, stepSize: STEP, temperature: one.temperature, seed }),
        {
          replicas: replicas * RUNS,
          times: Array.from({ length: full ? 4 * problem.times : problem.times }, (_, t) => BEFORE + t + 1),
          observe: { f: predictions(law.x) },
          workers: options.workers,
          checkpoint: options.checkpoint,
          backend,
          signal,
          onProgress: ({ fraction }) =>
            progress(2 * k + 1, `${one.name}, ${N} particles`, (i + fraction) / sizes.length),
        },
      );
      for (const warning of system.warnings) warnings.add(warning);
      const ofRun = system.observables["f"]!.replicas.map((rows) => {
        let sum = 0;
        for (let at = 0; at < rows.length; at += n) {
          const g = rows.subarray(at, at + n);
          sum += square(g) + (unbiased ? 0 : linear(g));
        }
        return (sum * n) / rows.length;
      });
      interacting.push(
        Float64Array.from({ length: replicas }, (_, r) => meanAndError(ofRun.slice(r * RUNS, (r + 1) * RUNS)).mean),
      );
    }
    curves.push(curveOf(problem, "interacting", sizes, interacting, problem.interacting));
  }
  return resultOf(curves, sizes, replicas, [...warnings]);
}

function curveOf(
  problem: Setting,
  system: Curve["system"],
  sizes: readonly number[],
  gaps: Float64Array[],
  known: number | null,
): Curve {
  const large = sizes.flatMap((N, i) => (N >= LARGE ? [i] : []));
  return {
    problem,
    system,
    gaps,
    slope: gaps[0]!.length > 1 ? rate(sizes, gaps, { expected: -1 }) : null,
    constant: meanAndError(
      gaps[0]!.map((_, r) => large.reduce((sum, i) => sum + (sizes[i]! * gaps[i]![r]!) / large.length, 0)),
    ),
    known,
  };
}

function resultOf(curves: Curve[], sizes: readonly number[], replicas: number, warnings: string[]): FigureResult {
  const nameOf = ({ problem, system }: Curve) => `${problem.one.name}, ${system}`;
  const each = (of: (curve: Curve) => string, those = curves) =>
    those.map((curve) => `${of(curve)} (${nameOf(curve)})`).join(", ");
  const known = curves.filter((curve) => curve.known !== null);
  const bounded = curves.filter(({ problem }) => problem.bound !== null);
  const share = ({ problem, gaps }: Curve) =>
    Math.max(...gaps.map((values, i) => (sizes[i]! * meanAndError(values).mean) / (2 * problem.bound!)));
  const pairs = problems.map(({ one }) => curves.filter(({ problem }) => problem.one === one) as [Curve, Curve]);
  const findings: Finding[] = [
    {
      expected: "slope −1 of E F(ρ_N) − F(m*) in N, within 0.1",
      measured: each(({ slope }) => (slope ? saySlope(slope) : "no fit")),
      met: replicas > 1 ? curves.every(({ slope }) => Math.abs(slope!.exponent + 1) <= 0.1) : null,
    },
    {
      expected: `N (E F(ρ_N) − F(m*)) is ${each(({ known }) => say(known!), known)}, within four standard errors`,
      measured: each(({ constant: { mean, error } }) => `${say(mean)} ± ${say(error ?? Number.NaN)}`, known),
      met:
        replicas > 1
          ? known.every(({ constant, known }) => Math.abs(constant.mean - known!) <= 4 * constant.error!)
          : null,
    },
    {
      expected: "at most 2L/N where the units are bounded",
      measured: `at most this share of it: ${each((curve) => say(share(curve)), bounded)}`,
      met: bounded.every((curve) => share(curve) <= 1),
    },
    {
      expected: "the interaction lowers it",
      measured: pairs
        .map(
          ([one, other]) => `by the factor ${say(other.constant.mean / one.constant.mean)} (${one.problem.one.name})`,
        )
        .join(", "),
      met: replicas > 1 ? pairs.every(([one, other]) => other.constant.mean < one.constant.mean) : null,
    },
  ];

  const ends = [sizes[0]!, sizes[sizes.length - 1]!];
  const picture: RatePicture = {
    kind: "rate",
    title: "N particles miss the minimum of the energy by a multiple of 1/N",
    subtitle:
      `mean of ${replicas} ${replicas === 1 ? "replica" : "replicas"}: networks of N independent draws of m*, and the interacting Langevin system at rest, step ${STEP}; ` +
      "slopes with 95 % intervals, the theorem's is −1",
    key: {
      network: `mean of ${replicas}`,
      spread: "± standard error",
      limit: "fitted power law",
      reference: "theorem, and exact constants",
    },
    panels: pairs.map((pair) => ({
      title: pair[0].problem.one.name,
      x: { label: "particles N" },
      y: { label: "E F(ρ_N) − F(m*)" },
      curves: pair.map((curve) =>
        rateCurve({ label: curve.system, x: sizes, replicas: curve.gaps, rate: curve.slope }),
      ),
      references: [
        ...pair.flatMap(({ known, system }) =>
          known === null
            ? []
            : [powerLaw(system === "independent" ? "½ Σ m Var σ*/N" : "τ/(2(1 + b)N)", ends, -1, known)],
        ),
        ...(pair[0].problem.bound === null ? [] : [powerLaw("2L/N", ends, -1, 2 * pair[0].problem.bound)]),
      ],
    })),
  };

  return {
    table: {
      columns: [
        { name: "problem", digits: 0 },
        { name: "particles", digits: 0 },
        { name: "slope", digits: 3 },
        { name: "from", digits: 3 },
        { name: "to", digits: 3 },
        { name: "theorem", digits: 0 },
        { name: `N gap, N ≥ ${LARGE}`, digits: 4 },
        { name: "± s.e.", digits: 4 },
        { name: "known", digits: 4 },
        { name: "2L", digits: 2 },
      ],
      rows: curves.map(({ problem, system, slope, constant, known }) => [
        problem.one.name,
        system,
        slope?.exponent ?? "–",
        slope?.interval?.[0] ?? "–",
        slope?.interval?.[1] ?? "–",
        -1,
        constant.mean,
        constant.error ?? "–",
        known ?? "–",
        problem.bound === null ? "∞" : 2 * problem.bound,
      ]),
    },
    pictures: [{ file: "gap.svg", picture }],
    findings,
    warnings,
    data: {
      replicas,
      sizes: [...sizes],
      stepSize: STEP,
      draws: DRAWS,
      runs: RUNS,
      curves: curves.map(({ problem, system, gaps, slope, constant, known }) => ({
        problem: problem.one.name,
        particles: system,
        temperature: problem.one.temperature,
        stationary: problem.unbiased ? { ...stationary } : null,
        bound: problem.bound === null ? null : 2 * problem.bound,
        gaps: gaps.map((values) => Array.from(values)),
        slope,
        constant,
        known,
      })),
    },
  };
}
