// The experiment as the hash of an address, readable, and back: `#problem=gaussians&N=400&eps=0.001&t=2.5&changes=1:eps=0.002`. Only
// what differs from the problem's defaults is written. What is wrong is said, and the default is taken.

import { ACTIVATIONS, defaults, type Experiment, limitsFor, type ProblemName } from "../experiment";
import type { Change } from "../run/protocol";

/** A setting: how it is called in an address, and how it is read. Undefined where the text is not what is expected. */
interface Field<T> {
  key: string;
  expected: string;
  read(text: string): T | undefined;
  write(value: T): string;
}

const PROBLEMS: ProblemName[] = ["gaussians", "teacher", "peaks", "sine", "file"];
const NETWORKS: Experiment["network"][] = ["sgd", "gradientDescent", "adam", "langevin"];
const LIMITS: Experiment["limit"][] = [
  "none",
  "radialFlow",
  "gradientFlow",
  "nonlinear",
  "modifiedFlow",
  "fokkerPlanck",
];
const PICTURES = ["law", "cloud", "risk", "decision", "sharpness"] as const;

const stepSize = real("eps", "a positive number", (x) => x > 0);
const batchSize = whole("B", 1, 2 ** 20);
const temperature = real("tau", "a number, 0 or more", (x) => x >= 0);
const LIVE = { stepSize, batchSize, temperature };

const FIELDS: { [K in Exclude<keyof Experiment, "problem">]: Field<Experiment[K]> } = {
  network: word("network", NETWORKS),
  limit: word("limit", LIMITS),
  neurons: whole("N", 1, 2 ** 24),
  ...LIVE,
  radius: real("kappa", "a positive number", (x) => x > 0),
  seed: whole("seed", 0, Number.MAX_SAFE_INTEGER),
  dimension: whole("d", 1, 2 ** 20),
  signal: whole("s0", 1, 2 ** 20),
  delta: real("delta", "a number from 0 to below 1", (x) => x >= 0 && x < 1),
  activation: word("activation", Object.keys(ACTIVATIONS)),
  precision: word("precision", ["f32", "f64"]),
  time: {
    ...real("t", "a time, 0 or more", (x) => x >= 0),
    // twelve digits name the step all the same
    write: (t) => String(Number(t.toPrecision(12))),
  },
  changes: {
    key: "changes",
    expected: "changes in the order of time, as in 1:eps=0.002;2.5:tau=0.1,B=4",
    read: readChanges,
    write: (changes) => changes.map(writeChange).join(";"),
  },
  pictures: {
    key: "show",
    expected: `some of ${PICTURES.join(",")}`,
    read(text) {
      const names = text === "" ? [] : text.split(",");
      return names.every((name) => (PICTURES as readonly string[]).includes(name))
        ? (names as Experiment["pictures"])
        : undefined;
    },
    write: (pictures) => (pictures ?? []).join(","),
  },
  x: coordinateField("x"),
  y: coordinateField("y"),
  band: {
    key: "band",
    expected: "1 or 0",
    read: (text) => (text === "1" ? true : text === "0" ? false : undefined),
    write: (band) => (band ? "1" : "0"),
  },
  tour: orNothing(whole("tour", 0, 99)),
};

const NAMES = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

/**
 * The hash of an experiment, with its #; empty where it is the page's first.
 *
 * @param experiment  any
 */
export function experimentToHash(experiment: Experiment): string {
  const usual = defaults(experiment.problem);
  const parts = experiment.problem === "gaussians" ? [] : [`problem=${experiment.problem}`];
  for (const name of NAMES) {
    const { key, write } = FIELDS[name] as Field<unknown>;
    const text = write(experiment[name]);
    if (experiment[name] !== null && text !== write(usual[name])) parts.push(`${key}=${text}`);
    else if (name === "pictures" && experiment.pictures?.length === 0) parts.push(`${key}=`);
  }
  return parts.length === 0 ? "" : `#${parts.join("&")}`;
}

/**
 * The experiment of a hash.
 *
 * @param hash     with or without #
 * @param hasFile  whether the page holds the file that a link to a file means
 * @returns notices: a sentence for each value that was wrong, in whose place the default stands
 */
