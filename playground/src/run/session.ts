// A session: what the worker does with the page's messages, without a worker, so that it can be tested anywhere.
//
// One loop does everything in slices of a few milliseconds, in this order: requests, steps towards the time that is due, the risk of
// what was reached, a frame where the one before is drawn. Between slices messages come in. What the clock decides is which times are
// shown; the state at a time is the same however it was reached.

import { DivergenceError, type Process, type Simulation, SpecError, specHash } from "meanfield";
import { pause } from "../../../src/engine/pause";
import { cloudPicture, type Shown } from "./cloud";
import { type Course, openCourse } from "./course";
import { decisionPicture, type Square, squareOf } from "./decision";
import { digestOf } from "./digest";
import { coordinateNames, lawPicture, limitMarginal } from "./law";
import type { Change, Frame, Look, Request, Response, Run } from "./protocol";
import { Ranges } from "./ranges";
import { Sampler } from "./sampler";

/** A running session. */
export interface Session {
  receive(request: Request): void;
}

/** Milliseconds of stepping, and of finding risks, before messages are looked at again. */
const SLICE = 6;
const RISK_SLICE = 3;

/** While a run is brought to its time a frame is shown from time to time only. */
const GOING_FRAMES = 120;

/** Lag behind the clock that is made good; what is more is dropped. */
const MOST_LAG = 0.1;

interface Open {
  run: Run;
  look: Look;
  network: Course;
  limit: Course | null;
  sampler: Sampler;
  ranges: Ranges;
  /** of the decision boundary; null where inputs are not two-dimensional, undefined before it was asked for */
  square: Square | null | undefined;
  /** time that is gone to at full speed */
  goal: number | null;
  /** times on the way that get a record */
  marks: number[];
  restart: boolean;
  /** the curves up to here are shown */
  shown: number;
  /** whether there is something that no frame has shown */
  stale: boolean;
  /** time that a slice goes, at most; 0 before the first */
  slice: number;
  /** how far the last slice went, and its milliseconds */
  last: { moved: number; took: number };
}

/**
 * Begins a session.
 *
 * @param send  hands a response to the page, with the arrays that go with it
 */
