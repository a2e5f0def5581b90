// Two points under one noise: the modified flow keeps the correlations of SGD to order 2, the modified equation to order 1. theory §8

import { exp } from "../../engine/math";
import { linearObjective } from "../../model/linearObjective";
import { linearMoments } from "../objective/linearMoments";
import type { ComparedFlow } from "../objective/weakErrors";
import { weakErrors } from "../onDemand";
import { type Figure, type FigureOptions, type FigureResult, type Finding, phases, readOptions, say } from "./figure";
import type { RatePicture } from "./picture";
import { errorRows, flowName, orderFinding, PHASES, phaseRetrieval, studyData, weakCurve } from "./weakStudies";

const FLOWS: ComparedFlow[] = [
  { method: "smf", order: 2 },
  { method: "sme", order: 2 },
];
/** Where phase retrieval starts; its second point is the opposite. */
const START = [0.9, 0.6];
/** a of the sign noise X ← X − η (1 + aθ) X, θ = ±1. */
const SIGN = 2;
const STEP_SIZES = [0.1, 0.05, 0.025, 0.0125];
/** Of the sign noise, where nothing is left to chance. */
const SIGN_STEP_SIZES = [0.05, 0.025, 0.0125, 0.00625];
const SIGN_TIME_STEPS = 8;

/** Weak errors of one point and of two, of the stochastic modified flow and of the modified equation. */
export const twoPointFailure: Figure = {
  name: "two-point-failure",
  title: "Two points: the modified flow is of order 2, the modified equation of order 1",
  claim: [
    "SGD moves all points by the same draws. The stochastic modified flow has a Brownian motion for each term and the cross-covariance of",
    "SGD, A(x, y) = Σ_q m_q G_q(x) ⊗ G_q(y); the modified equation has one in R^p, and Σ(x)^{1/2} Σ(y)^{1/2} in its place. Both",
    "have order 2 at one point, and only the first at two. Where terms are even, SGD and the flow keep opposite points opposite, and the",
    "equation pushes both to the same side. Phase retrieval in the plane from x and −x, E x₁ y₁, and the sign noise on a line, where",
    "E X Y of all three is known in closed form.",
  ].join(" "),
  run,
};

