// The command line: chooses the command, turns errors into one clear message and an exit code.

import { CheckpointError, DivergenceError, SpecError } from "../engine/errors";
import { version } from "../version";
import { FIGURE_HELP, HELP, RUN_HELP, SWEEP_HELP } from "./help";
import { EXIT, Interrupted, type Terminal, UsageError } from "./terminal";

/**
 * Runs a command line.
 *
 * @param args      after `meanfield`
 * @param terminal  streams and the signal that stops
 * @returns the exit code: 0 done, 1 failed or diverged, 2 wrong command line or specification, 130 interrupted
 */
export async function cli(args: readonly string[], terminal: Terminal): Promise<number> {
  const [command, ...rest] = args;
  try {
    const helped = rest.includes("--help") || rest.includes("-h");
    switch (command) {
      case "--help":
      case "-h":
      case "help":
        terminal.out(HELP);
        return EXIT.ok;
      case "--version":
        terminal.out(`${version}\n`);
        return EXIT.ok;
      case "run":
        if (helped) terminal.out(RUN_HELP);
        else await (await import("./run")).run(rest, terminal);
        return EXIT.ok;
      case "sweep":
        if (helped) terminal.out(SWEEP_HELP);
        else await (await import("./sweep")).sweep(rest, terminal);
        return EXIT.ok;
      case "figure":
        if (helped) terminal.out(FIGURE_HELP);
        else await (await import("./figure")).figure(rest, terminal);
        return EXIT.ok;
      case undefined:
        throw new UsageError("There is no command.");
      default:
        throw new UsageError(`There is no command "${command}".`);
    }
  } catch (error) {
    return report(error, command, terminal);
  }
}

function report(error: unknown, command: string | undefined, terminal: Terminal): number {
  if (error instanceof UsageError) {
    const known = ["run", "sweep", "figure"].includes(command ?? "") ? ` ${command}` : "";
    terminal.err(`meanfield: ${error.message}\nSee meanfield${known} --help.\n`);
    return EXIT.usage;
  }
  if (error instanceof SpecError) {
    terminal.err(`meanfield: ${error.message}\n`);
    return EXIT.usage;
  }
  if (terminal.signal.aborted) {
    terminal.err(`meanfield: ${error instanceof Interrupted ? error.message : "interrupted; nothing was written."}\n`);
    return EXIT.interrupted;
  }
  if (error instanceof DivergenceError || error instanceof CheckpointError || isSystemError(error)) {
    terminal.err(`meanfield: ${(error as Error).message}\n`);
    return EXIT.failure;
  }
  terminal.err(`meanfield: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failure;
}

// A file that is not there, a folder that cannot be written to: the message says it all.
function isSystemError(error: unknown): boolean {
  return error instanceof Error && typeof (error as { syscall?: unknown }).syscall === "string";
}
