// The library's errors: each says what was found, what was expected and what to do.

/**
 * A specification that cannot be run; nothing has been allocated when it is thrown.
 *
 * @see the `path` property names the wrong field, as in `law.delta` or `times[3]`
 */
export class SpecError extends Error {
  override readonly name = "SpecError";
  /**
   * @param path      where the wrong value stands, dotted, as in `problem.law.delta`
   * @param found     the value that was found
   * @param expected  what would have been accepted, in words
   * @param remedy    what the user can do, in a sentence (optional)
   */
  constructor(
    readonly path: string,
    readonly found: unknown,
    readonly expected: string,
    readonly remedy?: string,
  ) {
    super(`${path}: expected ${expected}, found ${describe(found)}.${remedy ? ` ${remedy}` : ""}`);
  }
}

/** A state that is no longer finite or no longer trustworthy; carries where it happened and the last good snapshot. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
  /**
   * @param process   kind of the process, as in `sgd`
   * @param step      step at which the state was first seen to be bad
   * @param time      the same as a time, t = kε
   * @param reason    what was seen, and the remedy, in words
   * @param snapshot  the last good saved state, if there is one; `restore` takes it
   */
  constructor(
    readonly process: string,
    readonly step: number,
    readonly time: number,
    reason: string,
    readonly snapshot: Uint8Array | null = null,
  ) {
    super(`${process} diverged at step ${step} (t = ${time}): ${reason}`);
  }
  /** The trajectory up to the divergence, where the driver had one. */
  run: unknown = null;
}

/** A saved state that is damaged, of another version, or of another specification; it is left as it was. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

function describe(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as unknown as ArrayLike<number>).length})`;
  const text = asText(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

// NaN, undefined and objects that JSON has no words for (cycles, bigints within) are still to be named.
function asText(value: unknown): string {
  if (typeof value !== "object" && typeof value !== "string") return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
