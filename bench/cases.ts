// The benchmark's cases. Each is timed in a process of its own precision, because V8 compiles a function for the types it
// has seen; the candidates of a case take turns, so that a slow minute of the machine falls on all of them alike.

import { randomNormal } from "d3-random";
import { loadEngine } from "../src/engine/engine";
import type { Backend } from "../src/engine/kernels";
import { tanh as tanhOf } from "../src/engine/math";
import {
  type Activation,
  affine,
  anisotropicGaussians,
  dataset,
  gaussian,
  gram,
  modifiedFlow,
  noExamples,
  ntk,
  open,
  parseProblem,
  particleMeasure,
  piecewiseLinear,
  rbf,
  relu,
  ridge,
  type Simulation,
  sgd,
  stream,
  tangentGram,
  tanh,
  tensor,
} from "../src/index";
import { copyNetwork, writeBatch, writeNetwork, writeTangent } from "../src/model/blocks";
import { startParticles } from "../src/model/particles";
import { writeDescent } from "../src/process/descent";
import { plainNtk, plainRbf, plainTangent } from "./plainMatrices";
import { type PlainProblem, plainVariants } from "./plainSgd";

/** One contender of a case: runs `units` units of work once. */
export interface Contender {
  name: string;
  units: number;
  run(): void | Promise<void>;
}

/** A case: what is timed, in which unit, and who takes part. */
export interface Case {
  name: string;
  /** What one unit of work is. */
  unit: string;
  contenders: Contender[];
}

type Precision = "f32" | "f64";

/** Builds that run here. */
async function builds(): Promise<Backend[]> {
  const out: Backend[] = [];
  for (const backend of ["js", "simd", "relaxed"] as const) {
    try {
      await loadEngine({ backend });
      out.push(backend);
    } catch {
      // a build that cannot run here is left out of the table
    }
  }
  return out;
}

async function sgdCase(precision: Precision, dimension: number, unit: PlainProblem["unit"]): Promise<Case> {
  const neurons = 800;
  const delta = dimension === 40 ? 0.8 : 0.5;
  const stepSize = 1e-6;
  const problem = {
    law: anisotropicGaussians({ dimension, signal: dimension, delta }),
    unit: ridge(
      unit === "tanh"
        ? tanh()
        : piecewiseLinear([
            [0.5, -2.5],
            [1.5, 7.5],
          ]),
    ),
    start: gaussian({ radius: 0.8 }),
  };
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const simulation: Simulation = await open(sgd(problem, { neurons, stepSize, seed: 1, precision }), { backend });
    const units = backend === "js" ? 256 : 4096;
    contenders.push({
      name: backend,
      units,
      run: () => simulation.advance((simulation.step + units) * stepSize),
    });
  }
  const steps = 256;
  const make = (values: Float64Array) => (precision === "f32" ? Float32Array.from(values) : values);
  const labels = Float64Array.from({ length: steps }, (_, k) => (k % 2 === 0 ? 1 : -1));
  const inputs = stream(1)
    .normals(steps * dimension)
    .map((g, at) => g * (1 + labels[Math.floor(at / dimension)]! * delta));
  const plain: PlainProblem = {
    neurons,
    dimension,
    stepSize,
    unit,
    weights: make(
      stream(2)
        .normals(neurons * dimension)
        .map((g) => (g * 0.8) / Math.sqrt(dimension)),
    ),
    inputs: make(inputs),
    labels: make(labels),
  };
  for (const [name, variant] of Object.entries(plainVariants(tanhOf, precision))) {
    contenders.push({ name: `plain: ${name}`, units: steps, run: () => variant(plain) });
  }
  const what = unit === "tanh" ? "tanh" : "figure 1's unit";
  return { name: `SGD step, N = 800, d = ${dimension}, ${what}, ${precision}`, unit: "step", contenders };
}

async function normalsCase(precision: Precision): Promise<Case> {
  const n = 1 << 16;
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const engine = await loadEngine({ backend });
    const memory = engine.memory();
    const at = memory.reserve(precision, n);
    const kernel = engine.kernels[`normals_${precision}`];
    let step = 0;
    contenders.push({ name: backend, units: n, run: () => kernel(at, n, 1, 0, 0, 0, step++, 0, 0) });
  }
  const draw = randomNormal();
  const out = precision === "f32" ? new Float32Array(n) : new Float64Array(n);
  contenders.push({
    name: "d3-random",
    units: n,
    run() {
      for (let i = 0; i < n; i++) out[i] = draw();
    },
  });
  return { name: `normals, ${precision}`, unit: "normal", contenders };
}

