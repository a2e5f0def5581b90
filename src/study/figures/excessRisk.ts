// The excess risk of the stationary law, R(m*) ≤ inf R + O(D/β), in one dimension to a hundred.                    theory §7

import { langevin } from "../../process/schema";
import { ensemble } from "../ensemble";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import { parabolaProblem, stationaryExcess, TARGET_NAMES, TARGETS, type Target } from "./parabola";
import type { RatePicture } from "./picture";
import { meanAndError, powerLaw, rateCurve, saySlope } from "./slopes";

const DIMENSIONS = [1, 2, 10, 100];
const MANY = [1, 2, 3, 5, 10, 20, 50, 100];
/** Slopes are taken where D/β is at most this. */
const ASYMPTOTIC = 0.0101;
const BOX_CELLS = 16384;
const BOX_CELLS_OF_TWO = 384;
/** D/β down to which a grid of two dimensions resolves the wells. */
const RESOLVED = 9e-4;
/** Langevin dynamics: β, steps a relaxation time of a well, relaxation times before and while the risk is recorded. */
const PARTICLES = { beta: 1000, neurons: 1000, steps: 50, before: 20, recorded: 12 };

/** R(m*) − inf R against 1/β and against D. */
export const excessRisk: Figure = {
  name: "excess-risk",
  title: "The stationary law's risk is above the infimum by D/β",
  claim: [
    "The stationary law m* of noisy gradient descent at the temperature 1/β, with U = |w|²/(2β), for labels that units cos w cannot",
    "fit: the theorem says R(m*) ≤ inf R + O(D/β), and R(m*) − inf R is D/β itself at large β, in every dimension D and at every β:",
    "each parameter has the energy 1/(2β) of a thermal degree of freedom. For labels on the edge of what can be fitted it is half of that,",
    "and where a law with a density fits them exactly it falls like (D/β)²: the bound is not a rate. D = 1 and 2 are grids of one and two",
    "dimensions. The problem is made so that m* is a product of laws of one parameter, which gives all other D, and Langevin",
    "particles in D dimensions say the same.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 4);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const cells = full ? 4 * BOX_CELLS : BOX_CELLS;
  const betas = powersOf(10, 2, 5);
  const checked = full ? [2, 5, 10, 20, 50] : [2, 10, 30];
  const progress = phases(options.onProgress, [3, 4, ...checked.map((D) => 1 + D / 3)]);

  // the excess in D dimensions at 1/β is that in one at D/β
  const known = new Map<string, number>();
  const excess = async (target: Target, share: number): Promise<number> => {
    const key = `${target} ${share.toPrecision(12)}`;
    const value =
      known.get(key) ?? (await stationaryExcess(target, { dimension: 1, temperature: share, cells, signal })).risk;
    known.set(key, value);
    signal?.throwIfAborted();
    return value;
  };

  const curves: { target: Target; D: number; risks: number[]; slope: Rate; fitted: number[] }[] = [];
  const settings = [
    ...DIMENSIONS.map((D) => ({ target: "outside" as Target, D })),
    ...TARGET_NAMES.filter((name) => name !== "outside").map((target) => ({ target, D: 1 })),
  ];
  for (const { target, D } of settings) {
    const risks: number[] = [];
    for (const beta of betas) {
      risks.push(await excess(target, D / beta));
      progress(0, `grid, D = ${D}`, (curves.length + risks.length / betas.length) / settings.length);
    }
    const small = betas.flatMap((beta, i) => (D / beta <= ASYMPTOTIC ? [i] : []));
    const fitted = small.map((i) => 1 / betas[i]!);
    const slope = rate(
      fitted,
      small.map((i) => risks[i]!),
      { expected: target === "inside" ? 2 : 1 },
    );
    curves.push({ target, D, risks, slope, fitted });
  }

  const plane: { beta: number; risk: number; product: number }[] = [];
  const resolved = betas.filter((beta) => 2 / beta >= RESOLVED);
  for (const beta of resolved) {
    const { risk } = await stationaryExcess("outside", {
      dimension: 2,
      temperature: 1 / beta,
      cells: full ? 2 * BOX_CELLS_OF_TWO : BOX_CELLS_OF_TWO,
      signal,
    });
    plane.push({ beta, risk, product: await excess("outside", 2 / beta) });
    progress(1, "grid of two dimensions, D = 2", plane.length / resolved.length);
  }

  const shown: { beta: number; risks: number[]; slope: Rate }[] = [];
  for (const beta of [1e3, 1e4, 1e5]) {
    const risks: number[] = [];
    for (const D of MANY) risks.push(await excess("outside", D / beta));
    shown.push({ beta, risks, slope: rate(MANY, risks, { expected: 1 }) });
  }

  const particles: { D: number; mean: number; error: number | null; exact: number }[] = [];
  const warnings: string[] = [];
  for (const [k, D] of checked.entries()) {
    // Ψ of the limit has the curvature 3/8 in its wells, over D
    const relaxation = (8 / 3) * D;
    const stepSize = relaxation / PARTICLES.steps;
    const process = langevin(parabolaProblem("outside", D, 1 / PARTICLES.beta), {
      neurons: PARTICLES.neurons,
      stepSize,
      temperature: 1 / PARTICLES.beta,
      seed,
    });
    const times = Array.from(
      { length: PARTICLES.recorded },
      (_, i) => Math.round((PARTICLES.before + i + 1) * PARTICLES.steps) * stepSize,
    );
    const run = await ensemble(process, {
      replicas,
      times,
      workers: options.workers,
      checkpoint: options.checkpoint,
      backend,
      signal,
      onProgress: ({ fraction }) => progress(2 + k, `Langevin, D = ${D}, ${PARTICLES.neurons} particles`, fraction),
    });
    warnings.push(...run.warnings);
    const { infimum } = TARGETS.outside;
    const each = run.observables.risk!.replicas.map(
      (values) => values.reduce((sum, R) => sum + R, 0) / values.length - infimum,
    );
    particles.push({ D, ...meanAndError(each), exact: await excess("outside", D / PARTICLES.beta) });
  }

  const of = (target: Target, D: number) => curves.find((one) => one.target === target && one.D === D)!;
  const last = betas.length - 1;
  const ratios = DIMENSIONS.map((D) => (of("outside", D).risks[last]! * betas[last]!) / D);
  const apart = Math.max(...plane.map(({ risk, product }) => Math.abs(risk / product - 1)));
  const largest = Math.max(...curves.flatMap(({ D, risks }) => risks.map((risk, i) => (risk * betas[i]!) / D)));
  const findings: Finding[] = [
    {
      expected: "slope 1 of R − inf R in 1/β at every D, where D/β ≤ 0.01: within 0.05",
      measured: DIMENSIONS.map((D) => `${saySlope(of("outside", D).slope)} (D = ${D})`).join(", "),
      met: DIMENSIONS.every((D) => Math.abs(of("outside", D).slope.exponent - 1) <= 0.05),
    },
    {
      expected: `slope 1 in D at β = ${shown.map(({ beta }) => beta).join(", ")}: within 0.1 where D/β stays below 0.1`,
      measured: shown.map(({ beta, slope }) => `${saySlope(slope)} (β = ${beta})`).join(", "),
      met: shown.every(({ slope }) => Math.abs(slope.exponent - 1) <= 0.1),
    },
    {
      expected: `R − inf R is at most D/β throughout, and tends to it: within 2 per cent at β = ${betas[last]}`,
      measured: `at most ${say(largest)} times that; at the largest β ${ratios.map((ratio, i) => `${ratio.toFixed(3)} (D = ${DIMENSIONS[i]})`).join(", ")}`,
      met: largest <= 1.001 && ratios.every((ratio) => Math.abs(ratio - 1) <= 0.02),
    },
    {
      expected: "labels on the edge: slope 1; labels inside: slope 2; within 0.1",
      measured: `${saySlope(of("edge", 1).slope)} and ${saySlope(of("inside", 1).slope)}`,
      met: Math.abs(of("edge", 1).slope.exponent - 1) <= 0.1 && Math.abs(of("inside", 1).slope.exponent - 2) <= 0.1,
    },
    {
      expected: "the grid of two dimensions agrees with the product law to 10⁻⁵",
      measured: `${say(apart)} apart`,
      met: apart <= 1e-5,
    },
    {
      expected: `Langevin particles (${PARTICLES.neurons}, β = ${PARTICLES.beta}) agree with the product law: within 5 per cent, the step's bias and the noise of N`,
      measured: particles
        .map(
          ({ D, mean, error, exact }) =>
            `${say(mean)}${error === null ? "" : ` ± ${say(error)}`} against ${say(exact)} (D = ${D})`,
        )
        .join(", "),
      met: particles.every(({ mean, exact }) => Math.abs(mean / exact - 1) <= 0.05),
    },
  ];

  const shares = betas.map((beta) => 1 / beta);
  const ends = [shares[last]!, shares[0]!];
  const picture: RatePicture = {
    kind: "rate",
    title: "The stationary law's risk is above the infimum by D/β, and no more",
    subtitle:
      "noisy gradient descent at temperature 1/β, units cos⟨w, x⟩ at the inputs e_j and 2e_j, U = |w|²/(2β); labels that no law fits (left and right) or that some law fits; " +
      `slopes where D/β ≤ 0.01 (left) with 95 % intervals; particles: ${PARTICLES.neurons} of Langevin dynamics, mean of ${replicas}`,
    key: {
      network: "stationary law",
      limit: "fitted power law",
      reference: "D/β",
    },
    panels: [
      {
        title: "Against 1/β",
        x: { label: "temperature 1/β" },
        y: { label: "R(m*) − inf R" },
        curves: curves.map(({ target, D, risks, slope, fitted }) =>
          rateCurve({
            label: target === "outside" ? `D = ${D}` : `D = ${D}, labels ${target}`,
            x: shares,
            replicas: risks.map((risk) => [risk]),
            rate: slope,
            fitted,
          }),
        ),
        references: [powerLaw("", ends, 1, 1), powerLaw("100/β", ends, 1, 100)],
      },
      {
        title: "Against D",
        x: { label: "parameters D" },
        y: { label: "R(m*) − inf R" },
        curves: [
          ...shown.map(({ beta, risks, slope }) =>
            rateCurve({ label: `β = ${beta}`, x: MANY, replicas: risks.map((risk) => [risk]), rate: slope }),
          ),
          {
            label: `particles, β = ${PARTICLES.beta}`,
            slope: "",
            points: {
              x: particles.map(({ D }) => D),
              y: particles.map(({ mean }) => mean),
              low: particles.every(({ error }) => error !== null)
                ? particles.map(({ mean, error }) => mean - error!)
                : null,
              high: particles.every(({ error }) => error !== null)
                ? particles.map(({ mean, error }) => mean + error!)
                : null,
            },
            fit: null,
          },
        ],
        references: shown.map(({ beta }) => powerLaw("", [1, 100], 1, 1 / beta)),
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "β", digits: 0 },
        ...DIMENSIONS.flatMap((D) => [
          { name: `R − inf R, D=${D}`, digits: 8 },
          { name: "β(R − inf R)/D", digits: 3 },
        ]),
        { name: "edge", digits: 8 },
        { name: "inside", digits: 10 },
      ],
      rows: betas.map((beta, i) => [
        beta,
        ...DIMENSIONS.flatMap((D) => {
          const risk = of("outside", D).risks[i]!;
          return [risk, (risk * beta) / D];
        }),
        of("edge", 1).risks[i]!,
        of("inside", 1).risks[i]!,
      ]),
    },
    pictures: [{ file: "risk.svg", picture }],
    findings,
    warnings: [...new Set(warnings)],
    data: {
      cells,
      betas,
      replicas,
      targets: Object.fromEntries(
        TARGET_NAMES.map((name) => [name, { ...TARGETS[name], labels: [...TARGETS[name].labels] }]),
      ),
      curves: curves.map(({ target, D, risks, slope }) => ({ target, dimension: D, risks, slope })),
      twoDimensions: plane,
      againstDimension: shown.map(({ beta, risks, slope }) => ({ beta, dimensions: MANY, risks, slope })),
      particles,
    },
  };
}

function powersOf(base: number, from: number, to: number): number[] {
  const found: number[] = [];
  let value = 1;
  for (let k = 0; k <= to; k++, value *= base) {
    if (k < from) continue;
    found.push(value);
    if (k < to) found.push(value * 2, value * 5);
  }
  return found;
}
