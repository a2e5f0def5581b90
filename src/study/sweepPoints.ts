// The points of a sweep: fields of a run file set to other values, as a grid or as a list, each point checked like a run file.

import { SpecError } from "../engine/errors";
import { canonicalJson, specHash } from "../io/canonical";
import { parseRunSpec, type RunSpec, type RunSpecInput } from "../io/spec";
import { FILE_VERSION } from "../io/trajectory";
import { isRecord } from "../model/spec";
import { isTensor } from "../model/tensor";

/**
 * What is varied. As an object, the values of each field, `{ "process.neurons": [100, 200] }`: every combination is a point,
 * the last field fastest; fields that belong together share one entry, `{ "process.neurons, process.stepSize": [[100, 0.01],
 * [200, 0.005]] }`. As a list, the points themselves, `[{ "process.neurons": 100, "process.stepSize": 0.01 }, …]`.
 */
export type Vary = Readonly<Record<string, readonly unknown[]>> | readonly Readonly<Record<string, unknown>>[];

/** What a sweep runs at every point, as a run file; `times`, `observe` and `replicas` may be left to the sweep's own. */
export type SweepBase = Omit<RunSpecInput, "times" | "compareWith"> & Partial<Pick<RunSpecInput, "times">>;

/** One point. */
export interface PointSpec {
  /** Values of the varied fields, by their place in the run file. */
  values: Record<string, unknown>;
  /** What is run there, checked and normalised. */
  spec: RunSpec;
}

/** The points of a sweep, and the file that says the same. */
export interface SweepPlan {
  /** Places of the varied fields. */
  fields: string[];
  points: PointSpec[];
  /** Hash of all points. */
  hash: string;
  /** A run file with one field more, `vary`. */
  file: Record<string, unknown>;
}

const MOST_POINTS = 1e6;

/**
 * The points of a sweep, all of them checked.
 *
 * @param base    what is run at every point: the fields of a run file
 * @param beside  fields that take the place of the base's, where they are given
 * @param vary    a grid or a list
 * @throws {SpecError} with the path of the wrong field, and the point where it is wrong
 */
export function planSweep(base: SweepBase, beside: Record<string, unknown>, vary: Vary): SweepPlan {
  if (!isRecord(base)) throw new SpecError("base", base, "what is run at every point, { process, times, … }");
  const root: Record<string, unknown> = { version: FILE_VERSION };
  for (const [name, value] of [...Object.entries(base), ...Object.entries(beside)]) {
    if (value !== undefined) root[name] = value;
  }
  root["times"] = listed(root["times"]);
  if ((root["compareWith"] ?? null) !== null) {
    throw new SpecError("compareWith", root["compareWith"], "nothing, as a sweep runs one process at a point");
  }
  const { fields, points } = readVary(vary);
  const places = new Map(fields.map((field) => [field, placeOf(field)]));
  // the whole before its parts, whatever the order they were given in
  const order = [...fields].sort((a, b) => places.get(a)!.length - places.get(b)!.length);
  const seen = new Map<string, number>();
  let names: string | null = null;
  const specs = points.map((values, i): PointSpec => {
    const where = `Point ${i + 1} of ${points.length}: ${describePoint(values)}.`;
    const set = (at: unknown, field: string) => put(at, places.get(field)!, values[field], field, []);
    const spec = at(where, () => parseRunSpec(order.reduce(set, root)));
    const { process, times, observe } = spec;
    const hash = at(where, () => specHash({ process, times, observe }));
    const before = seen.get(hash);
    if (before !== undefined) {
      throw new SpecError("vary", values, "points that differ", `Points ${before + 1} and ${i + 1} are the same run.`);
    }
    seen.set(hash, i);
    const recorded = Object.keys(observe).sort().join(", ");
    names ??= recorded;
    if (recorded !== names) {
      throw new SpecError("vary", Object.keys(observe), `the same statistics at every point, ${names}`, where);
    }
    checkReplicas(spec, where);
    return { values, spec };
  });
  return { fields, points: specs, hash: specHash(specs), file: { ...root, vary } };
}

/** The values of a point in words: `process.neurons = 100, process.seed = 1`. */
export function describePoint(values: Record<string, unknown>): string {
  const texts = Object.entries(values).map(([field, value]) => `${field} = ${shortText(value)}`);
  return texts.join(", ");
}

