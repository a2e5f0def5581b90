// How a command speaks: results on standard output, as text or as JSON; everything else on standard error, as much as is asked for.

import { type ProgressLine, progressLine } from "./progress";
import { type Terminal, UsageError } from "./terminal";

/** What a command says, and to whom. */
export interface Voice {
  /** The result of the command: its JSON under --json, its text otherwise. */
  result(text: string, json: () => unknown): void;
  /** What the user should know; not under --quiet. */
  note(text: string): void;
  /** How it was done; under --verbose. */
  detail(text: string): void;
  /** How far it is; not under --quiet. */
  progress(): ProgressLine;
}

/**
 * The voice that the options ask for.
 *
 * @throws {UsageError} where they contradict each other
 */
export function voiceOf(terminal: Terminal, options: { json?: boolean; quiet?: boolean; verbose?: boolean }): Voice {
  const { json = false, quiet = false, verbose = false } = options;
  if (quiet && verbose) throw new UsageError("--quiet or --verbose, not both.");
  return {
    result(text, value) {
      terminal.out(json ? `${JSON.stringify(value())}\n` : text);
    },
    note(text) {
      if (!quiet) terminal.err(`${text}\n`);
    },
    detail(text) {
      if (verbose) terminal.err(`${text}\n`);
    },
    progress: () => (quiet ? { update() {}, end() {} } : progressLine(terminal.err, terminal.rewrites)),
  };
}
