// The commands and their options, in one place: for the reading of command lines, and for what a shell completes.

/** What an option takes: nothing, a value, or one of these words. */
export type OptionKind = "boolean" | "string" | readonly string[];

const common = { json: "boolean", quiet: "boolean", verbose: "boolean", help: "boolean" } as const;
const backend = ["simd", "relaxed", "js"] as const;
const running = { out: "string", workers: "string", backend } as const;

/** Options of each command, by name. */
export const options = {
  run: { ...running, resume: "boolean", restart: "boolean", ...common },
  sweep: { ...running, ...common },
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
  doctor: "what this machine can do, and whether it computes right",
  completion: "completion of command lines for a shell",
};

/** Options with a letter of their own. */
export const letters: Readonly<Record<string, string>> = { out: "o", quiet: "q", verbose: "v", help: "h" };
