// Why wide networks are linear: the norm of ∇²f, the kernel's distance from its limit, and what a whole step leaves.  theory §9; docs/lazy.md

import { expm1, log1p, normalCdf, normalPdf } from "../../engine/math";
import { gaussNewtonStep } from "../../kernel/onDemand";
import { activationFunctions, erf, scaled } from "../../model/activation";
import { dataset } from "../../model/law";
import { startParticles } from "../../model/particles";
import { parseProblem } from "../../model/problem";
import { gaussian, type Spread } from "../../model/start";
import { affine } from "../../model/unit";
import { networkMeasure } from "../../process/steps";
import { stream } from "../../random/stream";
import { type Rate, rate } from "../rate";
import { widthStudy } from "../widthStudy";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const DIMENSION = 6;
const INPUTS = 8;
const DATA_SEED = 9;

/** |∇²f|, |K_N − Θ| and the remainder of a Gauss–Newton step against the width. */
export const hessianNormFigure: Figure = {
  name: "hessian-norm",
  title: "Wide networks are linear: the Hessian of f falls as the width to −½",
  claim: [
    "f = N^−½ Σ a erf(w·x) with w ~ N(0, I/d), at its start. |∇²f(x)| falls as N^−½ where a = ±1; with a ~ N(0, 1) the largest of N blocks grows as",
    "√(log N), and so it falls more slowly until that is taken out. |K_N − Θ| falls as N^−½. The shortest step that fits all labels is of length O(1), so",
    "Taylor's remainder of f after it is at most of the order N^−½. It is of the order N^−1: the quadratic term is odd in a, and has mean 0.",
  ].join(" "),
  run,
};

const bounded: Spread = 1;
const normal: Spread = { mean: 0, deviation: 1 };

interface Line {
  label: string;
  panel: 0 | 1 | 2;
  replicas: Float64Array[];
  expected: number | null;
  rate: Rate | null;
  /** Largest distance of the exponent from the expected one, where no interval is asked for. */
  within?: number;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 32);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const neurons = full ? [64, 256, 1024, 4096, 16384] : [64, 256, 1024, 4096];
  const progress = phases(options.onProgress, [1, 1, 1]);
  const study = async (a: Spread, phase: number, name: string) => {
    const watch = ({ fraction }: { fraction: number }) => progress(phase, name, fraction);
    return widthStudy(problemOf(a), { neurons, replicas, seed, signal, backend, onProgress: watch });
  };
  const signs = await study(bounded, 0, "a = 1");
  const gauss = await study(normal, 1, "a ~ N(0, 1)");

  // at the first input; the largest of all inputs has no law of one integral
  const { x, y } = data();
  const square = x[0]!.reduce((sum, one) => sum + one * one, 0);
  const growth = expectedLargest(neurons, square);
  const first = (norms: Float64Array[] | null) => Float64Array.from(norms!, (one) => one[0]!);
  const remainder: Float64Array[] = [];
  const steps: Float64Array[] = [];
  for (const [i, N] of neurons.entries()) {
    const left = new Float64Array(replicas);
    const length = new Float64Array(replicas);
    const problem = parseProblem({
      ...problemOf(normal),
      unit: affine(scaled(erf(), Math.sqrt(N)), { trainBias: false }),
    });
    for (let r = 0; r < replicas; r++) {
      const network = networkMeasure(problem, N, startParticles(problem, N, { seed, replica: r }));
      const { lossAfter, euclideanNorm } = await gaussNewtonStep(problem, network, {
        ...(signal && { signal }),
        ...(backend && { backend }),
      });
      left[r] = Math.sqrt((2 * lossAfter) / y.length);
      length[r] = euclideanNorm;
      progress(2, "Gauss–Newton steps", (i + r / replicas) / neurons.length);
    }
    remainder.push(left);
    steps.push(length);
  }

  const fitted = (values: readonly Float64Array[], expected?: number): Rate | null =>
    replicas > 1 ? rate(neurons, values, expected === undefined ? {} : { expected }) : null;
  const line = (label: string, panel: Line["panel"], values: Float64Array[], expected: number | null): Line => ({
    label,
    panel,
    replicas: values,
    expected,
    rate: fitted(values, expected ?? undefined),
  });
  const norms = gauss.points.map(({ hessianNorms }) => first(hessianNorms));
  const lines: Line[] = [
    {
      ...line(
        "a = ±1",
        0,
        signs.points.map(({ hessianNorms }) => first(hessianNorms)),
        -0.5,
      ),
      within: 0.01,
    },
    line("a ~ N(0, 1)", 0, norms, null),
    line(
      "without its growth",
      0,
      norms.map((all, i) => all.map((one) => (growth[0]! * one) / growth[i]!)),
      -0.5,
    ),
    line(
      "a = ±1",
      1,
      signs.points.map(({ distance }) => distance),
      -0.5,
    ),
    line(
      "a ~ N(0, 1)",
      1,
      gauss.points.map(({ distance }) => distance),
      -0.5,
    ),
    line("length |δθ*|", 2, steps, 0),
    // of the order 1/N with the next order N^−3/2, which at these widths is some per cent of the slope
    { ...line("remainder", 2, remainder, -1), within: 0.15 },
  ];
  return resultOf(lines, neurons, replicas, seed, growth, norms);
}

function data() {
  const draws = stream(DATA_SEED).normals(INPUTS * DIMENSION);
  const x = Array.from({ length: INPUTS }, (_, q) => Array.from(draws.subarray(q * DIMENSION, (q + 1) * DIMENSION)));
  return { x, y: x.map((one) => one[0]! + one[1]! * one[2]!) };
}

