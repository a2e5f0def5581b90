// The Γ-limit: minimisers of F + (σ²/2)H minimise F as σ ↓ 0.                                                     theory §7

import { pow } from "../../engine/math";
import { pause } from "../../process/process";
import { type Rate, rate } from "../rate";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import { stationaryExcess, TARGET_NAMES, TARGETS, type Target } from "./parabola";
import type { RatePicture } from "./picture";
import { powerLaw, rateCurve, saySlope } from "./slopes";

/** σ from 1 to 1/128 by factors of √2; slopes are taken below 1/16. */
const STEPS = 15;
const ASYMPTOTIC = 1 / 16;
const BOX_CELLS = 16384;

/** What an expansion at small σ gives for F(m*,σ) − inf F: constant σ^slope. */
const EXPANSIONS = {
  outside: { slope: 2, constant: 1 / 4, words: "σ²/4" },
  edge: { slope: 2, constant: 1 / 8, words: "σ²/8" },
  inside: { slope: 4, constant: null, words: "const. σ⁴" },
} as const;

/** F at the minimisers of the free energy against σ, for labels outside, on the edge of and inside what can be fitted. */
export const gammaLimit: Figure = {
  name: "gamma-limit",
  title: "Γ-limit: the minimiser of the free energy minimises F as σ falls to 0",
  claim: [
    "V^σ(m) = F(m) + (σ²/2) H(m | N(0, 1)) has one minimiser m*,σ, found on a grid by the damped fixed point, and",
    "F(m*,σ) falls to inf F as σ ↓ 0, as Γ-convergence says; so does the minimum of V^σ itself. The theorem gives no rate.",
    "Units cos w at the inputs 1 and 2 can fit what lies above a parabola, where everything is known. Labels below it:",
    "F − inf F ≈ σ²/4 = τ/2, the energy of one thermal degree of freedom. On it: σ²/8. Above it, where laws with a density fit",
    "exactly: like σ⁴. The minimum of V^σ is above by entropy, like σ² log(1/σ) where the limit has no density.",
  ].join(" "),
  run,
};

