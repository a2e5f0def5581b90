// The landscape of the energy about a network on a finite law: gradient, Hessian and Jacobian as products, exactly.   theory §11
//
//   E(θ) = Σ_q m_q ℓ(f(x_q; θ), y_q) + Σ_i w_i U(θ_i),   f(x; θ) = c + Σ_i w_i σ*(x; θ_i)
//
// Coordinates are x_i = s_i √w_i θ_i and s c, w_i the weight of a neuron, 1/N where they are equal, and s = 1 unless scales are asked
// for. In them the flow of the library's time is the plain one, x' = −∇E(x), and
//
//   H = ∂²E/∂x² = −√w Dv̄ /√w        the linearised velocity with its sign turned; N ∂²E/∂θ² for equal weights: GD(ε) is stable where ε λ_max < 2
//   J = ∂f/∂x, rows (q, k)           J Jᵀ is the tangent kernel,   df/dt = Σ_q m_q K r_q
//   g_q = ∂ℓ_q/∂x = −J_qᵀ r_q        SGD is x ← x − ε g_q
//
// What is not trained is no coordinate, and neither is a neuron of weight 0.

import { BATCH_SLOTS, BATCH_WEIGHTS } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Precision } from "../engine/memory";
import { type Measure, type Particles, particles } from "../measure/measure";
import { checkNetwork } from "../measure/predictions";
import { copyNetwork, lossKinds, viewNetwork, writeBatch, writeNetwork } from "../model/blocks";
import type { Dataset } from "../model/law";
import { potentialFunctions } from "../model/potential";
import { type Problem, type ProblemInput, parseProblem } from "../model/problem";
import { isTrained, outputsOf } from "../model/unit";
import { massesOf } from "../process/dataNoise";
import { writeDescent } from "../process/descent";
import { linearisation } from "../process/linearised";
import { checkMemory } from "../process/schemaParts";
import type { Operator } from "./operator";
import { fullScales } from "./rescaled";

/** The landscape about one network, in kernel memory until `free`. Arrays are copies. */
export interface Landscape {
  /** p, number of coordinates. */
  readonly size: number;
  /** n examples, K outputs; J has n K rows. */
  readonly examples: number;
  readonly outputs: number;
  /** m_q, [n] */
  readonly masses: Float64Array;
  /** Σ_q m_q ℓ_q, for the squared loss with equal masses ½ mean |y − f|². */
  readonly loss: number;
  /** Σ_i w_i U(θ_i); 0 without confinement. */
  readonly confinement: number;
  /** f, [n, K] */
  readonly predictions: Float64Array;
  /** r = −∂ℓ/∂f, [n, K] */
  readonly residuals: Float64Array;
  /** ∂E/∂x, [p], of loss and confinement. */
  gradient(): Float64Array;
  /** H, of loss and confinement. */
  readonly hessian: Operator;
  /** The Gauss–Newton part of H, Σ_q m_q J_qᵀ ℓ''_q J_q, without confinement. */
  readonly gaussNewton: Operator;
  /**
   * J u, [n, K].
   *
   * @param u  [p]
   */
  jacobian(u: Float64Array): Float64Array;
  /**
   * Jᵀ c, [p].
   *
   * @param c  [n, K]
   */
  jacobianTransposed(c: Float64Array): Float64Array;
  /**
   * The rows of J that belong to one example, [K, p].
   *
   * @param q  its number
   */
  exampleJacobian(q: number): Float64Array;
  /**
   * g_q = ∂ℓ_q/∂x, [p]; the confinement is not in it.
   *
   * @param q  number of the example
   */
  exampleGradient(q: number): Float64Array;
  /**
   * A direction of coordinates as one of all parameters, rows θ and the output bias behind them; 0 where nothing is trained.
   *
   * @param x  [p]
   */
  toParameters(x: Float64Array): Float64Array;
  /** A direction of all parameters as one of coordinates, [p]. */
  fromParameters(theta: Float64Array): Float64Array;
  /**
   * The network that stands at x(θ) + u.
   *
   * @param u  [p]
   */
  moved(u: Float64Array): Particles;
  /** Gives the memory back; products are errors from here on. */
  free(): void;
}

/** Of `landscapeOf`. */
export interface LandscapeOptions {
  /** of the products, f64 unless said otherwise */
  precision?: Precision;
  /**
   * s: the landscape in the coordinates x = s √w θ, as if the parameters were s θ: D numbers for every neuron alike, or all N D, and K more
   * for the output bias
   */
  scales?: ArrayLike<number>;
}

