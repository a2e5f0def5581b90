// The catapult on f = u·v/√n: loss and kernel along gradient descent, and its phases by η λ_0.                  theory §11; docs/edgeOfStability.md

import type { CatapultRun } from "../edge/catapult";
import { catapult as study } from "../onDemand";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { Series, StatisticsPicture } from "./picture";

/** λ_0 */
const KERNEL = 2;
/** n and η of the runs that are shown step by step; 1.2 has reference numbers. */
const SHOWN = { neurons: 100, rates: [0.8, 1.2, 1.6, 1.95, 2.1], steps: 24 };
/** Widths of the picture of phases. */
const WIDTHS = [10, 100, 1000];

/** Ends of the axes of a picture step by step. */
const LOSSES: [number, number] = [1e-6, 1e3];
const PRODUCTS: [number, number] = [0, 4.4];

/** Runs and phases of the catapult. */
export const catapult: Figure = {
  name: "catapult",
  title: "The catapult: gradient descent beyond 2/λ_0 that comes down in a flatter place",
  claim: [
    "Gradient descent of rate η on f = u·v/√n, L = f²/2, from f_0 = 1 and a tangent kernel λ_0 = (|u|² + |v|²)/n = 2.",
    "Below η λ_0 = 2 it converges at once and λ hardly moves. Between 2 and 4 f is unstable and grows until f² is of order n; then",
    "it lowers λ below 2/η, and falls to 0. Above 4 it diverges.",
    "The larger n is, the higher the loss flies, in proportion to n; λ settles below 2/η, at no particular place, while the edge of stability",
    "hovers at 2/η.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full } = readOptions(options, 1);
  const { signal, backend } = options;
  signal?.throwIfAborted();
  const widths = full ? [1, ...WIDTHS] : WIDTHS;
  const points = full ? 121 : 41;
  const progress = phases(options.onProgress, [1, ...widths.map((n) => 4 + n / 100)]);
  const common = { kernel: KERNEL, backend, signal };
  const shown = await study({ ...common, neurons: SHOWN.neurons, rates: SHOWN.rates });
  progress(0, "runs", 1);
  // the middles of equal intervals of η λ_0 in (0.1, 4.3), so that no point stands at 2 or 4
  const rates = Array.from({ length: points }, (_, i) => (0.1 + (4.2 * (i + 0.5)) / points) / KERNEL);
  const scans: { n: number; runs: CatapultRun[] }[] = [];
  for (const [i, n] of widths.entries()) {
    const { runs } = await study({
      ...common,
      neurons: n,
      rates,
      steps: 10000,
      onProgress: ({ fraction }) => progress(1 + i, `n = ${n}`, fraction),
    });
    scans.push({ n, runs });
  }

  const caught = shown.runs.find(({ rate }) => rate === 1.2)!;
  const wide = scans.filter(({ n }) => n >= 100).flatMap(({ runs }) => runs);
  const phaseOf = (product: number) => (product < 2 ? "lazy" : product < 4 ? "catapult" : "diverged");
  const wrong = wide.filter(({ phase, product }) => phase !== phaseOf(product));
  const flat = scans.flatMap(({ runs }) =>
    runs.flatMap(({ finalKernel, rate }) => (finalKernel === null ? [] : [rate * finalKernel])),
  );
  const flight = (n: number, from: number, to: number) => {
    const { runs } = scans.find((scan) => scan.n === n)!;
    return Math.max(...runs.filter(({ product }) => product > from && product < to).map(({ maxLoss }) => maxLoss)) / n;
  };
  const flights = [100, 1000].map((n) => flight(n, 2.5, 3.9));
  const findings: Finding[] = [
    {
      expected:
        "η = 1.2, n = 100: the largest loss is 3.899980198 at step 4, λ ends at 1.187584373061, as in a prototype in NumPy",
      measured: `${caught.maxLoss.toFixed(9)} at step ${caught.atStep}, λ ${caught.finalKernel?.toFixed(12)}`,
      met:
        Math.abs(caught.maxLoss - 3.899980198) < 1e-9 &&
        caught.atStep === 4 &&
        Math.abs(caught.finalKernel! - 1.187584373061) < 1e-12,
    },
    {
      expected:
        "for n ≥ 100 the loss never rises below η λ_0 = 2, rises and falls to 0 between 2 and 4, and diverges above",
      measured: `${wrong.length} of ${wide.length} runs are otherwise`,
      met: wrong.length === 0,
    },
    {
      expected: "λ ends below 2/η wherever the run does not diverge",
      measured: `largest η λ at an end ${say(Math.max(...flat))}`,
      met: flat.every((product) => product < 2),
    },
    {
      expected:
        "the loss flies to a height in proportion to n: its largest L/n over η λ_0 from 2.5 to 3.9 is the same for n = 100 and 1000 within a factor of 1.5",
      measured: flights.map(say).join(" and "),
      met: flights[1]! / flights[0]! < 1.5 && flights[0]! / flights[1]! < 1.5,
    },
  ];
  return {
    table: {
      columns: [
        { name: "n", digits: 0 },
        { name: "η λ_0", digits: 3 },
        { name: "phase", digits: 0 },
        { name: "largest L", digits: 4 },
        { name: "at step", digits: 0 },
        { name: "η λ at the end", digits: 4 },
      ],
      rows: scans.flatMap(({ n, runs }) =>
        runs.map(({ product, phase, maxLoss, atStep, finalKernel, rate }) => [
          n,
          product,
          phase,
          phase === "diverged" ? "∞" : maxLoss,
          phase === "diverged" ? "–" : atStep,
          finalKernel === null ? "–" : rate * finalKernel,
        ]),
      ),
    },
    pictures: [
      { file: "runs.svg", picture: runsPicture(shown.runs) },
      { file: "phases.svg", picture: phasesPicture(scans) },
    ],
    findings,
    warnings: [],
    data: {
      kernel: KERNEL,
      shown: shown.runs.map(({ loss, kernel, ...one }) => ({
        ...one,
        loss: Array.from(loss),
        kernel: Array.from(kernel),
      })),
      scans: scans.map(({ n, runs }) => ({ n, runs: runs.map(({ loss: _, kernel: __, ...one }) => one) })),
    },
  };
}

function runsPicture(runs: readonly CatapultRun[]): StatisticsPicture {
  const series = (values: Float64Array, [least, most]: readonly [number, number]): Series => {
    const y = Array.from(values.subarray(0, SHOWN.steps + 1), (value) =>
      value < least || value > most ? Number.NaN : value,
    );
    return { x: y.map((_, k) => k), y };
  };
  const curve = (label: string, one: Series, hue: number) => ({
    label,
    network: { ...one, low: null, high: null },
    limit: one,
    hue,
  });
  return {
    kind: "statistics",
    title: "The catapult, step by step",
    subtitle: `f = u·v/√n, L = f²/2, n = ${SHOWN.neurons}, f_0 = 1, λ_0 = ${KERNEL}; gradient descent of rate η, run as a network with ε = η/n`,
    x: { label: "step", scale: "linear" },
    key: { network: "a step of gradient descent" },
    panels: [
      {
        title: "loss",
        y: { label: "L = f²/2", scale: "log", domain: LOSSES },
        curves: runs.map(({ loss }, hue) => curve("", series(loss, LOSSES), hue)),
        levels: [],
      },
      {
        title: "tangent kernel times rate",
        y: { label: "η λ", scale: "linear", domain: PRODUCTS },
        curves: runs.map(({ rate, kernel }, hue) =>
          curve(
            `η λ_0 = ${say(rate * KERNEL)}`,
            series(
              kernel.map((lambda) => rate * lambda),
              PRODUCTS,
            ),
            hue,
          ),
        ),
        levels: [{ y: 2, label: "" }],
      },
    ],
  };
}

function phasesPicture(scans: readonly { n: number; runs: CatapultRun[] }[]): StatisticsPicture {
  const curve = (n: number, hue: number, runs: CatapultRun[], of: (run: CatapultRun) => number) => {
    const kept = runs.filter(({ finalKernel }) => finalKernel !== null);
    const one = { x: kept.map(({ product }) => product), y: kept.map(of) };
    return { label: `n = ${n}`, network: { ...one, low: null, high: null }, limit: one, hue };
  };
  const end = (runs: CatapultRun[]) => Math.max(...runs.map(({ product }) => product));
  return {
    kind: "statistics",
    title: "Lazy below η λ_0 = 2, catapult up to 4, divergence above",
    subtitle: `gradient descent of rate η on f = u·v/√n from f_0 = 1, λ_0 = ${KERNEL}, to convergence; runs that diverge have no dot`,
    x: { label: "η λ_0", scale: "linear", domain: [0, end(scans[0]!.runs)] },
    key: { network: "a run of gradient descent", reference: "η λ = η λ_0, the kernel unchanged" },
    panels: [
      {
        title: "largest loss on the way",
        y: { label: "max L", scale: "log" },
        curves: scans.map(({ n, runs }, hue) => curve(n, hue, runs, ({ maxLoss }) => maxLoss)),
        levels: [],
      },
      {
        title: "tangent kernel times rate at the end",
        y: { label: "η λ", scale: "linear", domain: [0, 2.4] },
        curves: scans.map(({ n, runs }, hue) => curve(n, hue, runs, ({ rate, finalKernel }) => rate * finalKernel!)),
        levels: [{ y: 2, label: "" }],
        references: [{ label: "", x: [0, 2], y: [0, 2] }],
      },
    ],
  };
}
