// The commands and their options, in one place: for the reading of command lines, and for what a shell completes.

/** What an option takes: nothing, a value, or one of these words. */
export type OptionKind = "boolean" | "string" | readonly string[];

const common = { json: "boolean", quiet: "boolean", verbose: "boolean", help: "boolean" } as const;
const backend = ["simd", "relaxed", "js"] as const;
const running = { out: "string", workers: "string", backend } as const;
const data = { data: "string", labels: "string", inputs: "string", weights: "string" } as const;

/** Options of each command, by name. */
export const options = {
  run: { ...running, ...data, resume: "boolean", restart: "boolean", ...common },
  sweep: { ...running, ...data, ...common },
  figure: {
    list: "boolean",
    full: "boolean",
    resume: "boolean",
    restart: "boolean",
    seed: "string",
    replicas: "string",
    ...running,
    ...common,
  },
  new: common,
  convert: { to: ["npz", "csv", "parquet", "json"], ...common },
  doctor: common,
  completion: common,
} as const satisfies Record<string, Record<string, OptionKind>>;

/** Name of a command. */
export type Command = keyof typeof options;

/** What each command does, in a few words. */
export const abouts: Record<Command, string> = {
  run: "run a specification",
  sweep: "run one at many values of its fields",
  figure: "run one of the figures",
  new: "a specification to begin with",
  convert: "results and data from one form of file to another",
  doctor: "what this machine can do, and whether it computes right",
  completion: "completion of command lines for a shell",
};

/** Options with a letter of their own. */
export const letters: Readonly<Record<string, string>> = { out: "o", quiet: "q", verbose: "v", help: "h" };
