// E sup_t ‖η^n − η‖²_{H^{−j}} ≤ C/n: fluctuations of n particles against those of the central limit theorem.      theory §8; docs/fluctuations.md

import { pause } from "../../engine/pause";
import type { Fluctuation } from "../../measure/measure";
import { negativeSobolev } from "../../measure/onDemand";
import { tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import { densityStart, gaussian } from "../../model/start";
import { ridge } from "../../model/unit";
import { fluctuations, modifiedFlow } from "../../process/schema";
import { type Rate, rate } from "../rate";
import { solve } from "../solve";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions } from "./figure";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const STEP = 0.05;
const TIMES = [0.5, 1, 2];
/**
 * Orders. Displacements have a norm above D/2 + 1; that of what a spacing h of the quadrature leaves of them is h^{j − D/2 − 1}, which at
 * j = 2 on the line would hide the rate from n = 100 on. Kernels of these orders are elementary.
 */
const LINE_ORDER = 3;
const PLANE_ORDER = 3.5;

/** E sup ‖η^n − η‖² against n, on the line and in the plane. */
export const cltRate: Figure = {
  name: "clt-rate",
  title: "Fluctuations of n particles are 1/√n-close to those of the central limit theorem",
  claim: [
    "η^n = √n (μ^n − μ⁰) of the stochastic mean-field equation with n particles and noise of level 1/n, against the solution η of the linear",
    "equation with the same fluctuation of the start and the same noise. E sup over three times up to 2 of ‖η^n − η‖² in H^{−j} has slope −1 in n, while ‖η‖ itself",
    "stays. The measure μ⁰ stands on a quadrature of the start, whose own error would pass for a bias.",
  ].join(" "),
  run,
};

const EDGES = Array.from({ length: 151 }, (_, i) => -1.5 + i / 50);

interface Setting {
  name: string;
  order: number;
  particles: number;
  /** Runs a replica that was asked for: those on the line are short, and differ more. */
  runs: number;
  problem: Parameters<typeof modifiedFlow>[0];
}

const settings: Setting[] = [
  {
    name: `D = 1, H^−${LINE_ORDER}`,
    order: LINE_ORDER,
    particles: 300,
    runs: 4,
    problem: {
      law: dataset({ x: [[-2], [-1], [0.5], [1], [1.5], [3]], y: [-1.2, 0.3, 1, 0.2, -0.5, 1] }),
      unit: ridge(tanh()),
      // uniform, in cells so small that a quadrature has points close together, as norms that see displacements ask for
      start: densityStart({ edges: [EDGES], masses: EDGES.slice(1).map(() => 1) }),
    },
  },
  {
    name: `D = 2, H^−${PLANE_ORDER}`,
    order: PLANE_ORDER,
    particles: 625,
    runs: 1,
    problem: {
      law: dataset({
        x: [
          [1, 0],
          [0, 1],
          [1, 1],
          [-1, 0.5],
          [0.5, -1],
        ],
        y: [1, -1, 0.5, 0.3, -0.4],
      }),
      unit: ridge(tanh()),
      start: gaussian({ w: { mean: 0, deviation: 1 } }),
    },
  },
];

interface Curve {
  setting: Setting;
  gaps: Float64Array[];
  norms: Float64Array[];
  slope: Rate | null;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 16);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const sizes = full ? [25, 50, 100, 200, 400, 800, 1600] : [25, 50, 100, 200, 400];
  const progress = phases(
    options.onProgress,
    settings.map(({ particles }) => particles),
  );
  const warnings = new Set<string>();
  const curves: Curve[] = [];
  for (const [k, setting] of settings.entries()) {
    const { problem, order, particles } = setting;
    const runs = replicas * setting.runs;
    const gaps: Float64Array[] = [];
    const norms: Float64Array[] = [];
    for (const [i, n] of sizes.entries()) {
      const gap = new Float64Array(runs);
      const norm = new Float64Array(runs);
      for (let replica = 0; replica < runs; replica++) {
        const common = { neurons: n, stepSize: 1 / n, timeStep: STEP, seed, replica };
        const kept = { times: TIMES, observe: {}, keep: "measures", backend, signal } as const;
        const flow = await solve(modifiedFlow(problem, common), kept);
        const limit = await solve(fluctuations(problem, { ...common, particles, initialNoise: "sample" }), kept);
        for (const warning of [...flow.warnings, ...limit.warnings]) warnings.add(warning);
        for (const [t, measure] of flow.measures!.entries()) {
          const eta = limit.measures![t] as Fluctuation;
          const factor = Math.sqrt(n);
          const distance = await negativeSobolev(
            [
              { factor, measure },
              { factor: -factor, measure: eta.base },
            ],
            eta,
            { order },
          );
          gap[replica] = Math.max(gap[replica]!, square(distance));
          if (t === TIMES.length - 1) norm[replica] = square(await negativeSobolev(eta, null, { order }));
        }
        progress(k, `${setting.name}, n = ${n}`, (i + replica / runs) / sizes.length);
        await pause();
      }
      gaps.push(gap);
      norms.push(norm);
    }
    curves.push({ setting, gaps, norms, slope: replicas > 1 ? rate(sizes, gaps, { expected: -1 }) : null });
  }
  return resultOf(curves, sizes, replicas, [...warnings]);
}

