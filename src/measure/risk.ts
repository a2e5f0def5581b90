// The risk of any measure: R(ρ) = E|y − f(x; ρ)|², or E ℓ for the other losses.                           theory §1, §13
//
//   measure            law                        method
//   network            Gaussian parts, teacher    series   (Mehler; exact up to a bound that is checked)
//   network            finite                     exact    (a sum over the atoms)
//   radial law         anisotropic Gaussians      series   (the low-rank operator)
//   either             any finite dimension       sample   (fresh examples, with a standard error), when asked for, and for
//                                                          losses that have no series

import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { finish } from "../engine/pause";
import { labelRows, lossOf } from "../model/labels";
import { gaussianComponents, type Teacher, teacherNetwork } from "../model/law";
import { gaussianMixtureWork, type NeuronGroup } from "../model/mehler";
import type { Problem } from "../model/problem";
import { radialOperator } from "../model/radial";
import { tensor, toF64 } from "../model/tensor";
import { outputsOf, type Unit } from "../model/unit";
import type { Work } from "./cells";
import { asParticles, type Measure, type Particles } from "./measure";
import { checkNetwork, predictionsOf } from "./predictions";
import { reducedPoints } from "./radialPredictions";
import { meanOf, testSample } from "./testSample";

/** A risk and how it was found. */
export interface Risk {
  value: number;
  /** Standard error, where it was sampled; null where it is exact. */
  standardError: number | null;
  method: "series" | "exact" | "sample";
}

/** How a risk is asked for. */
export interface RiskOptions {
  method: "auto" | "series" | "sample";
  /** examples of a sample */
  points: number;
  /** seed of a sample */
  seed: number;
  /** Hermite degree of a radial measure's series; the operator's own choice if null */
  degree: number | null;
}

/** Mehler's series costs N² pairs; beyond this many neurons a sample is taken unless the series is asked for. */
const MOST_SERIES_NEURONS = 20000;

/**
 * The risk of a measure.
 *
 * @throws {SpecError} where the series was asked for and the law has none
 */
export function riskOf(measure: Measure, problem: Problem, engine: Engine, options: RiskOptions): Risk {
  return finish(riskWork(measure, problem, engine, options));
}

/** The same, to the same bits, in pieces where it is a sum over pairs of neurons. */
export function* riskWork(measure: Measure, problem: Problem, engine: Engine, options: RiskOptions): Work<Risk> {
  const { law, unit, loss } = problem;
  const { method } = options;
  if (measure.coordinates === "radial") {
    if (method === "sample") return sampledRisk(measure, problem, engine, options);
    if (law.kind !== "anisotropicGaussians") {
      throw new SpecError("problem.law.kind", law.kind, '"anisotropicGaussians", whose measures are radial');
    }
    const operator = radialOperator(law, unit, { degree: options.degree });
    const { values, weights, count } = reducedPoints(measure, problem);
    const features = new Float64Array(count * operator.stride);
    const moments = new Float64Array(operator.rank);
    operator.evaluate(values, count, features);
    operator.moments(values, features, weights, count, moments);
    return { value: operator.risk(moments), standardError: null, method: "series" };
  }
  if (law.kind === "none") return { value: 0, standardError: null, method: "exact" };
  const points = asParticles(measure);
  checkNetwork(points, problem);
  if (law.kind === "dataset") {
    if (method === "series") throw new SpecError("risk.method", method, '"auto" or "sample", as the law is finite');
    if (method === "auto") {
      const n = law.x.shape[0]!;
      const losses = lossesAt(points, problem, engine, law.x.data, labelRows(law.y.data, n, outputsOf(unit), loss), n);
      let risk = 0;
      for (let q = 0; q < n; q++) risk += (law.weights ? law.weights.data[q]! : 1 / n) * losses[q]!;
      return { value: risk, standardError: null, method: "exact" };
    }
    return sampledRisk(measure, problem, engine, options);
  }
  if (loss !== "squared") {
    if (method === "series") {
      throw new SpecError("risk.method", method, `"auto" or "sample", as the loss is "${loss}"`);
    }
    return sampledRisk(measure, problem, engine, options);
  }
  if (method === "sample" || (method === "auto" && points.shape[0] > MOST_SERIES_NEURONS)) {
    return sampledRisk(measure, problem, engine, options);
  }
  const network = networkGroup(points, unit);
  const bias = points.outputBias?.[0] ?? 0;
  if (law.kind === "teacher") {
    const groups = [network, teacherGroup(law)];
    const { risk } = yield* gaussianMixtureWork(groups, [standardGaussian(law.dimension, -bias)]);
    return { value: risk + law.noise * law.noise, standardError: null, method: "series" };
  }
  const components = gaussianComponents(law).map((one) => ({ ...one, label: one.label - bias }));
  const { risk } = yield* gaussianMixtureWork([network], components);
  return { value: risk, standardError: null, method: "series" };
}

// |y − f|² for the squared loss, ℓ for the others
function lossesAt(
  measure: Measure,
  problem: Problem,
  engine: Engine,
  x: Float64Array,
  labels: Float64Array,
  n: number,
): Float64Array {
  const { unit, loss } = problem;
  const K = outputsOf(unit);
  const inputs = toF64(tensor(x, [n, x.length / n]));
  const f = predictionsOf(measure, problem, engine, inputs).values;
  const factor = loss === "squared" ? 2 : 1;
  return Float64Array.from({ length: n }, (_, q) => factor * lossOf(loss, f, labels, K, q * K));
}

function networkGroup(measure: Particles, unit: Unit): NeuronGroup {
  const [n, D] = measure.shape;
  const { activation } = unit;
  const share = (i: number) => measure.weights?.[i] ?? 1 / n;
  if (unit.kind === "ridge") {
    return {
      activation,
      amplitudes: Float64Array.from({ length: n }, (_, i) => share(i)),
      biases: null,
      weights: measure.values,
    };
  }
  const weights = new Float64Array(n * (D - 2));
  const amplitudes = new Float64Array(n);
  const biases = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    amplitudes[i] = share(i) * measure.values[i * D]!;
    biases[i] = measure.values[i * D + 1]!;
    weights.set(measure.values.subarray(i * D + 2, (i + 1) * D), i * (D - 2));
  }
  return { activation, amplitudes, biases, weights };
}

// y − f = −(f − f*) + noise: the teacher's neurons join the network's with the opposite sign, and the label is 0.
function teacherGroup(law: Teacher): NeuronGroup {
  const { a, w } = teacherNetwork(law);
  return { activation: law.activation, amplitudes: a.map((x) => -x / law.neurons), biases: null, weights: w };
}

function standardGaussian(dimension: number, label: number) {
  return { weight: 1, label, mean: null, diagonal: new Float64Array(dimension).fill(1), factor: null };
}

function sampledRisk(measure: Measure, problem: Problem, engine: Engine, options: RiskOptions): Risk {
  const { x, labels } = testSample(problem, engine, options);
  return { ...meanOf(lossesAt(measure, problem, engine, x, labels, options.points)), method: "sample" };
}
