// Curves against time by uPlot: our ticks, our lines, its scales and its crosshair.

import uPlot from "uplot";
import { tickFormat, ticks } from "../../../src/plot/ticks";
import type { RiskBand } from "../run/protocol";
import { placeOn, steadyRange } from "./axes";
import { BAND_OPACITY, type CurveKind, TIME, timeEnds } from "./curvePicture";
import { type Curves, type Field, polyline } from "./curves";
import { FONT } from "./pen";
import { bandOutline, extent } from "./range";
import type { Theme } from "./theme";

/** What a plot of curves is made of. */
export interface CurvePlotOptions {
  curves: Curves;
  kind: CurveKind;
  log: boolean;
  theme(): Theme;
  band(): RiskBand | null;
  /** number of the record under the crosshair; null: there is none */
  onCursor(index: number | null): void;
}

/** A plot of curves in an element. */
export class CurvePlot {
  private readonly plot: uPlot;
  private readonly data: Float64Array[] = [];
  private range: [number, number] | null = null;
  private until = 0;

  /**
   * @param host     element that the plot is put into
   * @param width    CSS pixels
   * @param height   CSS pixels
   * @param options  what is drawn
   */
  constructor(
    host: HTMLElement,
    width: number,
    height: number,
    private readonly options: CurvePlotOptions,
  ) {
    const { kind, log, theme, onCursor } = options;
    const font = `11px ${FONT}`;
    const axis = (along: number, size: number, x: boolean): uPlot.Axis => {
      const axisTicks = (plot: uPlot, low: number, high: number) => {
        const extentOfAxis: [number, number] = [low, high];
        const scale = x && log ? "log" : "linear";
        const count = Math.max(2, Math.min(8, Math.floor((x ? plot.width - 60 : plot.height - 62) / along)));
        const found = ticks(extentOfAxis, scale, count);
        const every = scale === "log" ? Math.ceil(found.length / (2 * count)) : 1;
        return { at: found.filter((_, i) => i % every === 0), write: tickFormat(extentOfAxis, scale, count) };
      };
      return {
        stroke: () => theme().ink,
        font,
        size,
        gap: 4,
        grid: { show: !x, stroke: () => theme().line, width: 1 },
        ticks: { show: x, stroke: () => theme().line, width: 1, size: 4 },
        border: { show: x, stroke: () => theme().muted, width: 1 },
        splits: (plot, _axis, low, high) => axisTicks(plot, low, high).at,
        filter: (_plot, splits) => splits,
        values: (plot, splits) => {
          const { min, max } = plot.scales[x ? "x" : "y"]!;
          return splits.map(axisTicks(plot, min!, max!).write);
        },
      };
    };
    this.plot = new uPlot(
      {
        width,
        height,
        padding: [24, 14, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 6 } },
        scales: {
          x: { time: false, distr: log ? 3 : 1, range: () => this.timeRange() },
          y: { range: () => this.valueRange() },
        },
        axes: [axis(64, 38, true), axis(42, 46, false)],
        series: [
          {},
          ...kind.series.map(
            ({ field, of, dash }): uPlot.Series => ({
              stroke: () => theme()[of],
              width: of === "muted" ? 1.25 : 2,
              ...(dash && { dash: [...dash] }),
              points: { show: false },
              paths: () => ({ stroke: this.path(field), fill: null }),
            }),
          ),
        ],
        hooks: {
          drawAxes: [() => this.drawBand(), (plot) => this.drawNames(plot)],
          setCursor: [({ cursor: { idx, left } }) => onCursor(left! < 0 ? null : (idx ?? null))],
        },
      },
      this.columns(),
      host,
    );
  }

  /** Forgets how far the axes went. */
  restart(): void {
    this.range = null;
    this.until = 0;
  }

  /** Draws what the curves hold now. */
  update(): void {
    this.plot.setData(this.columns());
  }

  /** Draws the same in other colours. */
  repaint(): void {
    this.plot.redraw(false);
  }

  /** Draws in another size. */
  resize(width: number, height: number): void {
    if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
  }

  /** Puts the crosshair on a record. */
  point(index: number): void {
    const left = this.plot.valToPos(this.options.curves.times[index]!, "x");
    this.plot.setCursor({ left, top: 1 });
  }

  /** Takes it out of the page. */
  destroy(): void {
    this.plot.destroy();
  }

  private columns(): uPlot.AlignedData {
    const { curves, kind } = this.options;
    this.data.length = 0;
    this.data.push(curves.times.subarray(0, curves.length));
    for (const { field } of kind.series) this.data.push(curves.values(field).subarray(0, curves.length));
    return this.data as uPlot.AlignedData;
  }

  private timeRange(): [number, number] {
    const { curves, log } = this.options;
    const ends = timeEnds(curves, log, this.until);
    this.until = ends[1];
    return ends;
  }

  private valueRange(): [number, number] {
    const { curves, kind, band } = this.options;
    const [low, high] = extent(
      curves,
      kind.series.map(({ field }) => field),
      band(),
    );
    this.range = steadyRange(this.range, low, high);
    return this.range;
  }

  // Pixels of the canvas.
  private places() {
    const { bbox, scales } = this.plot;
    const { x, y } = scales;
    const { log } = this.options;
    return {
      atX: placeOn({ name: "", from: x!.min!, to: x!.max!, log }, bbox.left, bbox.left + bbox.width),
      atY: placeOn({ name: "", from: y!.min!, to: y!.max! }, bbox.top + bbox.height, bbox.top),
    };
  }

  private path(field: Field): Path2D {
    const { curves } = this.options;
    const { atX, atY } = this.places();
    const { points, length } = polyline(curves.times, curves.values(field), curves.length, atX, atY, buffer);
    buffer = points;
    const path = new Path2D();
    for (let i = 0, broken = true; i < length; i += 2) {
      if (Number.isNaN(points[i]!)) broken = true;
      else if (broken) {
        path.moveTo(points[i]!, points[i + 1]!);
        broken = false;
      } else path.lineTo(points[i]!, points[i + 1]!);
    }
    return path;
  }

  private drawBand(): void {
    const band = this.options.band();
    if (!band) return;
    const { ctx, bbox, scales } = this.plot;
    const { atX, atY } = this.places();
    const outline = bandOutline(band, scales["x"]!.min!, atX, atY);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let i = 0; i < outline.length; i += 2) ctx.lineTo(outline[i]!, outline[i + 1]!);
    ctx.closePath();
    ctx.globalAlpha = BAND_OPACITY;
    ctx.fillStyle = this.options.theme().band;
    ctx.fill();
    ctx.restore();
  }

  private drawNames({ ctx, bbox }: uPlot): void {
    const ratio = uPlot.pxRatio;
    ctx.save();
    ctx.font = `${12 * ratio}px ${FONT}`;
    ctx.fillStyle = this.options.theme().muted;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.fillText(this.options.kind.axis, 4 * ratio, bbox.top - 11 * ratio);
    ctx.textAlign = "right";
    ctx.fillText(TIME, bbox.left + bbox.width, bbox.top + bbox.height + 32 * ratio);
    ctx.restore();
  }
}

let buffer = new Float32Array(4096);
