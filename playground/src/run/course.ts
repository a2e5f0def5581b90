// The course of a process through live changes: a leg after the other, each a process of its own that starts at the law reached.

import {
  densityStart,
  type Measure,
  open,
  type Process,
  parseProcess,
  particles,
  type Simulation,
  SpecError,
  tensor,
  type Watch,
} from "meanfield";
import type { Change } from "./protocol";

/** The process from one change to the next. */
export interface Leg {
  /** time at which it begins */
  from: number;
  process: Process;
}

/** A process that runs, and its changes. */
export interface Course {
  /** of the leg under way */
  readonly simulation: Simulation;
  /** all legs so far */
  readonly legs: readonly Leg[];
  /** time since the very start */
  readonly time: number;
  /** steps since the very start */
  readonly step: number;
  /** ε of the leg under way; null where it has no steps */
  readonly stepSize: number | null;
  /** changes, those to come too */
  readonly changes: readonly Change[];
  /** what the user should know, of all legs */
  readonly warnings: readonly string[];
  /** the time that is reached when t is asked for: a multiple of ε from the start of its leg */
  reachable(t: number): number;
  /** Goes on to time t, over the changes on the way. */
  advance(t: number, watch?: Watch): Promise<void>;
  /**
   * Whether these values can hold from now on.
   *
   * @throws {SpecError} where they cannot
   */
  check(set: Change["set"]): void;
  /** From now on these values hold; changes that were to come are dropped. */
  change(set: Change["set"]): Promise<void>;
  measure(): Measure;
  free(): void;
}

/**
 * Opens a process at t = 0.
 *
 * @param process   of the first leg
 * @param changes   ascending in time
 * @param required  whether the process must have the fields that change; a limit may go on without
 * @throws {SpecError} where the process or a change is wrong
 */
export async function openCourse(process: Process, changes: readonly Change[], required: boolean): Promise<Course> {
  let planned = [...changes];
  planned.forEach(({ at, set }, i) => {
    const before = i === 0 ? 0 : planned[i - 1]!.at;
    if (!(at >= before)) throw new SpecError(`changes[${i}].at`, at, `a time, ${before} or later`);
    // what cannot be changed is said now, not when it is due
    changedFields(process, set, required, `changes[${i}].set`);
  });
  let simulation = await open(process);
  const legs: Leg[] = [{ from: 0, process: simulation.process }];
  let steps = 0;
  let done = 0;
  const warned: string[] = [];

  const leg = () => legs[legs.length - 1]!;
  const stepSizeOf = ({ process: one }: Leg) => ("timeStep" in one ? null : "stepSize" in one ? one.stepSize : null);
  const next = () => planned[done];

  async function begin(at: number, set: Change["set"]): Promise<void> {
    const process = nextLeg(leg().process, simulation.measure(), set, required);
    if (process === null) return;
    const following = await open(process);
    warned.push(...simulation.warnings);
    steps += simulation.step;
    simulation.free();
    simulation = following;
    legs.push({ from: at, process: following.process });
  }

  return {
    get simulation() {
      return simulation;
    },
    legs,
    get time() {
      return leg().from + simulation.time;
    },
    get step() {
      return steps + simulation.step;
    },
    get stepSize() {
      return stepSizeOf(leg());
    },
    get changes() {
      return planned;
    },
    get warnings() {
      return [...new Set([...warned, ...simulation.warnings])];
    },
    reachable(t) {
      const stepSize = stepSizeOf(leg());
      return stepSize === null ? t : leg().from + Math.round((t - leg().from) / stepSize) * stepSize;
    },
    async advance(t, watch) {
      for (let change = next(); change && change.at <= t; change = next()) {
        await simulation.advance(Math.max(simulation.time, change.at - leg().from), watch);
        await begin(change.at, change.set);
        done += 1;
      }
      await simulation.advance(Math.max(simulation.time, t - leg().from), watch);
    },
    check: (set) => void nextLeg(leg().process, simulation.measure(), set, required),
    async change(set) {
      // twelve digits name the step all the same, and can be read
      const at = Number((leg().from + simulation.time).toPrecision(12));
      await begin(at, set);
      planned = [...planned.slice(0, done), { at, set }];
      done = planned.length;
    },
    measure: () => simulation.measure(),
    free: () => simulation.free(),
  };
}

const FIELDS = ["stepSize", "batchSize", "temperature"] as const;

// Those fields of a change that the process has and that would be others.
function changedFields(process: Process, set: Change["set"], required: boolean, path: string): Change["set"] {
  const changed: Change["set"] = {};
  for (const name of Object.keys(set) as (keyof Change["set"])[]) {
    if (!FIELDS.includes(name)) throw new SpecError(`${path}.${name}`, set[name], `one of ${FIELDS.join(", ")}`);
    if (!(name in process)) {
      if (required) throw new SpecError(`${path}.${name}`, set[name], `nothing, as ${process.kind} has none`);
    } else if ((process as Change["set"])[name] !== set[name]) changed[name] = set[name]!;
  }
  return changed;
}

// The process of the leg that follows, or null where nothing changes for it.
function nextLeg(process: Process, measure: Measure, set: Change["set"], required: boolean): Process | null {
  const changed = changedFields(process, set, required, "change");
  if (Object.keys(changed).length === 0) return null;
  if ("schedule" in process && process.schedule.kind !== "constant") {
    throw new SpecError("schedule", process.schedule.kind, '"constant", as another leg would begin it anew');
  }
  if (measure.kind === "fluctuation" || measure.coordinates === "radial") {
    throw new SpecError("change", process.kind, "a process whose law can be started from");
  }
  if (measure.kind === "particles" && measure.outputBias?.some((c) => c !== 0)) {
    throw new SpecError("problem.unit.outputBias", true, "false, as a leg starts from neurons alone");
  }
  const start =
    measure.kind === "grid"
      ? densityStart({ edges: measure.edges, masses: measure.masses })
      : particles(tensor(measure.values, measure.shape));
  return parseProcess({
    ...process,
    problem: { ...process.problem, start },
    ...changed,
    ...("replica" in process && { replica: process.replica + 1 }),
    // they follow the step
    ...("noiseStep" in process && { timeStep: null, noiseStep: null }),
  });
}