export function startSession(send: (response: Response, transfer: Transferable[]) => void): Session {
  let open: Open | null = null;
  let playing = false;
  let rate = 1;
  // where the clock of playing stands
  let origin = { clock: 0, time: 0 };
  let inFlight = false;
  let lastFrame = Number.NEGATIVE_INFINITY;
  let closed = false;
  let running = false;
  let wake: (() => void) | null = null;
  // whether a message came in since the loop last looked
  let pinged = false;
  const queue: Request[] = [];
  const speeds: { clock: number; step: number }[] = [];
  // an `open` that a later one has overtaken is given up
  let latestOpen = -1;

  function receive(request: Request): void {
    if (closed) return;
    switch (request.type) {
      case "drawn":
        inFlight = false;
        break;
      case "close":
        closed = true;
        break;
      default:
        if (request.type === "open") latestOpen = request.id;
        queue.push(request);
    }
    pinged = true;
    wake?.();
    if (!running) {
      running = true;
      void loop();
    }
  }

  async function loop(): Promise<void> {
    while (!closed) {
      pinged = false;
      const request = queue.shift();
      try {
        if (request) await handle(request);
        else if (!(await work())) await rest(null);
      } catch (error) {
        fail(null, error);
      }
    }
    release(open);
    open = null;
  }

  async function handle(request: Request): Promise<void> {
    switch (request.type) {
      case "open":
        return await begin(request);
      case "play":
        rate = Math.max(1e-12, request.rate);
        playing = open !== null;
        setOrigin();
        break;
      case "pause":
        playing = false;
        if (open) open.goal = null;
        break;
      case "step":
        playing = false;
        if (!open) break;
        open.goal = null;
        await advance(open, open.network.time + (open.network.stepSize ?? rate / 60));
        break;
      case "rewind":
        playing = false;
        if (open) await again(open, rewound(open.run, open.network), 0);
        break;
      case "seek":
        if (!open) break;
        if (request.time >= open.network.time) go(open, request.time);
        else await again(open, { ...open.run, changes: [...open.network.changes] }, request.time);
        break;
      case "change":
        await change(request.id, request.change);
        break;
      case "look":
        if (open) open.look = request.look;
        break;
      case "export":
        try {
          if (!open) throw new SpecError("export", request.what, "a run that is open");
          const { exported } = await import("./exports");
          send({ type: "exported", id: request.id, ...(await exported(request.what, open)) }, []);
        } catch (error) {
          fail(request.id, error);
        }
        return;
      default:
        return;
    }
    if (open) open.stale = true;
  }

  // A run in place of the one before, which stays where this one cannot be opened.
  async function begin({ id, run, until, look }: Extract<Request, { type: "open" }>): Promise<void> {
    let next: Open | null = null;
    try {
      if (id !== latestOpen) throw overtaken();
      if (!(Number.isFinite(until) && until >= 0)) throw new SpecError("time", until, "a time, 0 or later");
      next = await prepared(run, look);
      if (id !== latestOpen) throw overtaken();
    } catch (error) {
      release(next);
      fail(id, error);
      return;
    }
    release(open);
    open = next;
    playing = false;
    speeds.length = 0;
    const { network, limit } = next;
    send(
      {
        type: "opened",
        id,
        network: network.simulation.process,
        limit: limit?.simulation.process ?? null,
        build: network.simulation.engine.backend,
        hash: hashOf(network.simulation.process),
        coordinates: coordinateNames(network.measure(), network.simulation.process.problem),
      },
      [],
    );
    go(next, until);
  }

  async function prepared(run: Run, look: Look): Promise<Open> {
    const network = await openCourse(run.network, run.changes, true);
    try {
      if (network.measure().kind === "fluctuation") {
        throw new SpecError(
          "process.kind",
          network.simulation.process.kind,
          "a process that moves a law",
          "The command line runs it.",
        );
      }
      const limit = run.limit && (await openCourse(run.limit, run.changes, false));
      const one: Open = {
        run,
        look,
        network,
        limit,
        sampler: new Sampler(),
        ranges: new Ranges(),
        square: undefined,
        goal: null,
        marks: [],
        restart: true,
        shown: 0,
        stale: true,
        slice: 0,
        last: { moved: 0, took: 0 },
      };
      one.sampler.ask(network, limit, look.sharpness);
      return one;
    } catch (error) {
      network.free();
      throw error;
    }
  }

  // The same run from the start, brought to a time.
  async function again(one: Open, run: Run, until: number): Promise<void> {
    const next = await prepared(run, one.look);
    release(one);
    next.ranges = one.ranges;
    open = next;
    speeds.length = 0;
    go(next, until);
  }

  function go(one: Open, time: number): void {
    const from = one.network.time;
    one.goal = time;
    // denser at first, where risks fall fastest
    const count = one.sampler.affordable();
    one.marks = Array.from({ length: count - 1 }, (_, k) => from + ((k + 1) / count) ** 2 * (time - from));
    one.stale = true;
  }

  async function change(id: number, set: Change["set"]): Promise<void> {
    try {
      if (!open) throw new SpecError("change", set, "a run that is open");
      const { network, limit } = open;
      // both are checked before either changes
      network.check(set);
      limit?.check(set);
      await network.change(set);
      await limit?.change(set);
      open.goal = null;
      open.stale = true;
      setOrigin();
      send({ type: "changed", id, changes: [...network.changes] }, []);
    } catch (error) {
      fail(id, error);
    }
  }

  // One slice of whatever there is to do; false where there is nothing.
  async function work(): Promise<boolean> {
    const one = open;
    if (!one) return false;
    const { network, limit, sampler, look } = one;
    if (one.goal !== null) await travel(one, one.goal);
    else if (playing) await follow(one);
    const moving = playing || one.goal !== null;
    const clock = performance.now();
    if (one.stale && !inFlight && (one.goal === null || clock - lastFrame > GOING_FRAMES)) {
      if (sampler.idle) sampler.ask(network, limit, look.sharpness);
      // a cheap risk is in the frame of its own time
      sampler.work(RISK_SLICE);
      showFrame(one, clock);
    } else {
      if (sampler.idle && !moving) sampler.ask(network, limit, look.sharpness);
      if (sampler.idle && !moving) return false;
      sampler.work(RISK_SLICE);
    }
    if (sampler.samples.length > one.shown) one.stale = true;
    await pause();
    return true;
  }

  // At full speed towards a time, a slice of it.
  async function travel(one: Open, goal: number): Promise<void> {
    const { network, limit, sampler, look } = one;
    const mark = one.marks[0];
    await advance(one, Math.min(goal, mark ?? goal));
    if (mark !== undefined && network.reachable(mark) <= network.time) {
      one.marks.shift();
      sampler.ask(network, limit, look.sharpness);
    }
    if (one.goal === null || network.reachable(goal) > network.time) return;
    // changes that are due at the very time
    await network.advance(goal);
    one.goal = null;
    one.stale = true;
    setOrigin();
  }

  // Towards the time that the clock says, a slice of it.
  async function follow(one: Open): Promise<void> {
    const clock = performance.now();
    let due = origin.time + ((clock - origin.clock) / 1000) * rate;
    const most = one.network.time + Math.max(MOST_LAG * rate, 1.5 * (one.network.stepSize ?? 0));
    if (due > most) {
      due = most;
      origin = { clock, time: due };
    }
    const { stepSize } = one.network;
    // the step that is next is not due yet: sleep, unless something else is to be done
    if (due < one.network.time + (stepSize ?? 0)) {
      if (one.sampler.idle && (inFlight || !one.stale)) {
        const wait = stepSize === null ? 4 : ((one.network.time + stepSize - due) / rate) * 1000;
        await rest(Math.min(50, Math.max(1, wait)));
      }
      return;
    }
    // the last whole step that is due
    await advance(
      one,
      stepSize === null ? due : one.network.time + Math.floor((due - one.network.time) / stepSize + 1e-9) * stepSize,
    );
  }

  // Towards a time, but for a slice at most. The limit goes to where the network is.
  async function advance(one: Open, target: number): Promise<void> {
    const { network, limit } = one;
    const before = network.time;
    const slice = one.slice > 0 ? one.slice : (target - before) / 1000;
    const began = performance.now();
    try {
      await network.advance(Math.min(target, before + Math.max(network.stepSize ?? 0, slice)));
      await limit?.advance(network.time);
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      playing = false;
      one.goal = null;
      fail(null, error);
    }
    const clock = performance.now();
    const moved = network.time - before;
    if (moved > 0) {
      one.stale = true;
      adapt(one, moved, clock - began);
    }
    speeds.push({ clock, step: network.step });
    while (speeds.length > 2 && clock - speeds[0]!.clock > 1000) speeds.shift();
  }

  function showFrame(one: Open, clock: number): void {
    const { network, limit, look, sampler, ranges } = one;
    const measure = network.measure();
    const { problem } = network.simulation.process;
    const shown: Shown = { measure, problem };
    const behind: Shown | null = limit && { measure: limit.measure(), problem: limit.simulation.process.problem };
    const samples = sampler.samples.slice(one.shown);
    one.shown = sampler.samples.length;
    const first = speeds[0];
    const last = speeds[speeds.length - 1];
    const seconds = first && last ? (last.clock - first.clock) / 1000 : 0;
    const frame: Frame = {
      time: network.time,
      step: network.step,
      playing,
      stepSize: network.stepSize,
      digest: digestOf(measure),
      speed: (playing || one.goal !== null) && seconds > 0 ? (last!.step - first!.step) / seconds : 0,
      samples,
      restart: one.restart,
      law: look.law === null ? null : lawPicture(look.law, shown, limitMarginal(behind, look.law), ranges),
      cloud: look.cloud === null ? null : cloudPicture(look.cloud, shown, behind, ranges),
      decision: decisionOf(one, shown, behind),
      warnings: [...network.warnings, ...(limit?.warnings ?? []), ...mismatch(network, limit)],
    };
    one.restart = false;
    one.stale = false;
    inFlight = true;
    lastFrame = clock;
    send({ type: "frame", frame }, transfersOf(frame));
  }

  function setOrigin(): void {
    if (open) origin = { clock: performance.now(), time: open.network.time };
  }

  // Until a message comes in, or some milliseconds at most.
  async function rest(milliseconds: number | null): Promise<void> {
    if (pinged || queue.length > 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resume) => {
      wake = resume;
      if (milliseconds !== null) timer = setTimeout(resume, milliseconds);
    });
    clearTimeout(timer);
    wake = null;
  }

  function fail(id: number | null, error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    const path = error instanceof SpecError ? error.path : null;
    send({ type: "failed", id, error: { name, message, path } }, []);
  }

  return { receive };
}