/** See `landscapeOf` in src/landscape/onDemand.ts. */
export function landscape(
  input: ProblemInput,
  measure: Measure,
  engine: Engine,
  options: LandscapeOptions = {},
): Landscape {
  const { precision = "f64", scales } = options;
  if (precision !== "f64" && precision !== "f32") throw new SpecError("precision", precision, '"f64" or "f32"');
  const problem = parseProblem(input);
  const { law, network: points } = landscapeParts(problem, measure);
  const { unit, loss: kind, confinement } = problem;
  const [N, D] = points.shape;
  const [n, d] = law.x.shape as [number, number];
  const K = outputsOf(unit);
  const hasBias = unit.kind === "affine" && unit.outputBias;
  const length = N * D + (hasBias ? K : 0);
  const stretch = fullScales(scales, points, hasBias ? K : 0, "scales");
  const bytes = precision === "f32" ? 4 : 8;
  checkMemory([
    { path: "measure.shape", found: points.shape, bytes: length * (5 * bytes + 40) },
    { path: "problem.law.x", found: law.x.shape, bytes: n * ((3 * bytes + 8) * (d + 2) + 12 * 8 * K) },
  ]);

  // x = stretch √w θ over the places of θ that are coordinates
  const weights = points.weights ?? new Float64Array(N).fill(1 / N);
  const places: number[] = [];
  for (let i = 0; i < N; i++) {
    if (weights[i]! > 0) for (let j = 0; j < D; j++) if (isTrained(unit, j)) places.push(i * D + j);
  }
  for (let k = N * D; k < length; k++) places.push(k);
  const size = places.length;
  const into = new Float64Array(size);
  const back = new Float64Array(size);
  places.forEach((place, j) => {
    const root = place < N * D ? Math.sqrt(weights[Math.floor(place / D)]!) : 1;
    into[j] = 1 / (stretch[place]! * root);
    back[j] = root / stretch[place]!;
  });

  const theta = new Float64Array(length);
  theta.set(points.values);
  if (points.outputBias) theta.set(points.outputBias, N * D);

  const memory = engine.memory();
  try {
    const {
      [`importTheta_${precision}` as const]: importTheta,
      [`exportTheta_${precision}` as const]: exportTheta,
      [`packInputs_${precision}` as const]: packInputs,
      [`velocity_${precision}` as const]: velocity,
      [`backward_${precision}` as const]: backward,
      weigh,
    } = engine.kernels;
    const network = writeNetwork(memory, unit, d, N, precision, points.weights);
    const scratch = memory.put("f64", theta);
    importTheta(network.block, scratch);
    const descent = writeDescent(memory, engine, problem, network, {
      neurons: N,
      source: { kind: "full" },
      seed: 0,
      replica: 0,
    });
    const batch = descent.batch!;
    const linearised = linearisation(memory, engine, problem, network, batch, n);
    const direction = copyNetwork(memory, network);
    const result = copyNetwork(memory, network);
    const masses = massesOf(law);
    const rows = n * K;

    // one example, and all of them with data weights of their own
    const inputs = memory.put("f64", law.x.data);
    const one = writeBatch(memory, network, 1);
    const bent = memory.block(BATCH_SLOTS);
    memory.u8(bent, BATCH_SLOTS * 8).set(memory.u8(batch.block, BATCH_SLOTS * 8));
    const ownWeights = memory.reserve("f64", batch.room * K);
    memory.setInteger(bent, BATCH_WEIGHTS, ownWeights);

    const total = velocity(descent.plan);
    if (!Number.isFinite(total)) {
      throw new SpecError("measure.values", "neurons", "a network whose loss is finite");
    }
    const predictions = memory.f64(batch.predictions, rows).slice();
    // residuals as weights of mass 1
    memory.f64(batch.masses, n).fill(1);
    weigh(batch.block, K, lossKinds[kind], 1);
    const residuals = memory.f64(batch.weights, rows).slice();
    memory.f64(batch.masses, n).set(masses);
    weigh(batch.block, K, lossKinds[kind], 1);

    // the state's numbers at an address, as coordinates
    const take = (address: number, sign: number, out: Float64Array, at = 0): void => {
      exportTheta(viewOf(address), scratch);
      const numbers = memory.f64(scratch, length);
      for (let j = 0; j < size; j++) out[at + j] = sign * back[j]! * numbers[places[j]!]!;
    };
    const views = new Map<number, number>();
    const viewOf = (address: number): number => {
      const known = views.get(address) ?? viewNetwork(memory, network, address).block;
      views.set(address, known);
      return known;
    };
    const give = (u: Float64Array): void => {
      const numbers = memory.f64(scratch, length).fill(0);
      for (let j = 0; j < size; j++) numbers[places[j]!] = into[j]! * u[j]!;
      importTheta(direction.block, scratch);
    };
    let alive = true;
    const check = (values: Float64Array, count: number, path: string): void => {
      if (!alive) throw new SpecError("landscape", "freed", "a landscape that is still in memory");
      if (!(values instanceof Float64Array) || values.length !== count) {
        throw new SpecError(path, values, `a Float64Array of length ${count}`);
      }
    };
    const checkExample = (q: number): void => {
      check(predictions, rows, "predictions");
      if (!Number.isInteger(q) || q < 0 || q >= n)
        throw new SpecError("q", q, `the number of an example, 0 to ${n - 1}`);
    };
    const pullOne = (
      q: number,
      c: ArrayLike<number>,
      from: number,
      sign: number,
      out: Float64Array,
      at: number,
    ): void => {
      packInputs(network.block, one.block, inputs + 8 * d * q, 0, 1);
      const w = memory.f64(one.weights, K);
      for (let k = 0; k < K; k++) w[k] = c[from + k]!;
      backward(network.block, one.block, result.weights);
      take(result.weights, sign, out, at);
    };

    const gradient = new Float64Array(size);
    take(descent.velocity, -1, gradient);

    return {
      size,
      examples: n,
      outputs: K,
      masses: masses.slice(),
      loss: total,
      confinement: confinement === null ? 0 : potentialMean(problem, points, weights),
      predictions,
      residuals,
      gradient: () => gradient.slice(),
      hessian: {
        size,
        apply(v, out) {
          check(v, size, "v");
          check(out, size, "out");
          give(v);
          linearised.derivative(network, direction, result.weights);
          take(result.weights, -1, out);
        },
      },
      gaussNewton: {
        size,
        apply(v, out) {
          check(v, size, "v");
          check(out, size, "out");
          give(v);
          linearised.responses(network, direction);
          linearised.bend();
          memory.f64(ownWeights, rows).set(memory.f64(linearised.tangent.weights, rows));
          backward(network.block, bent, result.weights);
          take(result.weights, -1, out);
        },
      },
      jacobian(u) {
        check(u, size, "u");
        give(u);
        return linearised.responses(network, direction).slice();
      },
      jacobianTransposed(c) {
        check(c, rows, "c");
        memory.f64(ownWeights, rows).set(c);
        backward(network.block, bent, result.weights);
        const out = new Float64Array(size);
        take(result.weights, 1, out);
        return out;
      },
      exampleJacobian(q) {
        checkExample(q);
        const out = new Float64Array(K * size);
        const unitRows = new Float64Array(K * K);
        for (let k = 0; k < K; k++) {
          unitRows[k * K + k] = 1;
          pullOne(q, unitRows, k * K, 1, out, k * size);
        }
        return out;
      },
      exampleGradient(q) {
        checkExample(q);
        const out = new Float64Array(size);
        pullOne(q, residuals, q * K, -1, out, 0);
        return out;
      },
      toParameters(x) {
        check(x, size, "x");
        const out = new Float64Array(length);
        for (let j = 0; j < size; j++) out[places[j]!] = into[j]! * x[j]!;
        return out;
      },
      fromParameters(numbers) {
        check(numbers, length, "theta");
        return Float64Array.from(places, (place, j) => numbers[place]! / into[j]!);
      },
      moved(u) {
        check(u, size, "u");
        const numbers = theta.slice();
        for (let j = 0; j < size; j++) numbers[places[j]!]! += into[j]! * u[j]!;
        return particles({
          coordinates: "theta",
          shape: [N, D],
          values: numbers.slice(0, N * D),
          weights: points.weights,
          outputBias: hasBias ? numbers.slice(N * D) : null,
        });
      },
      free() {
        alive = false;
        memory.free();
      },
    };
  } catch (error) {
    memory.free();
    throw error;
  }
}