function square(x: number): number {
  return x * x;
}

function resultOf(curves: Curve[], sizes: readonly number[], replicas: number, warnings: string[]): FigureResult {
  const mean = (values: Float64Array) => meanAndError(values).mean;
  const change = ({ norms }: Curve) => mean(norms[norms.length - 1]!) / mean(norms[0]!);
  const findings: Finding[] = curves.flatMap((curve) => [
    {
      expected: `E sup ‖η^n − η‖² has slope −1 in n, inside the interval (${curve.setting.name})`,
      measured: curve.slope ? saySlope(curve.slope) : "no fit",
      met: curve.slope ? curve.slope.agrees : null,
    },
    {
      expected: `‖η‖² at t = 2 stays, within a factor of 2 (${curve.setting.name})`,
      measured: `the largest n has ${change(curve).toFixed(2)} times the smallest's`,
      met: replicas > 1 ? change(curve) > 0.5 && change(curve) < 2 : null,
    },
  ]);
  const ends = [sizes[0]!, sizes[sizes.length - 1]!];
  const picture: RatePicture = {
    kind: "rate",
    title: "Fluctuations of n particles are close to those of the central limit theorem",
    subtitle:
      `largest squared distance over t = ${TIMES.join(", ")}, mean of ${settings.map((one) => replicas * one.runs).join(" and ")} runs: the SMFE of n particles and the linear ` +
      "equation with the same start and noise; slopes with 95 % intervals, the theorem's is −1",
    key: { network: "mean of runs", spread: "± standard error", limit: "fitted power law", reference: "n⁻¹" },
    panels: curves.map((curve) => ({
      title: curve.setting.name,
      x: { label: "particles n" },
      y: { label: "E sup ‖ · ‖²" },
      curves: [
        rateCurve({ label: "η^n − η", x: sizes, replicas: curve.gaps, rate: curve.slope }),
        rateCurve({ label: "η at t = 2", x: sizes, replicas: curve.norms, rate: null }),
      ],
      references: [powerLaw("", ends, -1, 1.6 * mean(curve.gaps[0]!) * sizes[0]!)],
    })),
  };
  return {
    table: {
      columns: [
        { name: "problem", digits: 0 },
        { name: "n", digits: 0 },
        { name: "E sup ‖η^n − η‖²", digits: 7 },
        { name: "± s.e.", digits: 7 },
        { name: "n times it", digits: 4 },
        { name: "E ‖η‖² at t = 2", digits: 5 },
      ],
      rows: curves.flatMap(({ setting, gaps, norms }) =>
        sizes.map((n, i) => {
          const { mean: gap, error } = meanAndError(gaps[i]!);
          return [setting.name, n, gap, error ?? "–", n * gap, mean(norms[i]!)];
        }),
      ),
    },
    pictures: [{ file: "gap.svg", picture }],
    findings,
    warnings,
    data: {
      replicas,
      timeStep: STEP,
      times: TIMES,
      sizes: [...sizes],
      curves: curves.map(({ setting, gaps, norms, slope }) => ({
        problem: setting.name,
        order: setting.order,
        particles: setting.particles,
        gaps: gaps.map((all) => Array.from(all)),
        norms: norms.map((all) => Array.from(all)),
        slope,
      })),
    },
  };
}