function shortText(value: unknown): string {
  let text: string;
  try {
    text = canonicalJson(value);
  } catch {
    text = String(value);
  }
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function checkReplicas({ process, replicas }: RunSpec, where: string): void {
  if ("replica" in process && process.replica + replicas > 2 ** 32) {
    const room = "a first replica that leaves room for the others below 2^32";
    throw new SpecError("process.replica", process.replica, room, where);
  }
}

function readVary(vary: Vary): { fields: string[]; points: Record<string, unknown>[] } {
  if (Array.isArray(vary)) return readList(vary);
  if (!isRecord(vary)) {
    throw new SpecError(
      "vary",
      vary,
      'fields and their values, { "process.neurons": [100, 200] }, or a list of points',
    );
  }
  const axes = Object.entries(vary as Record<string, unknown>).map(([key, values]) => readAxis(key, values));
  if (axes.length === 0) throw new SpecError("vary", vary, "one field or more");
  const fields = axes.flatMap((axis) => axis.fields);
  const twice = fields.find((field, i) => fields.indexOf(field) !== i);
  if (twice !== undefined) throw new SpecError(`vary.${twice}`, twice, "a field that is named once");
  const count = axes.reduce((product, { points }) => product * points.length, 1);
  if (count > MOST_POINTS) throw new SpecError("vary", `${count} points`, `at most ${MOST_POINTS} points`);
  const points = axes.reduce<Record<string, unknown>[]>(
    (before, axis) => before.flatMap((point) => axis.points.map((more) => ({ ...point, ...more }))),
    [{}],
  );
  return { fields, points };
}

function readAxis(key: string, values: unknown): { fields: string[]; points: Record<string, unknown>[] } {
  const fields = key.split(",").map((field) => field.trim());
  if (!Array.isArray(values) || values.length === 0) throw new SpecError(`vary.${key}`, values, "a list of values");
  if (fields.length === 1) return { fields, points: values.map((value) => ({ [fields[0]!]: listed(value) })) };
  const points = values.map((tuple, i) => {
    if (!Array.isArray(tuple) || tuple.length !== fields.length) {
      throw new SpecError(`vary.${key}[${i}]`, tuple, `a list of ${fields.length} values, one a field`);
    }
    return Object.fromEntries(fields.map((field, k) => [field, listed(tuple[k])]));
  });
  return { fields, points };
}

function readList(vary: readonly unknown[]): { fields: string[]; points: Record<string, unknown>[] } {
  const [first] = vary;
  if (vary.length === 0 || vary.length > MOST_POINTS) {
    throw new SpecError("vary", `${vary.length} points`, `1 to ${MOST_POINTS} points`);
  }
  if (!isRecord(first) || Object.keys(first).length === 0) {
    throw new SpecError("vary[0]", first, 'the values of one or more fields, { "process.neurons": 100 }');
  }
  const fields = Object.keys(first);
  const points = vary.map((point, i) => {
    if (!isRecord(point) || Object.keys(point).sort().join() !== [...fields].sort().join()) {
      throw new SpecError(`vary[${i}]`, point, `values of ${fields.join(", ")}, as in the first point`);
    }
    return Object.fromEntries(fields.map((field) => [field, listed(point[field])]));
  });
  return { fields, points };
}

// A bare typed array has no JSON.
function listed(value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}

const ROOTS = ["process", "times", "observe"];

// "process.problem.unit.activation.knots[0][1]" as its names and numbers.
function placeOf(field: string): (string | number)[] {
  const known = /^[A-Za-z_]\w*(\.\w+|\[\d+\])*$/.test(field) && ROOTS.some((name) => /^\w+/.exec(field)![0] === name);
  if (!known) {
    throw new SpecError(`vary.${field}`, field, "a place in the run file, under process, times or observe");
  }
  return Array.from(field.matchAll(/(\w+)|\[(\d+)\]/g), ([, name, index]) => name ?? Number(index));
}

// A copy of what stands at a place and above it, with the value put there; the rest is shared.
function put(
  at: unknown,
  place: readonly (string | number)[],
  value: unknown,
  field: string,
  above: (string | number)[],
): unknown {
  if (place.length === 0) return value;
  const [key, ...rest] = place as [string | number, ...(string | number)[]];
  const here = [...above, key];
  if (typeof key === "number") {
    if (!Array.isArray(at) || key >= at.length) throw missing(field, here);
    return at.map((one, i) => (i === key ? put(one, rest, value, field, here) : one));
  }
  if (!isRecord(at) || isTensor(at) || (rest.length > 0 && !Object.hasOwn(at, key))) throw missing(field, here);
  return { ...at, [key]: put(at[key], rest, value, field, here) };
}

function missing(field: string, here: readonly (string | number)[]): SpecError {
  const name = here.map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? key : `.${key}`)).join("");
  return new SpecError(`vary.${field}`, undefined, "a field of the base", `The base has no ${name} to set it in.`);
}

function at<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SpecError) || error.path.startsWith("vary.")) throw error;
    const remedy = error.remedy ? `${error.remedy} ${where}` : where;
    throw new SpecError(error.path, error.found, error.expected, remedy);
  }
}