async function run(options: FigureOptions = {}): Promise<FigureResult> {
  const { full, seed, replicas } = readOptions(options, 160);
  const { signal } = options;
  signal?.throwIfAborted();
  const progress = phases(options.onProgress, [2, 5, 1]);
  const paths = full ? 8 * replicas : replicas;
  const common = { time: 1, methods: FLOWS, seed, signal };
  const objective = phaseRetrieval();
  const stepSizes = full ? [...STEP_SIZES, 0.00625] : STEP_SIZES;
  const opposite = START.map((x) => -x);
  const one = await weakErrors(objective, {
    ...common,
    stepSizes,
    starts: [START],
    statistic: ([x]) => x![0]! * x![0]!,
    replicas: paths,
    onProgress: ({ fraction }) => progress(0, "one point", fraction),
  });
  const two = await weakErrors(objective, {
    ...common,
    stepSizes,
    starts: [START, opposite],
    statistic: ([x, y]) => x![0]! * y![0]!,
    replicas: paths,
    onProgress: ({ fraction }) => progress(1, "two points", fraction),
  });
  // a product of two linear chains: polynomials of degree 2 are exact, and a few paths are as good as all
  const problem = { matrices: [[[1 + SIGN]], [[1 - SIGN]]] };
  const sign = await weakErrors(linearObjective(problem), {
    ...common,
    stepSizes: SIGN_STEP_SIZES,
    starts: [[1], [-1]],
    statistic: ([x, y]) => x![0]! * y![0]!,
    replicas: 32,
    degree: 2,
    timeSteps: SIGN_TIME_STEPS,
    onProgress: ({ fraction }) => progress(2, "sign noise", fraction),
  });
  const exact = SIGN_STEP_SIZES.map((eta) => {
    const moment = (method: "sgd" | "smf") => {
      const order = method === "smf" ? { order: 2 as const } : {};
      return linearMoments(problem, { method, ...order, stepSize: eta, times: [1], starts: [[1], [-1]] }).products[1]!;
    };
    const sgd = moment("sgd");
    // Σ^{1/2} = a|x|, and |X||Y| = −XY
    return { eta, sgd, smf: moment("smf") - sgd, sme: -exp(-2 - eta - eta * SIGN * SIGN) - sgd };
  });

  const order = ({ method }: ComparedFlow) => (method === "smf" ? 2 : 1);
  const last = stepSizes.length - 1;
  const ratio = Math.abs(two.methods[1]!.errors[last]!.value / two.methods[0]!.errors[last]!.value);
  const off = (flow: 0 | 1, name: "smf" | "sme") =>
    Math.max(...exact.map((row, e) => Math.abs(sign.methods[flow]!.errors[e]!.value / row[name] - 1)));
  const findings: Finding[] = [
    orderFinding("one point", one, () => 2),
    orderFinding("two points", two, order),
    orderFinding("sign noise", sign, order),
    {
      expected: `two points: at η = ${stepSizes[last]} the equation's error is more than 100 times the flow's`,
      measured: `${say(ratio)} times`,
      met: ratio > 100,
    },
    {
      expected: "sign noise: E X Y of SGD is −((1 − η)² + η²a²)^{1/η} to 10⁻⁹",
      measured: `off by ${say(Math.max(...exact.map(({ sgd }, e) => Math.abs(sign.sgd[e]!.mean - sgd))))} at most`,
      met: exact.every(({ sgd }, e) => Math.abs(sign.sgd[e]!.mean - sgd) < 1e-9),
    },
    {
      expected: `sign noise: the errors are those of the closed forms, within 1 per cent, what steps h = η/${SIGN_TIME_STEPS} leave`,
      measured: `${say(off(0, "smf"))} (SMF), ${say(off(1, "sme"))} (SME)`,
      met: off(0, "smf") < 0.01 && off(1, "sme") < 0.01,
    },
  ];

  const picture: RatePicture = {
    kind: "rate",
    title: "Two points under one noise: SMF keeps order 2, SME falls to order 1",
    subtitle:
      `flows of order 2, T = 1, batches of one; phase retrieval from x = (${START.join(", ")}) and −x, ${paths} paths of each with a ` +
      "martingale control variate; sign noise X ← X − η(1 + 2θ)X from 1 and −1; orders as η falls to 0, with 95 % intervals",
    key: {
      network: "|E φ(flow) − E φ(SGD)|",
      spread: "± standard error",
      limit: "power law of its order",
      reference: "closed forms of the sign noise",
    },
    panels: [
      {
        title: "One point",
        x: { label: "step size η" },
        y: { label: "weak error of E x₁²" },
        curves: one.methods.map((method, i) => weakCurve(method, one.stepSizes, i)),
        references: [],
      },
      {
        title: "Two points",
        x: { label: "step size η" },
        y: { label: "weak error of E x₁ y₁" },
        curves: [
          ...two.methods.map((method, i) => weakCurve(method, two.stepSizes, i)),
          ...sign.methods.map((method, i) =>
            weakCurve(method, sign.stepSizes, i + 2, `${method.flow.method.toUpperCase()}, sign noise`),
          ),
        ],
        references: (["smf", "sme"] as const).map((name) => ({
          label: "",
          x: exact.map(({ eta }) => eta),
          y: exact.map((row) => Math.abs(row[name])),
        })),
      },
    ],
  };

  return {
    table: {
      columns: [
        { name: "statistic", digits: 0 },
        { name: "η", digits: 5 },
        { name: "E φ SGD", digits: 9 },
        ...one.methods.flatMap(({ flow }) => [
          { name: flowName(flow), digits: 9 },
          { name: "±", digits: 9 },
        ]),
      ],
      rows: [...errorRows("one point", one), ...errorRows("two points", two), ...errorRows("sign noise", sign)],
    },
    pictures: [{ file: "errors.svg", picture }],
    findings,
    warnings: [...one.warnings, ...two.warnings, ...sign.warnings],
    data: {
      seed,
      replicas: paths,
      phaseRetrieval: { ...PHASES, starts: [START, opposite] },
      signNoise: { a: SIGN, exact },
      onePoint: studyData(one),
      twoPoints: studyData(two),
      sign: studyData(sign),
    },
  };
}
