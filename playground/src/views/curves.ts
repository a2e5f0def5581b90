// What the curves are drawn from: records in buffers that grow, thinned where they are denser than any screen.

import type { Frame, Sample } from "../run/protocol";

/** Columns of a record but its time. */
export const FIELDS = ["risk", "limitRisk", "sharpness", "edge"] as const;
/** One of them. */
export type Field = (typeof FIELDS)[number];

// Above FULL records are thinned, at most 9 of each of 2·STEPS stretches stay, and mostly far fewer.
const FULL = 12_000;
const STEPS = 600;

/** Records in order of time. */
export class Curves {
  /** how many */
  length = 0;
  /** [capacity] times; the first `length` count */
  times = new Float64Array(1024);
  private columns: Record<Field, Float64Array> = {
    risk: new Float64Array(1024),
    limitRisk: new Float64Array(1024),
    sharpness: new Float64Array(1024),
    edge: new Float64Array(1024),
  };

  private taken: Frame | null = null;

  /** Takes the records of a frame on, once however often it is called with it; null forgets all. */
  take(frame: Frame | null): void {
    if (frame === this.taken) return;
    this.taken = frame;
    this.append(frame?.samples ?? [], frame?.restart ?? true);
  }

  /** [capacity] of one column; the first `length` count. NaN: not known. */
  values(field: Field): Float64Array {
    return this.columns[field];
  }

  /** Whether anything of a column is known. */
  knows(field: Field): boolean {
    const values = this.columns[field];
    for (let i = this.length - 1; i >= 0; i--) if (!Number.isNaN(values[i]!)) return true;
    return false;
  }

  /**
   * Takes records on; a record that is not later than the last one replaces what was at its time and after it.
   *
   * @param samples  in order of time
   * @param restart  forgets all before them
   */
  append(samples: readonly Sample[], restart: boolean): void {
    if (restart) this.length = 0;
    for (const sample of samples) {
      while (this.length > 0 && this.times[this.length - 1]! >= sample.time) this.length--;
      if (this.length === this.times.length) this.grow();
      this.times[this.length] = sample.time;
      for (const field of FIELDS) this.columns[field][this.length] = sample[field];
      this.length++;
      if (this.length > FULL) this.thin();
    }
  }

  private grow(): void {
    const wider = (values: Float64Array) => {
      const grown = new Float64Array(2 * values.length);
      grown.set(values);
      return grown;
    };
    this.times = wider(this.times);
    for (const field of FIELDS) this.columns[field] = wider(this.columns[field]);
  }

  private thin(): void {
    const kept = thinned(
      this.times,
      FIELDS.map((field) => this.columns[field]),
      this.length,
      STEPS,
    );
    for (const values of [this.times, ...FIELDS.map((field) => this.columns[field])]) {
      kept.forEach((from, to) => {
        values[to] = values[from]!;
      });
    }
    this.length = kept.length;
  }
}

/**
 * Which records show what all show: of each stretch of time the first, and the lowest and the highest of each column, so that
 * oscillations keep their height. A stretch is at most 1/steps of the time, as it is and on a logarithmic axis.
 *
 * @param times    in order
 * @param columns  values
 * @param length   of all of them
 * @param steps    stretches
 * @returns numbers of records in order
 */
export function thinned(
  times: Float64Array,
  columns: readonly Float64Array[],
  length: number,
  steps: number,
): number[] {
  const first = times[0]! > 0 ? times[0]! : (times[1] ?? 0);
  const last = times[length - 1]!;
  const step = (last - times[0]!) / steps;
  const ratio = first > 0 ? (last / first) ** (1 / steps) : Infinity;
  const kept: number[] = [];
  for (let from = 0, to = 0; from < length; from = to) {
    const start = times[from]!;
    const end = Math.min(start + step, start > 0 ? start * ratio : start);
    to = from + 1;
    while (to < length && times[to]! < end) to++;
    const stay = new Set([from]);
    if (to === length) stay.add(length - 1);
    for (const values of columns) {
      let [low, high] = [-1, -1];
      for (let i = from; i < to; i++) {
        const value = values[i]!;
        if (Number.isNaN(value)) continue;
        if (low < 0 || value < values[low]!) low = i;
        if (high < 0 || value > values[high]!) high = i;
      }
      if (low >= 0) stay.add(low).add(high);
    }
    kept.push(...[...stay].sort((a, b) => a - b));
  }
  return kept;
}

/**
 * A line through records as pixels: of records that fall on one column of pixels the first, lowest, highest and last. NaN breaks
 * the line.
 *
 * @param times   in order
 * @param values  of the same length
 * @param length  how many count
 * @param atX     pixel of a time; NaN leaves the record out
 * @param atY     pixel of a value
 * @param into    [≥ 8·columns of pixels + 2·breaks]; grows where it is too short
 * @returns pairs of pixels and how many numbers count
 */
export function polyline(
  times: Float64Array,
  values: Float64Array,
  length: number,
  atX: (time: number) => number,
  atY: (value: number) => number,
  into: Float32Array<ArrayBuffer> = new Float32Array(1024),
): { points: Float32Array<ArrayBuffer>; length: number } {
  let points = into;
  let k = 0;
  const put = (x: number, y: number) => {
    if (k + 2 > points.length) {
      const grown = new Float32Array(2 * points.length);
      grown.set(points);
      points = grown;
    }
    points[k++] = x;
    points[k++] = y;
  };
  let column = Number.NaN;
  let [low, high, last, count] = [0, 0, 0, 0];
  const flush = () => {
    if (count > 1) {
      if (count > 3) {
        put(column, low);
        put(column, high);
      }
      put(column, last);
    }
    count = 0;
  };
  for (let i = 0; i < length; i++) {
    const x = atX(times[i]!);
    const y = atY(values[i]!);
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      flush();
      column = Number.NaN;
      if (k > 0 && !Number.isNaN(points[k - 1]!)) put(Number.NaN, Number.NaN);
      continue;
    }
    const here = Math.round(2 * x) / 2;
    if (here === column) {
      if (count === 1) [low, high] = [Math.min(last, y), Math.max(last, y)];
      else [low, high] = [Math.min(low, y), Math.max(high, y)];
      last = y;
      count++;
      continue;
    }
    flush();
    put(x, y);
    column = here;
    last = low = high = y;
    count = 1;
  }
  flush();
  return { points, length: k };
}
