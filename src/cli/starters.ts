// `meanfield new`: specifications to begin with, each of which runs in some seconds and has what its kind needs.

import { isRecord } from "../model/spec";
import { options } from "./commands";
import { parseOptions } from "./options";
import { type Terminal, UsageError } from "./terminal";
import { voiceOf } from "./voice";

/** A specification to begin with. */
export interface Starter {
  /** What it is, in a sentence. */
  about: string;
  /** The command that runs it, of the file spec.json. */
  command: string;
  spec: Record<string, unknown>;
}

const gaussians = {
  law: { kind: "anisotropicGaussians", dimension: 40, delta: 0.8 },
  unit: {
    kind: "ridge",
    activation: {
      kind: "piecewiseLinear",
      knots: [
        [0.5, -2.5],
        [1.5, 7.5],
      ],
    },
  },
  start: { kind: "gaussian", radius: 0.8 },
};

const points = {
  law: {
    kind: "dataset",
    x: [
      [-1.5, 0.2],
      [-1, -0.7],
      [-0.4, 1.1],
      [-0.2, -1.4],
      [0.3, 0.5],
      [0.6, -0.3],
      [1.1, 1.2],
      [1.6, -0.8],
    ],
    y: [-1.1, -0.3, 0.9, -1.2, 0.8, 0.1, 1.3, 0.4],
  },
  unit: { kind: "affine", activation: { kind: "tanh" } },
  start: { kind: "gaussian", radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } },
};

const classes = {
  law: { ...points.law, y: [0, 0, 1, 0, 2, 2, 1, 2] },
  unit: { kind: "affine", activation: { kind: "relu" }, outputs: 3, outputBias: true },
  start: { kind: "gaussian", radius: 1, a: { mean: 0, deviation: 1 }, b: { mean: 0, deviation: 1 } },
  loss: "crossEntropy",
};

const teacher = {
  law: { kind: "teacher", dimension: 10, neurons: 3, activation: { kind: "tanh" }, noise: 0.1 },
  unit: { kind: "affine", activation: { kind: "tanh" } },
  start: { kind: "gaussian", radius: 1, a: { mean: 0, deviation: 1 }, b: 0 },
};

const noisy = {
  law: { kind: "dataset", x: [[-2], [-1], [0.5], [2]], y: [-1, 0.4, 1, -0.2] },
  unit: { kind: "ridge", activation: { kind: "tanh" } },
  start: { kind: "gaussian", radius: 1 },
  confinement: { kind: "quadratic", weight: 0.1 },
};

const run = "npx meanfield run spec.json";