interface Case {
  target: Target;
  energy: number[];
  freeEnergy: number[];
  residual: number;
  slope: Rate;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full } = readOptions(options, 1);
  const { signal } = options;
  signal?.throwIfAborted();
  const cells = full ? 4 * BOX_CELLS : BOX_CELLS;
  const sigmas = Array.from({ length: STEPS }, (_, k) => pow(2, -k / 2));
  const small = sigmas.flatMap((sigma, k) => (sigma <= ASYMPTOTIC * 1.0001 ? [k] : []));
  const pick = <T>(values: readonly T[]) => small.map((k) => values[k]!);

  const progress = phases(
    options.onProgress,
    TARGET_NAMES.map(() => 1),
  );
  const cases: Case[] = [];
  for (const [k, target] of TARGET_NAMES.entries()) {
    const found: { risk: number; freeEnergy: number; residual: number }[] = [];
    for (const sigma of sigmas) {
      found.push(await stationaryExcess(target, { dimension: 1, temperature: (sigma * sigma) / 2, cells, signal }));
      progress(k, `labels ${target}`, found.length / STEPS);
      await pause();
      signal?.throwIfAborted();
    }
    const energy = found.map(({ risk }) => risk / 2);
    cases.push({
      target,
      energy,
      freeEnergy: found.map(({ freeEnergy }) => freeEnergy),
      residual: Math.max(...found.map(({ residual }) => residual)),
      slope: rate(pick(sigmas), pick(energy), { expected: EXPANSIONS[target].slope }),
    });
  }

  const last = STEPS - 1;
  const smallest = sigmas[last]!;
  const falls = (values: readonly number[]) => values.every((v, k) => k === 0 || v < values[k - 1]!);
  const findings: Finding[] = [
    {
      expected:
        "F(m*,σ) − inf F falls as σ does, to below 10⁻⁴ at σ = 1/128, for all labels; so does min V^σ − inf F, to below 10⁻³",
      measured: cases
        .map(({ target, energy, freeEnergy }) => `${say(energy[last]!)} and ${say(freeEnergy[last]!)} (${target})`)
        .join(", "),
      met: cases.every(
        ({ energy, freeEnergy }) =>
          falls(energy) && falls(freeEnergy) && energy[last]! < 1e-4 && freeEnergy[last]! < 1e-3,
      ),
    },
    {
      expected: "inf F ≤ F(m*,σ) ≤ min V^σ, as the relative entropy is not negative",
      measured: `smallest F − inf F ${say(Math.min(...cases.flatMap(({ energy }) => energy)))}, smallest V^σ − F ${say(Math.min(...cases.flatMap((one) => one.freeEnergy.map((v, k) => v - one.energy[k]!))))}`,
      met: cases.every(({ energy, freeEnergy }) => energy.every((e, k) => e > 0 && freeEnergy[k]! >= e)),
    },
    {
      expected: `slopes in σ below 1/16: ${TARGET_NAMES.map((name) => `${EXPANSIONS[name].slope} (${name})`).join(", ")}, within 0.1`,
      measured: cases.map(({ target, slope }) => `${saySlope(slope)} (${target})`).join(", "),
      met: cases.every(({ target, slope }) => Math.abs(slope.exponent - EXPANSIONS[target].slope) <= 0.1),
    },
    ...(["outside", "edge"] as const).map((target) => {
      const { constant, words } = EXPANSIONS[target];
      const ratio = cases.find((one) => one.target === target)!.energy[last]! / (constant * smallest * smallest);
      return {
        expected: `labels ${target}: F − inf F is ${words} at σ = 1/128, within 2 per cent`,
        measured: `${say(ratio)} times that`,
        met: Math.abs(ratio - 1) <= 0.02,
      };
    }),
  ];

  const ends = [sigmas[last]!, sigmas[0]!];
  const picture: RatePicture = {
    kind: "rate",
    title: "Γ-limit: F at the minimiser of F + (σ²/2)H falls to inf F as σ ↓ 0",
    subtitle:
      "m*,σ on a grid, by the damped fixed point; H relative to N(0, 1); units cos w at the inputs 1 and 2, labels outside, on the edge of and inside what they can fit; " +
      "slopes below σ = 1/16 with 95 % intervals",
    key: { network: "stationary law", limit: "fitted power law", reference: "expansion at small σ" },
    panels: [
      {
        title: "Energy",
        x: { label: "σ" },
        y: { label: "F(m*,σ) − inf F" },
        curves: cases.map((one) =>
          rateCurve({
            label: one.target,
            x: sigmas,
            replicas: one.energy.map((e) => [e]),
            rate: one.slope,
            fitted: pick(sigmas),
          }),
        ),
        references: (["outside", "edge"] as const).map((target) =>
          powerLaw(EXPANSIONS[target].words, ends, 2, EXPANSIONS[target].constant),
        ),
      },
      {
        title: "Minimum of the free energy",
        x: { label: "σ" },
        y: { label: "V^σ(m*,σ) − inf F" },
        curves: cases.map((one) =>
          rateCurve({ label: one.target, x: sigmas, replicas: one.freeEnergy.map((v) => [v]), rate: null }),
        ),
        references: [],
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "σ", digits: 5 },
        { name: "τ = σ²/2", digits: 7 },
        ...TARGET_NAMES.flatMap((name) => [
          { name: `F − inf F ${name}`, digits: 9 },
          { name: "V − inf F", digits: 7 },
        ]),
      ],
      rows: sigmas.map((sigma, k) => [
        sigma,
        (sigma * sigma) / 2,
        ...cases.flatMap(({ energy, freeEnergy }) => [energy[k]!, freeEnergy[k]!]),
      ]),
    },
    pictures: [{ file: "energy.svg", picture }],
    findings,
    warnings: [],
    data: {
      cells,
      sigmas,
      cases: cases.map((one) => ({
        target: one.target,
        labels: [...TARGETS[one.target].labels],
        infimum: TARGETS[one.target].infimum / 2,
        energy: one.energy,
        freeEnergy: one.freeEnergy,
        residual: one.residual,
        slope: one.slope,
        expansion: { ...EXPANSIONS[one.target] },
      })),
    },
  };
}