// One stage on 256 × 256 cells, a smooth bump under a smooth potential, as the radial flow has them.
async function stencilCase(precision: Precision): Promise<Case> {
  const n = 256;
  const size = precision === "f32" ? 4 : 8;
  const stride = n * size + 32;
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const engine = await loadEngine({ backend });
    const memory = engine.memory();
    const grid = () => memory.allocate(n * stride + 32);
    const [u, psi, out, scratch] = [grid(), grid(), grid(), memory.allocate(6 * (stride + 32))] as const;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const at = (i * stride + 16) / size + j;
        const [x, y] = [(i + 0.5) / n, (j + 0.5) / n];
        memory.view(precision, u, (n * stride) / size)[at] =
          1 / (1 + 40 * ((x - 0.4) * (x - 0.4) + (y - 0.6) * (y - 0.6)));
        memory.view(precision, psi, (n * stride) / size)[at] = x * x * (1 - y) + 0.5 * y * y - 0.3 * x;
      }
    }
    const kernel = engine.kernels[`stencil_${precision}`];
    const units = 20;
    contenders.push({
      name: backend,
      units,
      run() {
        for (let k = 0; k < units; k++) kernel(u, u, psi, out, n, n, stride, 20, 20, 0, 1, scratch);
      },
    });
  }
  return { name: `2-D stencil, one MUSCL stage, 256 × 256, ${precision}`, unit: "stage", contenders };
}

// Forward, data weights and backward over a whole finite law: a step of GD, or one evaluation of the gradient flow.
async function gradientCase(
  precision: Precision,
  shape: { neurons: number; dimension: number; examples: number; outputs: number },
  activation: Activation,
): Promise<Case> {
  const { neurons, dimension, examples, outputs } = shape;
  const g = stream(3).normals(examples * dimension);
  const problem = parseProblem({
    law: dataset({
      x: tensor(g, [examples, dimension]),
      y: Array.from({ length: examples }, (_, q) => (outputs > 1 ? q % outputs : g[q * dimension]!)),
    }),
    unit: affine(activation, { outputs, outputBias: outputs > 1 }),
    loss: outputs > 1 ? "crossEntropy" : "squared",
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
  });
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const engine = await loadEngine({ backend });
    const memory = engine.memory();
    const network = writeNetwork(memory, problem.unit, dimension, neurons, precision);
    const theta = memory.reserve("f64", network.length);
    memory.f64(theta, network.length).set(startParticles(problem, neurons, { seed: 1, replica: 0 }));
    engine.kernels[`importTheta_${precision}`](network.block, theta);
    const source = { kind: "full" } as const;
    const { plan } = writeDescent(memory, engine, problem, network, { neurons, source, seed: 1, replica: 0 });
    const velocity = engine.kernels[`velocity_${precision}`];
    contenders.push({ name: backend, units: 1, run: () => void velocity(plan) });
  }
  const what = outputs > 1 ? `softmax, K = ${outputs}` : "squared loss, K = 1";
  return {
    name: `forward + backward, N = ${neurons}, d = ${dimension}, n = ${examples}, ${what}, affine ${activation.kind}, ${precision}`,
    unit: "gradient",
    contenders,
  };
}

// The linearised sweeps along one direction: what second order, the fluctuations and a Hessian–vector product cost each time.
async function tangentCase(precision: Precision): Promise<Case> {
  const { neurons, dimension, examples } = { neurons: 2000, dimension: 20, examples: 500 };
  const unit = affine(tanh());
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const engine = await loadEngine({ backend });
    const memory = engine.memory();
    const network = writeNetwork(memory, unit, dimension, neurons, precision);
    const direction = copyNetwork(memory, network);
    const result = copyNetwork(memory, network);
    const batch = writeBatch(memory, network, examples);
    const tangent = writeTangent(memory, network, batch);
    const numbers = (step: number, n: number) => stream(4).normals(n, { step });
    const scale = 1 / Math.sqrt(dimension);
    for (const [step, { block }] of [network, direction].entries()) {
      const theta = numbers(step, network.length).map((x, i) => (i % (dimension + 2) < 2 ? x : scale * x));
      engine.kernels[`importTheta_${precision}`](block, memory.put("f64", theta));
    }
    const inputs = memory.put("f64", numbers(2, examples * dimension));
    engine.kernels[`packInputs_${precision}`](network.block, batch.block, inputs, 0, examples);
    memory.f64(batch.weights, examples).set(numbers(3, examples));
    const forward = engine.kernels[`tangentForward_${precision}`];
    const backward = engine.kernels[`tangentBackward_${precision}`];
    contenders.push({
      name: backend,
      units: 1,
      run() {
        forward(network.block, direction.block, batch.block, tangent.weights);
        backward(network.block, direction.block, batch.block, tangent.weights, result.weights);
      },
    });
  }
  return {
    name: `tangent forward + backward, N = ${neurons}, d = ${dimension}, n = ${examples}, affine tanh, ${precision}`,
    unit: "direction",
    contenders,
  };
}

