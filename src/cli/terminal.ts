// What a command has of the world: streams, a way to be stopped. Tests give it another one.

/** The outside of a command. */
export interface Terminal {
  /** Writes a result to standard output. */
  out(content: string | Uint8Array): void;
  /** Writes a note to standard error. */
  err(text: string): void;
  /** Whether standard error is a terminal, where a line can be rewritten. */
  rewrites: boolean;
  /** Whether standard input is a pipe or a file, so that a command without a source reads it; no if left out. */
  piped?: boolean;
  /** All of standard input. */
  input(): Promise<string | Uint8Array>;
  /** Aborted when the user interrupts; the reason is a `Stop` where the exit code is to tell by what. */
  signal: AbortSignal;
}

/**
 * Exit codes. A divergence has its own, because it is an answer about the specification and a scan over step sizes asks for it;
 * a saved state that cannot be used has one too, because `--restart` is what a job script can do about it.
 */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  diverged: 3,
  damaged: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A folder that has something else, which is left as it is. */
export class FolderInUse extends Error {
  override readonly name = "FolderInUse";
}

/** Stopped by the user; says how to go on. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Why a command is stopped: the reason of its signal. */
export class Stop extends Error {
  override readonly name = "Stop";
  /** @param exitCode  what the process then ends with */
  constructor(readonly exitCode: number) {
    super("Interrupted.");
  }
}
