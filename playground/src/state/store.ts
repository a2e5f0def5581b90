// The state of the page and what may be done to it: everything that is clicked, dropped, linked or shown goes through here.

import { batch, computed, signal } from "@preact/signals";
import { type Dropped, defaults, type Experiment, limitsFor, type ProblemName, runOf } from "../experiment";
import type { Change, Frame, Look, RiskBand, Run } from "../run/protocol";
import { curvesOf } from "../views";
import { type Client, type Opened, startBand, startClient } from "./client";
import { dismissAbout, dismissAll, notify, notifyError, spoken } from "./notices";

/** What stands on the page; its step size, batch size and temperature are those of the start, `present` has the present ones. */
export const experiment = signal<Experiment>(defaults("gaussians"));
/** What was dropped on the page. */
export const dropped = signal<Dropped | null>(null);
/** The run that is open. */
export const opened = signal<Opened | null>(null);
/** What is shown now. */
export const frame = signal<Frame | null>(null);
// records are kept while no curve is shown, too
curvesOf(frame);
/** Whether the visitor wants it to run. */
export const playing = signal(false);
/** Time a second of the clock. */
export const rate = signal(1);
/** A run is being opened or brought to its time. */
export const busy = signal(true);
/** Where playing ends by itself; null: it does not. */
export const pauseAt = signal<number | null>(null);
/** The band of the risk so far, and whether it is final. */
export const band = signal<{ band: RiskBand; done: boolean } | null>(null);
/** A band was asked for, and nothing of it is there yet. */
export const bandAwaited = signal(false);

/** Names of pictures. */
export type Picture = NonNullable<Experiment["pictures"]>[number];

/** The values that hold now: those of the start, and the changes since. */
export const present = computed(() => presentOf(experiment.value));

/** Time that the page shows. */
export const time = computed(() => frame.value?.time ?? 0);

/** Whether examples have two inputs, so that there is a decision boundary to see. */
export const planar = computed(() => inputsOf(opened.value?.network.problem.law) === 2);

/** Pictures that are shown: those that were chosen, or the problem's own. */
export const pictures = computed<Picture[]>(
  () => experiment.value.pictures ?? ownPictures(experiment.value, planar.value),
);

let client: Client | undefined;
let wanted: { until: number } | null = null;
let opening = false;
/** the last experiment that could be opened */
let good: { experiment: Experiment; dropped: Dropped | null } | null = null;
let stopBand = () => {};
/** frames repeat their warnings; a run says each once */
const warned = new Set<string>();

/** Starts the worker and the run of an experiment. */
export function start({ experiment: first, file }: { experiment: Experiment; file: Dropped | null }): void {
  client = startClient(show, (failure) => {
    playing.value = false;
    notify("error", failure.message);
  });
  load(first, file);
}

/** Another experiment as a whole: a link, a stop of the tour, a dropped file. Goes to its time. */
export function load(next: Experiment, file: Dropped | null = dropped.peek()): void {
  const newSpeed = next.problem !== experiment.peek().problem || opened.peek() === null;
  batch(() => {
    experiment.value = next;
    dropped.value = file;
    if (newSpeed) rate.value = naturalRate(next.problem);
    pauseAt.value = null;
  });
  // what was said of another run
  dismissAbout("link");
  dismissAbout("file");
  dismissAbout("limit");
  open(next.time);
}

/** Chooses a problem with its defaults. */
export function chooseProblem(problem: ProblemName): void {
  const { pictures: chosen, band: withBand } = experiment.peek();
  load({ ...defaults(problem), ...(chosen && { pictures: chosen }), band: withBand });
}

/** What of an experiment a control may change at once. */
export type Patch = Partial<Omit<Experiment, "problem" | "changes" | "time">>;

const LOOKS = ["pictures", "x", "y"];
const LIVE = ["stepSize", "batchSize", "temperature"];

/**
 * Changes some fields. Step size, batch size and temperature hold from now on, the run goes on; another limit is brought to the
 * time of the network; pictures change the frames only; all else begins anew at t = 0.
 */