export function experimentFromHash(hash: string, hasFile = false): { experiment: Experiment; notices: string[] } {
  const notices: string[] = [];
  const given = new Map<string, string>();
  for (const part of hash.replace(/^#/, "").split("&")) {
    if (part === "") continue;
    const at = part.indexOf("=");
    const [key, text] = at < 0 ? [part, ""] : [part.slice(0, at), decoded(part.slice(at + 1))];
    if (given.has(key)) notices.push(`The link says ${key} twice: the first is taken.`);
    else given.set(key, text);
  }

  let problem: ProblemName = "gaussians";
  const asked = given.get("problem");
  given.delete("problem");
  if (asked !== undefined) {
    if (asked === "file" && !hasFile) {
      notices.push("The link is to a file, which no link holds: drop the file on the page. This is the first problem.");
      return { experiment: defaults("gaussians"), notices };
    }
    if ((PROBLEMS as string[]).includes(asked)) problem = asked as ProblemName;
    else notices.push(wrong("problem", asked, `one of ${PROBLEMS.join(", ")}`, problem));
  }

  const experiment = defaults(problem);
  const usual = defaults(problem);
  for (const name of NAMES) {
    const { key, expected, read, write } = FIELDS[name] as Field<unknown>;
    const text = given.get(key);
    given.delete(key);
    if (text === undefined) continue;
    const value = read(text);
    if (value === undefined) notices.push(wrong(key, text, expected, write(usual[name])));
    else Object.assign(experiment, { [name]: value });
  }
  for (const key of given.keys()) {
    const known = ["problem", ...NAMES.map((name) => FIELDS[name].key)].join(", ");
    notices.push(`The link says ${key}, which is no setting of this page. There are ${known}.`);
  }

  if (experiment.signal > experiment.dimension) {
    if (experiment.signal !== usual.signal) {
      notices.push(
        wrong("s0", String(experiment.signal), `at most d = ${experiment.dimension}`, String(experiment.dimension)),
      );
    }
    experiment.signal = experiment.dimension;
  }
  if (problem !== "file") {
    const choice = limitsFor(experiment, null).find(({ kind }) => kind === experiment.limit);
    if (choice && !choice.fits) {
      notices.push(
        `The link says limit=${experiment.limit}, which does not go with the rest. ${choice.reason} There is no limit.`,
      );
      experiment.limit = "none";
    }
  }
  return { experiment, notices };
}

function wrong(key: string, text: string, expected: string, usual: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 37)}…` : text;
  return `The link says ${key}=${shown}: expected ${expected}. ${usual === "" ? "It is left out" : `${usual} is taken`}.`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function real(key: string, expected: string, test: (x: number) => boolean): Field<number> {
  return {
    key,
    expected,
    read(text) {
      const x = Number(text);
      return text.trim() !== "" && Math.abs(x) <= 1e100 && test(x) ? x + 0 : undefined;
    },
    write: String,
  };
}

function whole(key: string, from: number, to: number): Field<number> {
  return real(key, `a whole number from ${from} to ${to}`, (x) => Number.isInteger(x) && x >= from && x <= to);
}

function word<W extends string>(key: string, words: readonly W[]): Field<W> {
  return {
    key,
    expected: `one of ${words.join(", ")}`,
    read: (text) => words.find((one) => one === text),
    write: (value) => value,
  };
}

function orNothing<T>(field: Field<T>): Field<T | null> {
  return { ...field, write: (value) => (value === null ? "" : field.write(value)) };
}

function coordinateField(key: string): Field<string | null> {
  return {
    key,
    expected: "a coordinate: r1, r2, r, a, b or w0, w1 …",
    read: (text) => (/^(a\d*|b|r|r1|r2|w\d+)$/.test(text) ? text : undefined),
    write: (value) => value ?? "",
  };
}

function writeChange({ at, set }: Change): string {
  const names = Object.keys(LIVE) as (keyof typeof LIVE)[];
  const values = names.filter((name) => set[name] !== undefined).map((name) => `${LIVE[name].key}=${set[name]}`);
  return `${at}:${values.join(",")}`;
}

function readChanges(text: string): Change[] | undefined {
  const changes: Change[] = [];
  for (const part of text === "" ? [] : text.split(";")) {
    const [when, what, more] = part.split(":");
    const at = FIELDS.time.read(when!);
    if (at === undefined || what === undefined || more !== undefined) return undefined;
    if (changes.length > 0 && at < changes[changes.length - 1]!.at) return undefined;
    const set: Change["set"] = {};
    for (const pair of what.split(",")) {
      const [key, value] = pair.split("=");
      const name = (Object.keys(LIVE) as (keyof typeof LIVE)[]).find((one) => LIVE[one].key === key);
      const x = name && value !== undefined ? LIVE[name].read(value) : undefined;
      if (!name || x === undefined || name in set) return undefined;
      set[name] = x;
    }
    changes.push({ at, set });
  }
  return changes;
}
