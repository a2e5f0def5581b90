// What a command has of the world: streams, a way to be stopped. Tests give it another one.

/** The outside of a command. */
export interface Terminal {
  /** Writes a result to standard output. */
  out(text: string): void;
  /** Writes a note to standard error. */
  err(text: string): void;
  /** Whether standard error is a terminal, where a line can be rewritten. */
  rewrites: boolean;
  /** All of standard input. */
  input(): Promise<string>;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
}

/** Exit codes. */
export const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Stopped by the user; says how to go on. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
