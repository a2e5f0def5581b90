// Langevin dynamics in a flat and a sharp basin of one depth, and Gibbs' law.                    theory §10; docs/regularisation.md
//
//   dθ = −∇L dt + √ε dW,   ε = η/b,   goes to exp(−2L/ε)/Z;   as ε → 0 basins i of one depth have masses ∝ (det ∇²L(θ_i))^{−1/2}

import { exp, tanh } from "../../engine/math";
import { gibbsMasses } from "../../landscape/onDemand";
import type { Box } from "../../measure/boxMasses";
import { coordinate, type Grid, type Measure } from "../../measure/measure";
import { boxMasses } from "../../measure/onDemand";
import { tabulate } from "../../model/activation";
import { localPotential, type Potential, separable } from "../../model/potential";
import { type Problem, potentialProblem } from "../../model/problem";
import { gaussian } from "../../model/start";
import { fokkerPlanck, langevin } from "../../process/schema";
import { solve } from "../solve";
import { stationaryLaw } from "../stationaryLaw";
import { logSpaced } from "../times";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { SpreadSeries, StatisticsPicture } from "./picture";

/** Curvatures of the minima at −1 and 1, along the line that joins them and across it. */
const ALONG = [1, 9] as const;
const ACROSS = [1, 4] as const;
/** Steepness of the change from one to the other. */
const STEEP = 2;
/** ε of runs, and the times after which they are looked at: some seven relaxation times. */
const RUNS = [
  { epsilon: 0.5, time: 70 },
  { epsilon: 1, time: 30 },
  { epsilon: 2, time: 20 },
];
const RANGE = [0.02, 4] as const;
/** Values of ε of the lines; every second one has a dot. */
const SEVERAL = 25;
const BOX = [-3, 3] as const;
const PLANE = [BOX, [-5, 5]] as const;
/** Langevin particles and their steps, which move masses by no more than `bias`: on the line by their transition density 0.0034. */
const LINE = { neurons: 6000, stepSize: 0.01, bias: 0.004, cells: 1024 };
const AREA = { neurons: 1500, stepSize: 0.01, bias: 0.006, cells: 192 };
const BINS = 36;

const SIDES: Record<"line" | "plane", Box[]> = {
  line: [
    [null, 0],
    [0, null],
  ],
  plane: [
    [
      [null, 0],
      [null, null],
    ],
    [
      [0, null],
      [null, null],
    ],
  ],
};

/** Masses of a flat and of a sharp basin against ε, of one depth. */
export const gibbsBasins: Figure = {
  name: "gibbs-basins",
  title: "Flat basins hold more mass than sharp ones of the same depth",
  claim: [
    "Langevin dynamics dθ = −∇L dt + √ε dW, ε = η/b, at rest has Gibbs' law exp(−2L/ε). Two minima of depth 0 with curvatures 1 and 9 on",
    "the line, and in the plane with Hessians of determinants 1 and 36. As ε falls the flat one's share goes to that of Laplace's method, masses",
    "as 1/√det: 3/4 and 6/7. At larger ε it is less, and has to be integrated. The stationary law of the Fokker–Planck equation has it at",
    "every ε, and particles of Langevin dynamics that started between the two come to it. Small ε does not prefer the flat basin more: it",
    "takes longer to find out, e^{2ΔL/ε}.",
  ].join(" "),
  run,
};

const between = ([left, right]: readonly [number, number], x: number): number =>
  (left + right) / 2 + ((right - left) / 2) * (tanh(STEEP * x) / tanh(STEEP));

function betweenSlope([left, right]: readonly [number, number], x: number): number {
  const t = tanh(STEEP * x);
  return (((right - left) / 2) * STEEP * (1 - t * t)) / tanh(STEEP);
}

/** (x² − 1)² k(x)/8, whose second derivative at ±1 is k. */
function well(x: number): number {
  const q = x * x - 1;
  return (q * q * between(ALONG, x)) / 8;
}

function wellSlope(x: number): number {
  const q = x * x - 1;
  return (4 * x * q * between(ALONG, x) + q * q * betweenSlope(ALONG, x)) / 8;
}

const start = gaussian({ w: { mean: 0, deviation: 0.4 } });