export function change(patch: Patch): void {
  const fields = Object.keys(patch);
  const only = (names: readonly string[]) => fields.every((field) => names.includes(field));
  if (only(["tour"])) experiment.value = { ...experiment.peek(), ...patch };
  else if (only(LOOKS)) {
    experiment.value = { ...experiment.peek(), ...patch };
    client?.send({ type: "look", look: look() });
  } else if (only(["band"])) {
    experiment.value = { ...experiment.peek(), ...patch };
    refreshBand();
  } else if (only(LIVE) && time.peek() > 0 && !opening) void changeLive(patch as Change["set"]);
  else if (only(["limit"])) {
    experiment.value = { ...experiment.peek(), ...patch };
    open(time.peek());
  } else {
    experiment.value = { ...begun(experiment.peek()), ...patch };
    open(0);
  }
}

/** Runs, or stops. */
export function toggle(): void {
  if (playing.peek()) pause();
  else {
    if (pauseAt.peek() !== null && time.peek() >= pauseAt.peek()!) pauseAt.value = null;
    play();
  }
}

/** Runs; a run that is being opened does once it is. */
export function play(): void {
  playing.value = true;
  if (!opening) client?.send({ type: "play", rate: rate.peek() });
  spoken.value = "playing";
}

/** Stops where it is. */
export function pause(): void {
  playing.value = false;
  client?.send({ type: "pause" });
}

/** One step of the network. */
export function step(): void {
  if (playing.peek()) pause();
  client?.send({ type: "step" });
}

/** Back to t = 0 and the same start; the present values hold from there. */
export function rewind(): void {
  pause();
  pauseAt.value = null;
  const hadChanges = experiment.peek().changes.length > 0;
  experiment.value = begun(experiment.peek());
  // with changes there is another specification to open, without them the state at 0 is enough
  if (hadChanges || opened.peek() === null) open(0);
  else client?.send({ type: "rewind" });
  spoken.value = "at the start";
}

/** Another speed. */
export function setRate(value: number): void {
  rate.value = value;
  if (playing.peek()) client?.send({ type: "play", rate: value });
}

/** The worker's files. */
export function exportAs(what: Parameters<Client["exportAs"]>[0]) {
  if (!client) throw new Error("Nothing runs yet.");
  return client.exportAs(what);
}

/** The experiment at the present time, as a link holds it. */
export function linked(): Experiment {
  const reached = opening ? null : frame.value?.time;
  return { ...experiment.value, time: wanted?.until ?? reached ?? experiment.value.time };
}

function open(until: number): void {
  wanted = { until };
  void openWanted();
}

// One at a time: while a run is being opened only the last of the wishes is kept.
async function openWanted(): Promise<void> {
  if (opening || !client) return;
  opening = true;
  busy.value = true;
  while (wanted) {
    const { until } = wanted;
    fitLimit();
    const asked = { experiment: experiment.peek(), dropped: dropped.peek() };
    try {
      const run = runOf(asked.experiment, asked.dropped);
      const answer = await client.open(run, until, { ...look(), cloud: null, law: null });
      wanted = wanted?.until === until && experiment.peek() === asked.experiment ? null : wanted;
      opened.value = answer;
      // now the names of the coordinates are known
      client.send({ type: "look", look: look() });
      good = asked;
      warned.clear();
      dismissAll("error");
      dismissAll("warning");
      refreshBand(run);
    } catch (error) {
      const superseded = experiment.peek() !== asked.experiment;
      if (superseded) continue;
      wanted = null;
      playing.value = false;
      notifyError(error);
      if (good) batch(() => ({ experiment: experiment.value, dropped: dropped.value } = good!));
    }
  }
  opening = false;
  busy.value = false;
  if (playing.peek()) client.send({ type: "play", rate: rate.peek() });
}

// A limit that does not go with the rest any more gives way to one that does, and the page says so.
function fitLimit(): void {
  const one = experiment.peek();
  const choices = limitsFor(one, dropped.peek());
  const present = choices.find(({ kind }) => kind === one.limit);
  if (!present || present.fits) return;
  const own = choices.find(({ kind, fits }) => fits && kind !== "none" && kind === defaults(one.problem).limit);
  const next = own ?? choices.find(({ kind, fits }) => fits && kind !== "none") ?? choices.find(({ fits }) => fits);
  experiment.value = { ...one, limit: next?.kind ?? "none" };
  notify("information", `The limit was changed: ${present.reason}`, "limit");
}

