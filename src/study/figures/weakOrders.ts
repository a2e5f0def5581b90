// Weak orders: E φ of the gradient flow, of the stochastic modified flow and of the modified equation against SGD.      theory §8

import type { ComparedFlow, WeakErrors } from "../objective/weakErrors";
import { weakErrors } from "../onDemand";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import {
  errorRows,
  flowName,
  orderFinding,
  REGRESSION,
  regression,
  smallNetwork,
  studyData,
  weakCurve,
} from "./weakStudies";

/** The network's are smaller: at 0.2 the next power of η has turned the sign of one of its errors. */
const STEP_SIZES = { regression: [0.2, 0.1, 0.05, 0.025], network: [0.1, 0.05, 0.025, 0.0125] };
/** Of the network's start. */
const NETWORK_SEED = 3;
const FLOWS: ComparedFlow[] = [
  { method: "gradientFlow", order: 1 },
  { method: "smf", order: 1 },
  { method: "smf", order: 2 },
  { method: "sme", order: 2 },
];

/** Weak errors of one point against the step size, of a logistic regression and of a network. */
export const weakOrders: Figure = {
  name: "weak-orders",
  title: "Weak orders of the flows in place of SGD",
  claim: [
    "E φ(X_T) − E φ(x_{T/η}) against the step size η for φ = L: a flow of −∇L has weak order 1, with the gradient noise or without.",
    "With the drift −∇(L + (η/4)|∇L|²) and the noise √η Σ^{1/2} the order is 2, whether one Wiener process drives the flow (SME) or one",
    "of each term (SMF): at one point the two have the same law. A logistic regression of five examples in the plane, and a network of",
    "two neurons, whose L is N times its energy.",
    "A control variate takes the sample's variance away, so that a few hundred paths tell errors of 10⁻⁵ from 0.",
  ].join(" "),
  run,
};

interface Study {
  name: string;
  title: string;
  found: WeakErrors;
}

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 160);
  const { signal } = options;
  signal?.throwIfAborted();
  const network = smallNetwork();
  const progress = phases(options.onProgress, [1, 12]);
  const common = { time: 1, methods: FLOWS, replicas: full ? 8 * replicas : replicas, seed, signal };
  const studies: Study[] = [];
  for (const [k, one] of [
    { name: "regression" as const, title: "Logistic regression, p = 2", objective: regression(), start: [1, -1] },
    {
      name: "network" as const,
      title: "Network, N = 2, p = 6",
      objective: network,
      start: network.start({ seed: NETWORK_SEED }),
    },
  ].entries()) {
    const { name, title, objective, start } = one;
    const sizes = STEP_SIZES[name];
    const asked = {
      ...common,
      stepSizes: full ? [...sizes, sizes[sizes.length - 1]! / 2] : sizes,
      starts: [start],
      onProgress: ({ fraction }: { fraction: number }) => progress(k, name, fraction),
    };
    const found = await weakErrors(objective, asked);
    studies.push({ name, title, found });
  }

  const findings: Finding[] = studies.flatMap(({ name, found }) => {
    const [flow, equation] = [found.methods[2]!, found.methods[3]!];
    const apart = flow.means.map((mean, e) => {
      const other = equation.means[e]!;
      const { standardError: a } = mean;
      const { standardError: b } = other;
      return Math.abs(mean.mean - other.mean) / Math.sqrt(a * a + b * b);
    });
    const sure = flow.errors.map(({ value, standardError }) => Math.abs(value) / standardError);
    return [
      orderFinding(name, found, ({ method, order }) => (method === "gradientFlow" ? 1 : order!)),
      {
        expected: `${name}: SMF and SME of order 2 have the same E φ, within 4.5 standard errors of their difference`,
        measured: apart.map(say).join(", "),
        met: apart.every((far) => far < 4.5),
      },
      {
        expected: `${name}: each error of SMF of order 2 is told from 0 by 15 standard errors`,
        measured: sure.map(say).join(", "),
        met: sure.every((far) => far > 15),
      },
    ];
  });

  const picture: RatePicture = {
    kind: "rate",
    title: "Weak errors of the flows in place of SGD: orders 1 and 2",
    subtitle:
      `E φ at T = 1 from one point, φ = L, batches of one; ${common.replicas} paths of each with a martingale control variate; ` +
      "orders as η falls to 0, with 95 % intervals; of order 2, SMF and SME coincide",
    key: { network: "|E φ(flow) − E φ(SGD)|", spread: "± standard error", limit: "power law of its order" },
    panels: studies.map(({ title, found }) => ({
      title,
      x: { label: "step size η" },
      y: { label: "weak error" },
      curves: found.methods.map((method, i) => weakCurve(method, found.stepSizes, i)),
      references: [],
    })),
  };

  return {
    table: {
      columns: [
        { name: "objective", digits: 0 },
        { name: "η", digits: 4 },
        { name: "E φ SGD", digits: 7 },
        ...studies[0]!.found.methods.flatMap(({ flow }) => [
          { name: flowName(flow), digits: 9 },
          { name: "±", digits: 9 },
        ]),
      ],
      rows: studies.flatMap(({ name, found }) => errorRows(name, found)),
    },
    pictures: [{ file: "orders.svg", picture }],
    findings,
    warnings: studies.flatMap(({ found }) => found.warnings),
    data: {
      seed,
      replicas: common.replicas,
      regression: { ...REGRESSION, start: [1, -1] },
      network: { neurons: network.neurons, start: Array.from(network.start({ seed: NETWORK_SEED })) },
      studies: studies.map(({ name, found }) => ({ name, ...studyData(found) })),
    },
  };
}