const LANDSCAPES: { name: "line" | "plane"; potential: Potential; problem: Problem; laplace: number }[] = (() => {
  const line = separable(tabulate(well, { from: -4, to: 4, points: 4001 }));
  const plane = localPotential(
    ([x, y]) => well(x!) + (between(ACROSS, x!) * y! * y!) / 2,
    ([x, y]) => [wellSlope(x!) + (betweenSlope(ACROSS, x!) * y! * y!) / 2, between(ACROSS, x!) * y!],
  );
  const ratio = Math.sqrt(ALONG[1] / ALONG[0]);
  const wide = Math.sqrt((ALONG[1] * ACROSS[1]) / (ALONG[0] * ACROSS[0]));
  return [
    {
      name: "line",
      potential: line,
      problem: potentialProblem(line, { dimension: 1, start }),
      laplace: ratio / (1 + ratio),
    },
    {
      name: "plane",
      potential: plane,
      problem: potentialProblem(plane, { dimension: 2, start }),
      laplace: wide / (1 + wide),
    },
  ];
})();

interface Basins {
  name: "line" | "plane";
  laplace: number;
  /** Mass of the flat basin: by quadrature at all ε and at every second one, of the stationary law there, of runs. */
  fine: number[];
  coarse: number[];
  stationary: number[];
  runs: {
    epsilon: number;
    exact: number;
    flow: number | null;
    particles: number;
    error: number;
    law: Measure;
    grid: Grid | null;
  }[];
  /** Of the quadrature. */
  error: number;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed } = readOptions(options, 1);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const lines = Array.from(logSpaced(...RANGE, SEVERAL));
  const several = lines.filter((_, k) => k % 2 === 0);
  const progress = phases(options.onProgress, [2, 8, 2, 8]);
  const found: Basins[] = [];
  for (const [k, landscape] of LANDSCAPES.entries()) {
    const { name, potential, problem, laplace } = landscape;
    const sizes = name === "line" ? LINE : AREA;
    const boxes = SIDES[name];
    const domain = name === "line" ? BOX : PLANE;
    const exactly = async (epsilon: number) =>
      gibbsMasses(potential, { temperature: epsilon / 2, domain, boxes, tolerance: 1e-8, ...(signal && { signal }) });
    const equation = (epsilon: number) =>
      fokkerPlanck(problem, {
        temperature: epsilon / 2,
        cells: sizes.cells,
        box: name === "line" ? [...BOX] : PLANE.map(([from, to]) => [from, to] as [number, number]),
        tolerance: 1e-5,
      });
    progress(2 * k, `${name}: quadrature`, 0);
    const fine: number[] = [];
    const stationary: number[] = [];
    let error = 0;
    for (const epsilon of lines) {
      const exact = await exactly(epsilon);
      fine.push(exact.masses[0]!);
      error = Math.max(error, exact.error);
    }
    for (const epsilon of several) {
      const { measure } = await stationaryLaw(equation(epsilon), signal ? { signal } : {});
      stationary.push((await boxMasses(measure, boxes))[0]!);
    }
    const coarse = fine.filter((_, k) => k % 2 === 0);
    const runs: Basins["runs"] = [];
    for (const [j, { epsilon, time }] of RUNS.entries()) {
      const at = (share: number) => progress(2 * k + 1, `${name}: ε = ${epsilon}`, (j + share) / RUNS.length);
      const neurons = full ? 4 * sizes.neurons : sizes.neurons;
      const particles = await solve(
        langevin(problem, { neurons, stepSize: sizes.stepSize, temperature: epsilon / 2, seed }),
        {
          times: [time],
          observe: {},
          keep: "measures",
          signal,
          backend,
          onProgress: ({ fraction }) => at(0.8 * fraction),
        },
      );
      // in the plane the flow itself takes many steps: its stationary law stands for it
      const flow =
        name === "line"
          ? await solve(equation(epsilon), { times: [time], observe: {}, keep: "measures", signal })
          : null;
      const law = particles.measures![0]!;
      const share = (await boxMasses(law, boxes))[0]!;
      const exact = (await exactly(epsilon)).masses[0]!;
      runs.push({
        epsilon,
        exact,
        flow: flow && (await boxMasses(flow.measures![0]!, boxes))[0]!,
        particles: share,
        error: Math.sqrt((exact * (1 - exact)) / neurons),
        law,
        grid: flow && (flow.measures![0] as Grid),
      });
      at(1);
    }
    found.push({ name, laplace, fine, coarse, stationary, runs, error });
  }

  const [line, plane] = found as [Basins, Basins];
  const off = ({ stationary, coarse }: Basins) => Math.max(...stationary.map((m, k) => Math.abs(m - coarse[k]!)));
  const scores = (one: Basins) => one.runs.map(({ particles, exact, error }) => (particles - exact) / error);
  const within = (one: Basins, bias: number) =>
    one.runs.every(({ particles, exact, error }) => Math.abs(particles - exact) < 4.5 * error + bias);
  const flows = line.runs.map(({ flow, exact }) => Math.abs(flow! - exact));
  const limit = ({ fine, laplace }: Basins) => Math.abs(fine[0]! / laplace - 1);
  const falls = ({ fine }: Basins) => fine.every((m, k) => k === 0 || m < fine[k - 1]!) && fine.every((m) => m > 0.5);

  const findings: Finding[] = [
    {
      expected: `as ε falls the flat basin's mass goes to Laplace's ${say(line.laplace)} on the line and ${say(plane.laplace)} in the plane: within 1 % at ε = ${RANGE[0]}`,
      measured: `${say(line.fine[0]!)} and ${say(plane.fine[0]!)}`,
      met: limit(line) < 0.01 && limit(plane) < 0.01,
    },
    {
      expected: "it is more than a half at every ε, and falls as ε grows",
      measured: `${say(line.fine[SEVERAL - 1]!)} and ${say(plane.fine[SEVERAL - 1]!)} at ε = ${RANGE[1]}`,
      met: falls(line) && falls(plane),
    },
    {
      expected:
        "the stationary law of the Fokker–Planck equation has the quadrature's masses: to 1e-5 on the line, 1e-4 in the plane",
      measured: `${say(off(line))} and ${say(off(plane))}`,
      met: off(line) < 1e-5 && off(plane) < 1e-4,
    },
    {
      expected: "its flow from between the basins comes there within 2e-3",
      measured: flows.map(say).join(", "),
      met: flows.every((gap) => gap < 2e-3),
    },
    {
      expected: `Langevin particles have them within 4.5 standard errors and what their steps are off, ${LINE.bias} on the line and ${AREA.bias} in the plane`,
      measured: `${scores(line).map(say).join(", ")} and ${scores(plane).map(say).join(", ")} standard errors`,
      met: within(line, LINE.bias) && within(plane, AREA.bias),
    },
  ];

  const center = (edges: Float64Array, k: number) => (edges[k]! + edges[k + 1]!) / 2;
  const x = Array.from({ length: 301 }, (_, k) => -2.4 + (k * 4.4) / 300);
  const panels: StatisticsPicture["panels"] = [];
  for (const { epsilon, law, grid } of line.runs) {
    const { logPartition } = await gibbsMasses(LANDSCAPES[0]!.potential, {
      temperature: epsilon / 2,
      domain: BOX,
      boxes: SIDES.line,
    });
    const cells = grid!.edges[0]!;
    const every = Array.from({ length: Math.floor(grid!.masses.length / 24) }, (_, k) => 24 * k + 12);
    const inside = every.filter((k) => center(cells, k) > x[0]! && center(cells, k) < x[300]!);
    panels.push({
      title: `ε = ${epsilon}`,
      y: { label: "density", scale: "linear" },
      curves: [
        {
          label: "",
          network: {
            x: inside.map((k) => center(cells, k)),
            y: inside.map((k) => grid!.masses[k]! / (cells[k + 1]! - cells[k]!)),
            low: null,
            high: null,
          },
          limit: { x, y: x.map((one) => exp(-(2 * well(one)) / epsilon - logPartition)) },
          hue: 0,
        },
        { label: "", network: histogramOf(law, x[0]!, x[300]!), limit: null, hue: 1 },
      ],
      levels: [],
    });
  }
  panels.push({
    title: "L",
    y: { label: "L(θ)", scale: "linear", domain: [0, 1.2] },
    curves: [{ label: "", network: null, limit: { x, y: x.map(well) }, hue: 3 }],
    levels: [],
  });
  const density: StatisticsPicture = {
    kind: "statistics",
    title: "A flat and a sharp minimum of one depth: the law at rest is Gibbs' exp(−2L/ε)",
    subtitle: `Curvatures ${ALONG.join(" and ")}; Fokker–Planck equation and ${(full ? 4 : 1) * LINE.neurons} Langevin particles (± 2 standard errors) from N(0, 0.4²), at t = ${RUNS.map(({ time }) => time).join(", ")}`,
    x: { label: "θ", scale: "linear", domain: [x[0]!, x[300]!] },
    key: { limit: "Gibbs' law", network: "Fokker–Planck (blue), Langevin (orange)" },
    panels,
  };
  const picture: StatisticsPicture = {
    kind: "statistics",
    title: "The flat basin's share of the mass against the temperature ε = η/b",
    subtitle:
      `On the line, curvatures ${ALONG.join(" and ")}; in the plane, Hessians of determinants ${ALONG[0] * ACROSS[0]} and ${ALONG[1] * ACROSS[1]}; ` +
      "basins are what lies on either side of 0, between the minima; Langevin particles ± 2 standard errors",
    x: { label: "ε = η/b", scale: "log", domain: [...RANGE] },
    key: { limit: "quadrature", network: "measured", spread: "± 2 standard errors" },
    panels: found.map((one) => ({
      title: one.name === "line" ? "On the line" : "In the plane",
      y: { label: "mass of the flat basin", scale: "linear" as const, domain: [0.5, 0.9] as [number, number] },
      curves: [
        {
          label: "Fokker–Planck",
          network: { x: several, y: one.stationary, low: null, high: null },
          limit: { x: lines, y: one.fine },
          hue: 0,
        },
        {
          label: "Langevin",
          network: {
            x: one.runs.map(({ epsilon }) => epsilon),
            y: one.runs.map(({ particles }) => particles),
            low: one.runs.map(({ particles, error }) => particles - 2 * error),
            high: one.runs.map(({ particles, error }) => particles + 2 * error),
          },
          limit: null,
          hue: 1,
        },
      ],
      levels: [{ y: one.laplace, label: `Laplace, ${say(one.laplace)}` }],
    })),
  };

  return {
    table: {
      columns: [
        { name: "ε", digits: 3 },
        ...found.flatMap(({ name }) => [
          { name: `${name}: quadrature`, digits: 5 },
          { name: "Fokker–Planck", digits: 5 },
        ]),
      ],
      rows: several.map((epsilon, k) => [epsilon, ...found.flatMap((one) => [one.coarse[k]!, one.stationary[k]!])]),
    },
    pictures: [
      { file: "density.svg", picture: density },
      { file: "masses.svg", picture },
    ],
    findings,
    warnings: [],
    data: {
      seed,
      curvatures: { along: [...ALONG], across: [...ACROSS] },
      epsilon: several,
      basins: found.map(({ name, laplace, coarse, stationary, runs, error }) => ({
        name,
        laplace,
        quadrature: coarse,
        quadratureError: error,
        stationary,
        runs: runs.map(({ epsilon, exact, flow, particles, error: standardError }) => ({
          epsilon,
          exact,
          flow,
          particles,
          standardError,
        })),
      })),
    },
  };
}

// Shares of particles in bins, as a density with two standard errors.
function histogramOf(law: Measure, from: number, to: number): SpreadSeries {
  const marginal = coordinate(law, "w0", LANDSCAPES[0]!.problem);
  if (marginal.kind !== "particles") throw new Error("Langevin dynamics gives particles.");
  const width = (to - from) / BINS;
  const counts = new Float64Array(BINS);
  for (const value of marginal.values) {
    const bin = Math.floor((value - from) / width);
    if (bin >= 0 && bin < BINS) counts[bin]!++;
  }
  const n = marginal.values.length;
  const share = Array.from(counts, (count) => count / n);
  const errors = share.map((p) => Math.sqrt((p * (1 - p)) / n));
  return {
    x: share.map((_, k) => from + (k + 0.5) * width),
    y: share.map((p) => p / width),
    low: share.map((p, k) => (p - 2 * errors[k]!) / width),
    high: share.map((p, k) => (p + 2 * errors[k]!) / width),
  };
}
