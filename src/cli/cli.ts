// The command line: chooses the command, turns errors into one clear message and an exit code.

import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import { version } from "../version";
import { type Command, options } from "./commands";
import { HELP, HELPS } from "./help";
import { EXIT, FolderInUse, Interrupted, Stop, type Terminal, UsageError } from "./terminal";

/**
 * Runs a command line.
 *
 * @param args      after `meanfield`
 * @param terminal  streams and the signal that stops
 * @returns the exit code, of `EXIT`: 0 done, 1 failed, 2 wrong command line or specification, 3 diverged, 4 a saved state that
 *          cannot be used, 130 or 143 interrupted
 */
export async function cli(args: readonly string[], terminal: Terminal): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === "--version" || command === "-V") {
      terminal.out(`${version}\n`);
      return EXIT.ok;
    }
    if (command === "--help" || command === "-h" || command === "help") {
      terminal.out(helpOf(rest[0]));
      return EXIT.ok;
    }
    if (command === undefined)
      throw new UsageError(
        "There is no command: npx meanfield new prints a specification to begin with, npx meanfield run runs it.",
      );
    if (!isCommand(command)) {
      throw new UsageError(`There is no command "${command}"; there are ${Object.keys(options).join(", ")}.`);
    }
    if (before(rest).some((word) => word === "--help" || word === "-h")) {
      terminal.out(helpOf(command));
      return EXIT.ok;
    }
    const code = await runs[command](rest, terminal);
    return typeof code === "number" ? code : EXIT.ok;
  } catch (error) {
    return report(error, command, before(rest).includes("--json"), terminal);
  }
}

const runs: Record<Command, (args: string[], terminal: Terminal) => Promise<unknown>> = {
  run: async (args, terminal) => (await import("./run")).run(args, terminal),
  sweep: async (args, terminal) => (await import("./sweep")).sweep(args, terminal),
  figure: async (args, terminal) => (await import("./figure")).figure(args, terminal),
  new: async (args, terminal) => (await import("./starters")).newSpec(args, terminal),
  convert: async (args, terminal) => (await import("./convert")).convert(args, terminal),
  doctor: async (args, terminal) => (await import("./doctor")).doctor(args, terminal),
  completion: async (args, terminal) => (await import("./completion")).completion(args, terminal),
};

function isCommand(word: string): word is Command {
  return Object.hasOwn(options, word);
}

function helpOf(word: string | undefined): string {
  if (word === undefined) return HELP;
  if (!isCommand(word))
    throw new UsageError(`There is no command "${word}"; there are ${Object.keys(options).join(", ")}.`);
  return HELPS[word];
}

// Options end at a lone "--".
function before(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

function report(error: unknown, command: string | undefined, json: boolean, terminal: Terminal): number {
  const { code, message, advice, stack } = verdict(error, command, terminal);
  if (json) {
    const { name } = error instanceof Error ? error : { name: "Error" };
    const path = error instanceof SpecError ? { path: error.path } : {};
    terminal.err(`${JSON.stringify({ error: { name, message, ...path, exitCode: code } })}\n`);
  } else terminal.err(`meanfield: ${stack ?? message}\n${advice ? `${advice}\n` : ""}`);
  return code;
}

function verdict(
  error: unknown,
  command: string | undefined,
  terminal: Terminal,
): { code: number; message: string; advice?: string; stack?: string | undefined } {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FolderInUse) return { code: EXIT.usage, message };
  if (error instanceof UsageError) {
    const known = isCommand(command ?? "") ? ` ${command}` : "";
    return { code: EXIT.usage, message, advice: `See npx meanfield${known} --help.` };
  }
  if (error instanceof SpecError) return { code: EXIT.usage, message };
  if (terminal.signal.aborted) {
    const { reason } = terminal.signal;
    const code = reason instanceof Stop ? reason.exitCode : EXIT.interrupted;
    return { code, message: error instanceof Interrupted ? message : "interrupted; nothing was written." };
  }
  if (error instanceof DivergenceError) return { code: EXIT.diverged, message };
  if (error instanceof CheckpointError) return { code: EXIT.damaged, message };
  if (isSystemError(error)) return { code: EXIT.failure, message };
  return { code: EXIT.failure, message, stack: error instanceof Error ? error.stack : undefined };
}

// A file that is not there, a folder that cannot be written to: the message says it all.
function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { syscall?: unknown }).syscall === "string";
}