/** What an export is made of. */
export type Recorded = Pick<Open, "run" | "network" | "limit" | "sampler">;

// Slices of about SLICE milliseconds. They shrink and grow by halves, and not where a shorter one took as long: what each slice costs
// whatever its length is not made up by more of them.
function adapt(one: Open, moved: number, took: number): void {
  const { last } = one;
  const inVain = moved < 0.7 * last.moved && took > 0.8 * last.took;
  if (one.slice === 0) one.slice = moved;
  else if (took > SLICE && moved > 0.5 * one.slice) one.slice = inVain ? 8 * moved : moved / 2;
  else if (took < SLICE / 2) one.slice = Math.max(one.slice, 2 * moved);
  one.last = { moved, took };
}

function release(one: Open | null): void {
  one?.network.free();
  one?.limit?.free();
}

function overtaken(): Error {
  const error = new Error("Another run was opened before this one was ready.");
  error.name = "AbortError";
  return error;
}

function decisionOf(one: Open, shown: Shown, behind: Shown | null): Frame["decision"] {
  const { decision: side } = one.look;
  if (side === null) return null;
  const { engine } = one.network.simulation;
  if (one.square === undefined || (one.square && one.square.side !== side)) {
    one.square = squareOf(shown.problem, engine, side);
  }
  return one.square && decisionPicture(one.square, shown, behind, engine);
}

