// Ranges of axes that follow what is shown without trembling: they grow in round steps and never shrink within a run.

/** An axis. */
export interface Range {
  from: number;
  to: number;
}

/** Ranges by name of coordinate, of one run. */
export class Ranges {
  readonly #known = new Map<string, Range>();

  /**
   * The range of a coordinate, wide enough for all that was shown.
   *
   * @param name       of the coordinate
   * @param least      of what is to be shown now
   * @param most       of it
   * @param fromZero   whether the axis begins at 0, as that of a radius
   */
  of(name: string, least: number, most: number, fromZero: boolean): Range {
    const before = this.#known.get(name);
    if (before && least >= before.from && most <= before.to) return before;
    const low = Math.min(least, before?.from ?? least);
    const high = Math.max(most, before?.to ?? most);
    const span = high - low || Math.max(1, Math.abs(high));
    const room = before ? 0.2 * span : 0.12 * span;
    const unit = roundUp(span / 8);
    const range = {
      from: fromZero ? 0 : before && least >= before.from ? before.from : unit * Math.floor((low - room) / unit),
      to: before && most <= before.to ? before.to : unit * Math.ceil((high + room) / unit),
    };
    this.#known.set(name, range);
    return range;
  }
}

// 1, 2 or 5 times a power of ten, at least x.
function roundUp(x: number): number {
  const power = 10 ** Math.floor(Math.log10(x));
  return power * [1, 2, 5, 10].find((digit) => digit * power >= x * (1 - 1e-9))!;
}
