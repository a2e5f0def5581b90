// Progress on standard error: one line that is rewritten on a terminal, a line every few seconds elsewhere.

/** Shows how far something is. */
export interface ProgressLine {
  update(fraction: number, phase: string): void;
  /** Clears the line, or says nothing more. */
  end(): void;
}

/**
 * A progress line with the time that is left, estimated from the time that went by.
 *
 * @param write     takes text
 * @param terminal  whether a line can be rewritten
 * @param now       milliseconds, for tests
 */
export function progressLine(
  write: (text: string) => void,
  terminal: boolean,
  now: () => number = () => performance.now(),
): ProgressLine {
  const began = now();
  const every = terminal ? 100 : 5000;
  let shown = terminal ? Number.NEGATIVE_INFINITY : began;
  let width = 0;
  // The rate of the last half minute: a run that goes on from a checkpoint begins with a jump.
  let recent: [time: number, share: number][] = [];
  return {
    update(fraction, phase) {
      const time = now();
      if (time - shown < every) return;
      shown = time;
      const share = Math.min(Math.max(fraction, 0), 1);
      recent = [...recent.filter(([then]) => time - then <= 30_000), [time, share]];
      const [since, before] = recent[0]!;
      const left =
        time - since > 1000 && share > before
          ? `, ${duration(((1 - share) * (time - since)) / (share - before))} left`
          : "";
      const elapsed = time - began;
      const percent = `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`.padStart(5);
      const line = `${percent}  ${phase}, ${duration(elapsed)} so far${left}`;
      if (terminal) {
        write(`\r${line.padEnd(width)}`);
        width = line.length;
      } else write(`${line}\n`);
    },
    end() {
      if (terminal && width > 0) write(`\r${"".padEnd(width)}\r`);
      width = 0;
    },
  };
}

/**
 * A duration in words, to two parts: `42 s`, `3 min 20 s`, `2 h 5 min`.
 *
 * @param milliseconds  how long
 */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