// From the start with the values that hold now.
function rewound(run: Run, network: Course): Run {
  const set = Object.assign({}, ...network.changes.map((one) => one.set)) as Change["set"];
  const present = (process: Process): Process => {
    const own = Object.fromEntries(Object.entries(set).filter(([name]) => name in process));
    const steps = "noiseStep" in process && "stepSize" in own ? { timeStep: null, noiseStep: null } : {};
    return { ...process, ...own, ...steps } as Process;
  };
  return { network: present(run.network), limit: run.limit && present(run.limit), changes: [] };
}

function hashOf(process: Process): string {
  return specHash(process);
}

// A limit without noise beside a network with it.
function mismatch(network: Course, limit: Course | null): string[] {
  const temperature = ({ process }: Simulation) => ("temperature" in process ? process.temperature : 0);
  if (!limit || temperature(network.simulation) === temperature(limit.simulation)) return [];
  return ["The network has the noise τ and the limit has not: since that change it is not the network's limit."];
}

function transfersOf({ law, cloud, decision }: Frame): Transferable[] {
  const arrays = [
    law?.network,
    law?.limit,
    cloud?.points,
    cloud?.density?.masses,
    decision?.network,
    decision?.limit,
    decision?.points,
    decision?.labels,
  ];
  return arrays.filter((one) => one !== null && one !== undefined).map((one) => one.buffer as ArrayBuffer);
}