async function changeLive(set: Change["set"]): Promise<void> {
  try {
    const changes = await client!.change(set);
    experiment.value = { ...experiment.peek(), changes };
    if (good) good = { ...good, experiment: experiment.peek() };
    refreshBand();
  } catch (error) {
    notifyError(error);
    // the field shows what holds
    experiment.value = { ...experiment.peek() };
  }
}

function show(next: Frame): void {
  batch(() => {
    frame.value = next;
    for (const warning of next.warnings) {
      if (warned.has(warning)) continue;
      warned.add(warning);
      notify("warning", warning);
    }
    const end = pauseAt.peek();
    if (end !== null && !opening && playing.peek() && next.time >= end) pause();
    if (!next.playing && !playing.peek()) spoken.value = `paused at t = ${shortNumber(next.time)}`;
  });
}

/** What the frames are to hold for the pictures that are shown. */
export function look(): Look {
  const shown = pictures.peek();
  const { x, y } = experiment.peek();
  const names = opened.peek()?.coordinates ?? [];
  const has = (picture: Picture) => shown.includes(picture) && names.length > 0;
  const own = ownAxes(names);
  const known = (name: string | null, other: string) => (name !== null && names.includes(name) ? name : other);
  return {
    cloud: has("cloud") ? { x: known(x, own.x), y: known(y, own.y) } : null,
    law: has("law") ? known(x, names[0]!) : null,
    decision: has("decision") ? 96 : null,
    sharpness: has("sharpness"),
  };
}

/** Coordinates of the cloud where none were chosen: both radii, a weight and the output's, or two weights. */
export function ownAxes(names: readonly string[]): { x: string; y: string } {
  const has = (...wanted: string[]) => wanted.every((name) => names.includes(name));
  if (has("r1", "r2")) return { x: "r1", y: "r2" };
  if (has("w0", "w1")) return { x: "w0", y: "w1" };
  if (has("w0", "a")) return { x: "w0", y: "a" };
  return { x: names[0] ?? "w0", y: names[1] ?? names[0] ?? "w0" };
}

// The band belongs to the present run; it is asked for again when that changes.
function refreshBand(run?: Run): void {
  stopBand();
  stopBand = () => {};
  band.value = null;
  bandAwaited.value = false;
  const { band: wantedBand } = experiment.peek();
  if (!wantedBand) return;
  try {
    const horizon = pauseAt.peek() ?? Math.max(2 * naturalRate(experiment.peek().problem), time.peek());
    const times = Float64Array.from({ length: 17 }, (_, k) => (k * horizon) / 16);
    stopBand = startBand(run ?? runOf(experiment.peek(), dropped.peek()), times, (response) => {
      bandAwaited.value = false;
      if (response.type === "band") band.value = response;
      else notify("warning", `No band: ${response.error.message}`, "band");
    });
    bandAwaited.value = true;
  } catch (error) {
    notifyError(error, "No band");
  }
}

// Changes dropped, the present values from the start.
function begun(one: Experiment): Experiment {
  return { ...one, ...presentOf(one), changes: [], time: 0 };
}

function presentOf(one: Experiment): Required<Change["set"]> {
  const { stepSize, batchSize, temperature } = one;
  return Object.assign({ stepSize, batchSize, temperature }, ...one.changes.map(({ set }) => set));
}

/** Time a second that suits a problem. */
export function naturalRate(problem: ProblemName): number {
  return { gaussians: 1, teacher: 1, peaks: 8, sine: 20, file: 1 }[problem];
}

function ownPictures(one: Experiment, isPlanar: boolean): Picture[] {
  if (one.problem === "sine") return ["risk", "sharpness", "cloud"];
  if (one.problem === "peaks" || isPlanar) return ["risk", "decision", "cloud"];
  return ["law", "risk", "cloud"];
}

function inputsOf(law: Opened["network"]["problem"]["law"] | undefined): number | null {
  if (!law) return null;
  if ("dimension" in law && typeof law.dimension === "number") return law.dimension;
  if ("x" in law) {
    const { shape } = law.x as { shape?: readonly number[] };
    return shape?.[1] ?? null;
  }
  return null;
}

/** A number as it is read: four digits, no needless zeros. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5)
    return value
      .toExponential(2)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e")
      .replace("-", "−")
      .replace("e-", "e−");
  return String(Number(value.toPrecision(4))).replace("-", "−");
}
