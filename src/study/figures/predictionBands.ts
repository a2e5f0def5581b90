// Prediction bands over runs of SGD: from one run of the mean-field limit and its linearisation.      theory §8; docs/fluctuations.md

import { sin } from "../../engine/math";
import { softplus, tanh } from "../../model/activation";
import { dataset } from "../../model/law";
import type { ProblemInput } from "../../model/problem";
import { gaussian } from "../../model/start";
import { affine, ridge } from "../../model/unit";
import { sgd } from "../../process/schema";
import { type Ensemble, ensemble } from "../ensemble";
import { predictions, risk } from "../observables";
import { predictionBands as bandsOf } from "../onDemand";
import type { PredictionBands } from "../predictionBands";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { BandsPicture } from "./picture";

const LEVEL = 0.95;
const TIMES = [0.3, 1, 3];
const RISK_TIMES = [0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.3, 1.6, 2, 2.5, 3];
const INPUTS = Array.from({ length: 25 }, (_, i) => [-2.4 + 0.2 * i]);
const SADDLE_TIMES = Array.from({ length: 24 }, (_, i) => 0.25 * (i + 1));
const SADDLE_INPUT = [[-1.2]];

/** y = sin 2x, with errors of ±0.2 in turn. */
const regression: ProblemInput = {
  law: dataset({
    x: Array.from({ length: 16 }, (_, q) => [(q - 7.5) / 4]),
    y: Array.from({ length: 16 }, (_, q) => sin((q - 7.5) / 2) + (q % 2 === 0 ? 0.2 : -0.2)),
  }),
  unit: affine(tanh()),
  start: gaussian({ w: { mean: 0, deviation: 1 }, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
};

/** All neurons at w = 0, where symmetry makes the gradient 0 and the noise decides which way they go. */
const saddle: ProblemInput = {
  law: dataset({
    x: [-1.5, -1, -0.5, 0.5, 1, 1.5].map((x) => [x]),
    y: [-1.5, -1, -0.5, 0.5, 1, 1.5].map((x) => 2 * x * x),
  }),
  unit: ridge(softplus()),
  start: gaussian({ w: 0 }),
};

/** Runs of SGD within bands made before. */
export const predictionBands: Figure = {
  name: "prediction-bands",
  title: "One run of the mean-field limit tells where runs of SGD will lie",
  claim: [
    "A regression with 16 examples and affine tanh units. The limit, on a quadrature of the start, and the variance of its fluctuation from the",
    "adjoint equation make a band for f(x) at each input and time before any SGD is run; 95 % of the runs should be in it.",
    "The risk is off its limit by a bias of order 1/N, as large as its spread, so that its band is made of an ensemble of modified",
    "flows. In the last picture all neurons start at a saddle: the linearisation grows without bound, SGD comes to rest on one side or the other,",
    "and the band is refused from the time at which it stops being true.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 200);
  const { signal, backend, workers } = options;
  signal?.throwIfAborted();
  const N = full ? 800 : 200;
  const common = { neurons: N, stepSize: 0.02, batchSize: 4, seed };
  const single = { neurons: 200, stepSize: 0.005, seed };
  const progress = phases(options.onProgress, [3, full ? 20 : 5, 1, full ? 4 : 1, 1]);
  const running = { workers, backend, signal };
  const told = (phase: number, name: string) => ({
    onProgress: ({ fraction }: { fraction: number }) => progress(phase, name, fraction),
  });

  const bands = await bandsOf(regression, {
    ...common,
    ...running,
    x: INPUTS,
    times: TIMES,
    level: LEVEL,
    particles: 1024,
    ensemble: 0,
    ...told(0, "bands of f"),
  });
  const risks = await bandsOf(regression, {
    ...common,
    ...running,
    x: [[0]],
    times: RISK_TIMES,
    level: LEVEL,
    particles: 256,
    ...told(1, "band of the risk"),
  });
  const refused = await bandsOf(saddle, {
    ...single,
    ...running,
    x: SADDLE_INPUT,
    times: SADDLE_TIMES,
    level: LEVEL,
    ensemble: 0,
    ...told(2, "band at the saddle"),
  });
  const times = [...new Set([...TIMES, ...RISK_TIMES])].sort((a, b) => a - b);
  const runs = await ensemble(sgd(regression, common), {
    ...running,
    replicas,
    times,
    observe: { f: predictions(INPUTS), risk: risk() },
    checkpoint: options.checkpoint,
    ...told(3, `SGD, N = ${N}`),
  });
  const stray = await ensemble(sgd(saddle, single), {
    ...running,
    replicas,
    times: SADDLE_TIMES,
    observe: { f: predictions(SADDLE_INPUT) },
    checkpoint: options.checkpoint,
    ...told(4, "SGD at the saddle"),
  });
  return resultOf({ N, replicas, bands, risks, refused, runs, stray });
}

interface Results {
  N: number;
  replicas: number;
  bands: PredictionBands;
  risks: PredictionBands;
  refused: PredictionBands;
  runs: Ensemble;
  stray: Ensemble;
}

function resultOf({ N, replicas, bands, risks, refused, runs, stray }: Results): FigureResult {
  const n = INPUTS.length;
  const at = (t: number) => runs.times.findIndex((time) => Math.abs(time - t) < 1e-9);
  const fOf = (t: number) =>
    runs.observables["f"]!.replicas.map((f) => Array.from(f.subarray(at(t) * n, (at(t) + 1) * n)));
  const riskOf = (t: number) => runs.observables["risk"]!.replicas.map((r) => r[at(t)]!);
  const strayOf = (i: number) => stray.observables["f"]!.replicas.map((f) => f[i]!);
  const share = (values: readonly number[], low: number, high: number) =>
    values.filter((value) => value >= low && value <= high).length / values.length;

  const pointwise = TIMES.map((t, i) =>
    INPUTS.map((_, c) => {
      const band = bands.bands[i];
      return band
        ? share(
            fOf(t).map((f) => f[c]!),
            band.lower[c]!,
            band.upper[c]!,
          )
        : 0;
    }),
  );
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const pooled = mean(pointwise.flat());
  const ofRisk = RISK_TIMES.map((t, i) => share(riskOf(t), risks.risk!.lower[i]!, risks.risk!.upper[i]!));
  const atSaddle = SADDLE_TIMES.map((_, i) => {
    const band = refused.bands[i];
    return band ? share(strayOf(i), band.lower[0]!, band.upper[0]!) : null;
  });
  const held = atSaddle.filter((one) => one !== null);
  const percent = (x: number) => `${say(100 * x)} %`;
  // of a few runs a share is rough
  const error = 3 * Math.sqrt((LEVEL * (1 - LEVEL)) / replicas);
  const { refusedFrom } = refused;

  const findings: Finding[] = [
    {
      expected: `f(x) of SGD is in the band of ${percent(LEVEL)} at ${n} inputs and ${TIMES.length} times, pooled within 3 %`,
      measured: `${percent(pooled)} of ${replicas} runs`,
      met: Math.abs(pooled - LEVEL) <= Math.max(0.03, error),
    },
    {
      expected: "the risk is in its band at each time within 5 %",
      measured: `${percent(Math.min(...ofRisk))} to ${percent(Math.max(...ofRisk))}`,
      met: ofRisk.every((one) => Math.abs(one - LEVEL) <= Math.max(0.05, error)),
    },
    {
      expected: "at the saddle the band holds within 5 % until it is refused",
      measured: `${percent(Math.min(...held))} to ${percent(Math.max(...held))} until t = ${say(refusedFrom ?? Number.NaN)}`,
      met: refusedFrom !== null && held.every((one) => Math.abs(one - LEVEL) <= Math.max(0.05, error)),
    },
  ];

  const panels: BandsPicture["panels"] = [
    ...TIMES.map((t, i) => ({
      title: `f(x) at t = ${t}`,
      x: { label: "input x", scale: "linear" as const },
      y: { label: "prediction f(x)", scale: "linear" as const },
      band: {
        x: INPUTS.map(([x]) => x!),
        y: Array.from(bands.centre.values.subarray(i * n, (i + 1) * n)),
        low: Array.from(bands.bands[i]!.lower),
        high: Array.from(bands.bands[i]!.upper),
      },
      runs: { x: INPUTS.map(([x]) => x!), y: fOf(t) },
      refusedFrom: null,
    })),
    {
      title: "the risk, its band from modified flows",
      x: { label: "time t = kε", scale: "linear" },
      y: { label: "risk R", scale: "linear" },
      band: {
        x: RISK_TIMES,
        y: Array.from(risks.risk!.median),
        low: Array.from(risks.risk!.lower),
        high: Array.from(risks.risk!.upper),
      },
      runs: {
        x: RISK_TIMES,
        y: runs.observables["risk"]!.replicas.map((r) => RISK_TIMES.map((t) => r[at(t)]!)),
      },
      refusedFrom: null,
    },
    {
      title: `f(${say(SADDLE_INPUT[0]![0]!)}) from a saddle`,
      x: { label: "time t = kε", scale: "linear" },
      y: { label: "prediction f(x)", scale: "linear" },
      band: bandUntilRefused(refused),
      runs: { x: SADDLE_TIMES, y: stray.observables["f"]!.replicas.map((f) => Array.from(f)) },
      refusedFrom,
    },
  ];
  const picture: BandsPicture = {
    kind: "bands",
    title: "One run of the mean-field limit tells where runs of SGD will lie",
    subtitle:
      `affine tanh units, 16 examples, N = ${N}, ε = 0.02, batches of 4; ${replicas} runs of SGD; the saddle: softplus units that all start ` +
      `at w = 0, N = 200, ε = 0.005`,
    key: {
      limit: "mean-field limit (risk: median)",
      spread: `band of ${percent(LEVEL)}`,
      runs: "runs of SGD",
      refused: "refused from here on",
    },
    panels,
  };

  return {
    table: {
      columns: [
        { name: "what", digits: 0 },
        { name: "t", digits: 2 },
        { name: "inside", digits: 4 },
        { name: "least", digits: 4 },
        { name: "most", digits: 4 },
      ],
      rows: [
        ...TIMES.map((t, i) => [
          "f(x), over inputs",
          t,
          mean(pointwise[i]!),
          Math.min(...pointwise[i]!),
          Math.max(...pointwise[i]!),
        ]),
        ...RISK_TIMES.map((t, i) => ["risk", t, ofRisk[i]!, ofRisk[i]!, ofRisk[i]!]),
        ...held.map((one, i) => ["f, from the saddle", SADDLE_TIMES[i]!, one, one, one]),
      ],
    },
    pictures: [{ file: "bands.svg", picture }],
    findings,
    warnings: [...new Set([...bands.warnings, ...risks.warnings, ...runs.warnings, ...stray.warnings])],
    data: {
      level: LEVEL,
      replicas,
      neurons: N,
      refusedFrom,
      linearisationError: {
        regression: Array.from(bands.linearisationError),
        saddle: Array.from(refused.linearisationError),
      },
      method: { bands: bands.provenance.method, risk: risks.risk!.method },
      coverage: { pointwise, risk: ofRisk, saddle: atSaddle },
      panels: panels.map(({ title, band, runs: drawn }) => ({ title, band, runs: drawn })),
      provenance: runs.provenance,
    },
  };
}

function bandUntilRefused({ bands, centre, times }: PredictionBands): BandsPicture["panels"][number]["band"] {
  const kept = bands.flatMap((band, i) => (band ? [{ band, i }] : []));
  return {
    x: kept.map(({ i }) => times[i]!),
    y: kept.map(({ i }) => centre.values[i]!),
    low: kept.map(({ band }) => band.lower[0]!),
    high: kept.map(({ band }) => band.upper[0]!),
  };
}