// Steps of the stochastic mean-field equation by superposition: data weights with noise, one forward and one backward.
async function modifiedFlowCase(precision: Precision, neurons: number, examples: number): Promise<Case> {
  const dimension = 20;
  const timeStep = 1e-4;
  const g = stream(3).normals(examples * dimension);
  const problem = parseProblem({
    law: dataset({
      x: tensor(g, [examples, dimension]),
      y: Array.from({ length: examples }, (_, q) => g[q * dimension]!),
    }),
    unit: affine(tanh()),
    start: gaussian({ radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } }),
  });
  const process = modifiedFlow(problem, { neurons, stepSize: timeStep, precision, seed: 1 });
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const simulation: Simulation = await open(process, { backend });
    const units = Math.max(1, Math.round(((backend === "js" ? 1 : 8) * 1e6) / (neurons * examples)));
    contenders.push({ name: backend, units, run: () => simulation.advance((simulation.step + units) * timeStep) });
  }
  return {
    name: `SMFE step, N = ${neurons}, Q = ${examples}, d = ${dimension}, affine tanh, ${precision}`,
    unit: "step",
    contenders,
  };
}

// The whole of `gram` with an array of the caller's: inputs transformed, tiles, copies.
async function gramCase(precision: Precision, which: "rbf" | "ntk"): Promise<Case> {
  const [n, d] = [2000, 50];
  const g = stream(5).normals(n * d);
  const x = tensor(g, [n, d]);
  const kind = precision === "f32" ? Float32Array : Float64Array;
  const lengthScale = Math.sqrt(d);
  const kernel = which === "rbf" ? rbf(lengthScale) : ntk(relu());
  const plain = { x: kind.from(g), n, d, out: new kind(n * n) };
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const options = { precision, backend, out: new kind(n * n) };
    contenders.push({ name: backend, units: 1, run: async () => void (await gram(kernel, x, null, options as never)) });
  }
  const variants = which === "rbf" ? plainRbf(lengthScale, precision) : plainNtk(d, precision);
  for (const [name, variant] of Object.entries(variants)) {
    contenders.push({ name: `plain: ${name}`, units: 1, run: () => variant(plain) });
  }
  const what = which === "rbf" ? "rbf" : "NTK of relu";
  return { name: `kernel matrix, ${what}, n = ${n}, d = ${d}, ${precision}`, unit: "matrix", contenders };
}

async function tangentGramCase(precision: Precision): Promise<Case> {
  const [n, d, neurons] = [1000, 50, 1000];
  const g = stream(6).normals(n * d);
  const theta = stream(7)
    .normals(neurons * (d + 2))
    .map((t, at) => (at % (d + 2) < 2 ? t : t / Math.sqrt(d)));
  const x = tensor(g, [n, d]);
  const kind = precision === "f32" ? Float32Array : Float64Array;
  const problem = parseProblem({ law: noExamples(d), unit: affine(tanh()), start: gaussian({ radius: 1 }) });
  const network = particleMeasure({ coordinates: "theta", shape: [neurons, d + 2], values: theta });
  const contenders: Contender[] = [];
  for (const backend of await builds()) {
    const options = { precision, backend, out: new kind(n * n) };
    const run = async () => void (await tangentGram(problem, network, x, null, options as never));
    contenders.push({ name: backend, units: 1, run });
  }
  const plain = { x: kind.from(g), n, d, out: new kind(n * n), theta: kind.from(theta), neurons };
  for (const [name, variant] of Object.entries(plainTangent(precision))) {
    contenders.push({ name: `plain: ${name}`, units: 1, run: () => variant(plain) });
  }
  const name = `matrix of the tangent kernel, n = ${n}, N = ${neurons}, d = ${d}, affine tanh, ${precision}`;
  return { name, unit: "matrix", contenders };
}

/** The cases of a precision. */
export async function cases(precision: Precision): Promise<Case[]> {
  return [
    await sgdCase(precision, 40, "piecewiseLinear"),
    await sgdCase(precision, 320, "piecewiseLinear"),
    await sgdCase(precision, 40, "tanh"),
    await sgdCase(precision, 320, "tanh"),
    await gradientCase(precision, { neurons: 4096, dimension: 2, examples: 600, outputs: 5 }, relu()),
    await gradientCase(precision, { neurons: 4096, dimension: 2, examples: 600, outputs: 5 }, tanh()),
    await gradientCase(precision, { neurons: 800, dimension: 40, examples: 1000, outputs: 1 }, tanh()),
    await tangentCase(precision),
    // a quarter of the neurons, and a quarter of the examples: the cost is linear in both
    await modifiedFlowCase(precision, 2000, 500),
    await modifiedFlowCase(precision, 500, 500),
    await modifiedFlowCase(precision, 2000, 125),
    await gramCase(precision, "rbf"),
    await gramCase(precision, "ntk"),
    await tangentGramCase(precision),
    await normalsCase(precision),
    await stencilCase(precision),
  ];
}