/** All of them, by name. */
export const starters: Readonly<Record<string, Starter>> = {
  "sgd-vs-radial": {
    about: "SGD on 800 neurons that tell two Gaussians in 40 dimensions apart, beside the mean-field PDE in the radius",
    command: run,
    spec: {
      version: 1,
      process: { kind: "sgd", problem: gaussians, neurons: 800, stepSize: 0.0002, seed: 1 },
      times: { kind: "logSpaced", from: 0.03, to: 10, count: 12 },
      observe: {
        risk: { kind: "risk" },
        radius: { kind: "quantiles", coordinate: "r1", levels: [0.05, 0.5, 0.95] },
        law: { kind: "histogram", coordinate: "r1", edges: Array.from({ length: 31 }, (_, i) => i / 5) },
      },
      compareWith: { kind: "radialFlow", problem: gaussians },
    },
  },
  dataset: {
    about: "SGD on examples of your own, beside its mean-field limit: the gradient flow of many neurons of their own",
    command: `${run}, with examples of your own by --data points.csv`,
    spec: {
      version: 1,
      process: { kind: "sgd", problem: points, neurons: 200, stepSize: 0.01, seed: 1 },
      times: [0, 1, 2, 5, 10, 20, 50],
      observe: { risk: { kind: "risk" } },
      compareWith: { kind: "gradientFlow", problem: points, neurons: 1600, seed: 2, tolerance: 1e-4 },
    },
  },
  classes: {
    about: "examples in classes 0, 1, 2 of your own, by softmax cross-entropy",
    command: `${run}, with examples of your own by --data points.csv --labels class`,
    spec: {
      version: 1,
      process: { kind: "sgd", problem: classes, neurons: 200, stepSize: 0.05, batchSize: 4, seed: 1 },
      times: [0, 1, 2, 5, 10, 20, 50],
      observe: { loss: { kind: "risk" }, accuracy: { kind: "accuracy" } },
    },
  },
  teacher: {
    about: "a network that learns from a smaller one, four times over, with standard errors",
    command: run,
    spec: {
      version: 1,
      process: { kind: "sgd", problem: teacher, neurons: 200, stepSize: 0.01, seed: 1 },
      times: [0, 2, 5, 10, 20],
      observe: { risk: { kind: "risk" } },
      replicas: 4,
    },
  },
  langevin: {
    about: "noisy gradient descent in a confining potential, beside the Fokker–Planck equation of its law",
    command: run,
    spec: {
      version: 1,
      process: { kind: "langevin", problem: noisy, neurons: 1000, stepSize: 0.01, temperature: 0.1, seed: 1 },
      times: [0, 0.5, 1, 2, 5, 10],
      observe: {
        risk: { kind: "risk" },
        law: { kind: "histogram", coordinate: "w0", edges: Array.from({ length: 25 }, (_, i) => -3 + i / 4) },
      },
      compareWith: { kind: "fokkerPlanck", problem: noisy, temperature: 0.1 },
    },
  },
  sweep: {
    about: "SGD at four widths, eight times each: how far the risk is from its limit, with standard errors",
    command: "npx meanfield sweep spec.json",
    spec: {
      version: 1,
      process: { kind: "sgd", problem: gaussians, neurons: 100, stepSize: 0.002, seed: 1 },
      times: [0.3, 1],
      replicas: 8,
      vary: { "process.neurons": [50, 100, 200, 400] },
    },
  },
};

/**
 * Runs the command.
 *
 * @param args      after `new`
 * @param terminal  streams
 */
export function newSpec(args: readonly string[], terminal: Terminal): void {
  const { values, words } = parseOptions(args, options.new);
  const voice = voiceOf(terminal, values);
  if (words.length > 1) throw new UsageError(`One name at a time, found ${words.join(" ")}.`);
  const names = Object.keys(starters);
  const [name] = words;
  if (name === undefined) {
    const width = Math.max(...names.map((one) => one.length));
    const list = names.map((one) => `${one.padEnd(width)}  ${starters[one]!.about}\n`).join("");
    voice.result(list, () => names.map((one) => ({ name: one, about: starters[one]!.about })));
    voice.note(`\nnpx meanfield new ${names[0]} > spec.json; ${starters[names[0]!]!.command}`);
    return;
  }
  if (!Object.hasOwn(starters, name)) {
    throw new UsageError(`There is no "${name}" to begin with; there are ${names.join(", ")}.`);
  }
  const { about, command, spec } = starters[name]!;
  terminal.out(`${compactJson(spec)}\n`);
  voice.note(`${about}. Save it as spec.json; then: ${command}`);
}

/**
 * JSON for people: what fits on a line stands on one.
 *
 * @param value   plain JSON
 * @param indent  of the lines within
 */
export function compactJson(value: unknown, indent = ""): string {
  const line = oneLine(value);
  if (line.length + indent.length <= 88 || typeof value !== "object" || value === null) return line;
  const within = `${indent}  `;
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    return `[\n${filled(value.map(oneLine), 98 - within.length, within)}\n${indent}]`;
  }
  const parts = isRecord(value)
    ? Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${compactJson(item, within)}`)
    : (value as unknown[]).map((item) => compactJson(item, within));
  const [open, close] = isRecord(value) ? ["{", "}"] : ["[", "]"];
  return `${open}\n${parts.map((part) => `${within}${part}`).join(",\n")}\n${indent}${close}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (!isRecord(value)) return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${oneLine(item)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}

function filled(words: readonly string[], width: number, indent: string): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines[lines.length - 1];
    if (last === undefined || last.length + word.length + 2 > width) lines.push(word);
    else lines[lines.length - 1] = `${last}, ${word}`;
  }
  return lines.map((line) => indent + line).join(",\n");
}
