// Records of the risk, found in pieces while the run goes on: the exact risk of 800 neurons takes longer than a frame.

import type { Measure, Process } from "meanfield";
import { sharpness } from "../../../src/landscape/sharpness";
import type { Work } from "../../../src/measure/cells";
import { type RiskOptions, riskWork } from "../../../src/measure/risk";
import { riskOf } from "../experiment";
import type { Course } from "./course";
import type { Sample } from "./protocol";

/** Records that are made on the way to a time: as many as half a second of work allows, in these bounds. */
const FEWEST = 16;
const MOST = 160;
const BUDGET = 500;

/** What is asked of one time. */
interface Task {
  time: number;
  edge: number;
  work: Work<Sample>;
}

/** Records in the order of time. */
export class Sampler {
  /** all that are made */
  readonly samples: Sample[] = [];
  readonly #tasks: Task[] = [];
  #asked = Number.NEGATIVE_INFINITY;
  #spent = 0;

  /** Whether nothing is left to do. */
  get idle(): boolean {
    return this.#tasks.length === 0;
  }

  /** Asks for a record of now; one for each time. */
  ask(network: Course, limit: Course | null, withSharpness: boolean): void {
    const { time } = network;
    if (!(time > this.#asked)) return;
    this.#asked = time;
    const edge = network.stepSize === null ? Number.NaN : 2 / network.stepSize;
    const measure = network.measure();
    const { process, engine } = network.simulation;
    const beside = limit && { measure: limit.measure(), process: limit.simulation.process };
    const finite = process.problem.law.kind === "dataset" && measure.kind === "particles";
    const work = (function* (): Work<Sample> {
      const own = yield* riskWorkOf(measure, process);
      const limitRisk = beside ? yield* riskWorkOf(beside.measure, beside.process) : Number.NaN;
      const top =
        withSharpness && finite
          ? (yield* sharpness(process.problem, measure, engine, { tolerance: 1e-4 })).value
          : Number.NaN;
      return { time, risk: own, limitRisk, sharpness: top, edge };
    })();
    function* riskWorkOf(of: Measure, one: Process): Work<number> {
      const { method, points, seed } = riskOf(one);
      const options: RiskOptions = { method, points, seed, degree: one.kind === "radialFlow" ? one.degree : null };
      return (yield* riskWork(of, one.problem, engine, options)).value;
    }
    this.#tasks.push({ time, edge, work });
  }

  /** Works for some milliseconds at most, but for the last piece. */
  work(milliseconds: number): void {
    const began = performance.now();
    let clock = began;
    while (this.#tasks.length > 0 && clock - began < milliseconds) {
      const { time, edge, work } = this.#tasks[0]!;
      let made: Sample | null = null;
      try {
        const { done, value } = work.next();
        if (done) made = value;
      } catch {
        // a state on its way to infinity has no risk, and the run goes on
        made = { time, risk: Number.NaN, limitRisk: Number.NaN, sharpness: Number.NaN, edge };
      }
      if (made) {
        this.#tasks.shift();
        this.samples.push(made);
      }
      clock = performance.now();
    }
    this.#spent += clock - began;
  }

  /** How many more records are cheap enough. */
  affordable(): number {
    const made = this.samples.length;
    const each = made > 0 ? this.#spent / made : BUDGET;
    return Math.min(MOST, Math.max(FEWEST, Math.floor(BUDGET / Math.max(1e-3, each))));
  }
}