/**
 * A problem's finite law, and a measure as its network.
 *
 * @throws {SpecError} where the law is not finite, the measure no network of the problem's units, or U a function of the user's own
 */
export function landscapeParts(problem: Problem, measure: Measure): { law: Dataset; network: Particles } {
  const { law, confinement } = problem;
  if (law.kind !== "dataset") {
    const remedy = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset", a finite law', remedy);
  }
  if (measure?.kind !== "particles" || measure.coordinates !== "theta") {
    const found = measure?.kind === "particles" ? measure.coordinates : measure?.kind;
    throw new SpecError("measure.kind", found, "particles in the parameters θ");
  }
  if (confinement?.kind === "function") {
    const remedy = "separable(tabulate(fn, { from, to, points })) has one.";
    throw new SpecError("problem.confinement", "functions", "a potential whose second derivative is known", remedy);
  }
  checkNetwork(measure, problem);
  return { law, network: measure };
}

// Σ_i w_i U(θ_i)
function potentialMean({ confinement }: Problem, points: Particles, weights: Float64Array): number {
  const { value } = potentialFunctions(confinement);
  const [N, D] = points.shape;
  let sum = 0;
  for (let i = 0; i < N; i++) sum += weights[i]! * value(points.values.subarray(i * D, (i + 1) * D));
  return sum;
}
