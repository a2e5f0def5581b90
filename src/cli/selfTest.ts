// A self-test with known answers: random numbers and a short run of SGD, by every build that runs here, against bits that were
// frozen; the same run on a worker thread; and how much faster one build is than another.

import { backends, type Engine, loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { specHash } from "../io/canonical";
import type { Particles } from "../measure/measure";
import { tanh } from "../model/activation";
import { anisotropicGaussians } from "../model/law";
import { gaussian } from "../model/start";
import { ridge } from "../model/unit";
import { sgd } from "../process/schema";
import { stream } from "../random/stream";
import { ensemble } from "../study/ensemble";
import { open } from "../study/open";
import { solve } from "../study/solve";

/** What every machine must find: digests, the first 16 digits of SHA-256. */
export const KNOWN = {
  /** A block of Philox4x32-10 under the key and counter of zeros, as published with Random123. */
  philox: "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
  /** A thousand normals in f64: the same in every build. */
  normals: "28e9b8ddfaebd33c",
  /** The neurons after a short run of SGD; `relaxed` leaves the rounding of a multiply-add to the processor. */
  sgd: { simd: "818096760fd261d9", js: "552bd8dedcac3406" } as Partial<Record<Backend, string>>,
};

/** What was found of one build. */
export interface BuildReport {
  backend: Backend;
  /** Whether it runs here, and if not, why. */
  runs: boolean;
  why: string | null;
  philox: string | null;
  normals: string | null;
  sgd: string | null;
  /** Largest difference of the neurons after the run to those of the js build. */
  difference: number | null;
  /** Steps of SGD a second on 800 neurons in 40 dimensions, f64. */
  stepsPerSecond: number | null;
}

const process = sgd(
  {
    law: anisotropicGaussians({ dimension: 10, signal: 4, delta: 0.5 }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 1 }),
  },
  { neurons: 50, stepSize: 0.01, seed: 1 },
);
const END = 1;

/** Tests every build. */
export async function testBuilds(): Promise<BuildReport[]> {
  const reports: BuildReport[] = [];
  const plain = await neurons("js");
  for (const backend of backends) {
    const report: BuildReport = {
      backend,
      runs: false,
      why: null,
      philox: null,
      normals: null,
      sgd: null,
      difference: null,
      stepsPerSecond: null,
    };
    reports.push(report);
    try {
      const engine = await loadEngine({ backend });
      report.runs = true;
      report.philox = philoxOf(engine);
      report.normals = digest(engine.normals(stream(1), 1000));
      const theta = await neurons(backend);
      report.sgd = digest(theta);
      report.difference = theta.reduce((most, x, i) => Math.max(most, Math.abs(x - plain[i]!)), 0);
      report.stepsPerSecond = await speed(backend);
    } catch (error) {
      report.why = error instanceof SpecError ? (error.remedy ?? error.message) : (error as Error).message;
    }
  }
  return reports;
}

/**
 * Starts a worker thread, and has it run what this one runs.
 *
 * @returns whether the bits are the same, and the seconds that it took
 */
export async function testWorker(): Promise<{ same: boolean; seconds: number }> {
  const times = [END];
  const here = await solve(process, { times });
  const began = performance.now();
  const there = await ensemble(process, { times, replicas: 1, workers: 1 });
  const seconds = (performance.now() - began) / 1000;
  return { same: here.observables.risk!.values[0] === there.observables.risk!.mean[0], seconds };
}

async function neurons(backend: Backend): Promise<Float64Array> {
  const simulation = await open(process, { backend });
  try {
    await simulation.advance(END);
    return Float64Array.from((simulation.measure() as Particles).values);
  } finally {
    simulation.free();
  }
}

function philoxOf({ memory, kernels }: Engine): string {
  const room = memory();
  try {
    const out = room.allocate(16);
    kernels.philox(out, 0, 0, 0, 0, 0, 0);
    return Array.from(room.u32(out, 4), (word) => word.toString(16).padStart(8, "0")).join(" ");
  } finally {
    room.free();
  }
}

// The best of short runs, once V8 has compiled what it needs; in the time that a build has, however fast it is.
async function speed(backend: Backend): Promise<number> {
  const law = anisotropicGaussians({ dimension: 40, delta: 0.5 });
  const problem = { law, unit: ridge(tanh()), start: gaussian({ radius: 1 }) };
  const stepSize = 2 ** -20;
  const simulation = await open(sgd(problem, { neurons: 800, stepSize, seed: 1 }), { backend });
  try {
    const steps = 200;
    const began = performance.now();
    let best = 0;
    for (let i = 1; i <= 2 || (i <= 12 && performance.now() - began < 800); i++) {
      const start = performance.now();
      await simulation.advance(i * steps * stepSize);
      best = Math.max(best, (1000 * steps) / (performance.now() - start));
    }
    return best;
  } finally {
    simulation.free();
  }
}

function digest(values: Float64Array): string {
  return specHash({ dtype: "f64", shape: [values.length], data: values }).slice(0, 16);
}