// ±1 and 1 give the same norms and kernels.
function problemOf(a: Spread) {
  return { law: dataset(data()), unit: affine(erf(), { trainBias: false }), start: gaussian({ radius: 1, a }) };
}

/**
 * √N E |∇²f(x)| for a ~ N(0, 1), at each N: the mean of the largest of N blocks. A block is at most m where |a| ≤ (m² − σ'²s)/(m |σ''| s) with
 * s = |x|², so its tail T(m) is an integral over h ~ N(0, s/d), and the mean is ∫ 1 − (1 − T(m))^N dm.
 */
function expectedLargest(neurons: readonly number[], s: number): number[] {
  const { derivative } = activationFunctions(erf());
  const deviation = Math.sqrt(s / DIMENSION);
  // midpoint rules: over u = h/deviation, even, to 8 of them; and over m, to where no block of these widths comes
  const [cells, levels] = [800, 800];
  const h = Float64Array.from({ length: cells }, (_, i) => (8 * deviation * (i + 0.5)) / cells);
  const mass = h.map((one) => normalPdf(one / deviation) * (16 / cells));
  const slope = h.map((one) => derivative(one));
  const largest = 8 * (1 + s);
  const step = largest / levels;
  const means = neurons.map(() => 0);
  for (let l = 0; l < levels; l++) {
    const m = (l + 0.5) * step;
    let tail = 0;
    for (let i = 0; i < cells; i++) {
      const bend = Math.abs(2 * h[i]! * slope[i]!) * s;
      const room = m * m - slope[i]! * slope[i]! * s;
      tail += mass[i]! * (room <= 0 ? 1 : bend === 0 ? 0 : 2 * normalCdf(-room / (m * bend)));
    }
    neurons.forEach((N, k) => {
      means[k]! += step * (tail >= 1 ? 1 : -expm1(N * log1p(-tail)));
    });
  }
  return means;
}

function resultOf(
  lines: readonly Line[],
  neurons: readonly number[],
  replicas: number,
  seed: number,
  growth: readonly number[],
  norms: readonly Float64Array[],
): FigureResult {
  const what = ["|∇²f(x)|", "|K_N − Θ|/|Θ|", "Gauss–Newton step"];
  const findings: Finding[] = lines
    .filter(({ expected }) => expected !== null)
    .map(({ label, panel, expected, rate: found, within }) => ({
      expected: `${what[panel]}, ${label}: exponent ${say(expected!)}, ${within === undefined ? "inside the interval" : `to ${within}`}`,
      measured: found ? saySlope(found) : "no fit",
      met: found && (within === undefined ? found.agrees : Math.abs(found.exponent - expected!) <= within),
    }));
  const last = neurons.length - 1;
  const top = meanAndError(norms[last]!.map((one) => one * Math.sqrt(neurons[last]!)));
  findings.push({
    expected: `the mean of the largest of N blocks is that of its law, √N |∇²f| = ${say(growth[last]!)} at N = ${neurons[last]} for Gaussian a, within three standard errors`,
    measured: `${say(top.mean)}${top.error === null ? "" : ` ± ${say(top.error)}`}`,
    met: top.error === null ? null : Math.abs(top.mean - growth[last]!) < 3 * top.error,
  });
  const ends = [neurons[0]!, neurons[last]!];
  const titles = [`|∇²f(x)| at one input`, "the kernel at its start", "one Gauss–Newton step"];
  const picture: RatePicture = {
    kind: "rate",
    title: "Wide networks are linear",
    subtitle: `f = N^−½ Σ a erf(w·x) at its start, ${INPUTS} inputs in dimension ${DIMENSION}, ${replicas} networks a width; slopes with 95 % intervals`,
    key: { network: "mean over networks", spread: "± standard error", limit: "fitted power law", reference: "N^−½" },
    panels: titles.map((title, panel) => {
      const here = lines.filter((one) => one.panel === panel);
      const height = Math.max(...here.map(({ replicas: all }) => meanAndError(all[0]!).mean));
      return {
        title,
        x: { label: "width N" },
        y: { label: panel === 2 ? "|δθ*|, and rms |f(θ + δθ*) − y|" : what[panel]! },
        curves: here.map(({ label, replicas: all, rate: found }, i) =>
          rateCurve({ label, x: neurons, replicas: all, rate: found, hue: i }),
        ),
        references: [powerLaw("N^−½", ends, -0.5, 2 * height * Math.sqrt(ends[0]!))],
      };
    }),
  };
  return {
    table: {
      columns: [
        { name: "N", digits: 0 },
        ...lines.map(({ label, panel }) => ({ name: `${what[panel]}, ${label}`, digits: 5 })),
      ],
      rows: neurons.map((N, i) => [N, ...lines.map(({ replicas: all }) => meanAndError(all[i]!).mean)]),
    },
    pictures: [{ file: "norms.svg", picture }],
    findings,
    warnings: [],
    data: {
      dimension: DIMENSION,
      inputs: INPUTS,
      dataSeed: DATA_SEED,
      seed,
      replicas,
      neurons: [...neurons],
      growth: [...growth],
      lines: lines.map(({ label, panel, replicas: all, expected, rate: found }) => ({
        quantity: what[panel]!,
        label,
        expected,
        values: all.map((one) => Array.from(one)),
        rate: found,
      })),
    },
  };
}
