// One panel: axes in one manner, curves as dots over lines, names at their right ends.

import * as Plot from "@observablehq/plot";
import type { Axis, Curve, Key, Level, Reference, Series, SpreadSeries } from "../study/figures/picture";
import { FAINT, hue, INK, QUIET } from "./palette";
import type { KeyEntry } from "./svg";
import { textWidth } from "./text";
import { minorTicks, tickFormat, ticks } from "./ticks";

/** What a panel is made of. */
export interface Panel {
  width: number;
  height: number;
  title?: string;
  x: Axis;
  y: Axis;
  /** A note stands under the label, smaller. */
  curves: readonly (Curve & { note?: string })[];
  levels?: readonly Level[];
  references?: readonly Reference[] | undefined;
  /** Draws spreads as bars through the dots, not as a band. */
  whiskers?: boolean;
  /** Joins the network's dots by thin lines. */
  joined?: boolean;
  /** Leaves the label of the x axis out. */
  withoutXLabel?: boolean;
  /** Width left free on the right, for names; what the names need if left out. */
  right?: number;
  marks?: Plot.Markish[];
}

const LEFT = 58;
const LABEL = 12;
const NOTE = 11;

/** Plot options of a panel. */
export function panelOptions(panel: Panel): Plot.PlotOptions {
  const { width, height, curves, levels = [] } = panel;
  const references = (panel.references ?? []).map((reference) => visible(reference, panel));
  const seen = curves.map((curve) => ({
    ...curve,
    network: curve.network && visible(curve.network, panel),
    limit: curve.limit && visible(curve.limit, panel),
  }));
  const x = panel.x.domain ?? span(seen.flatMap(abscissae), panel.x.scale, false);
  const y =
    panel.y.domain ??
    span(
      [...seen.flatMap(ordinates), ...levels.map((level) => level.y), ...references.flatMap((one) => one.y)],
      panel.y.scale,
      true,
    );

  const right = panel.right ?? labelWidth([...curves, ...references]);
  const top = panel.title === undefined ? 28 : 46;
  const bottom = panel.withoutXLabel ? 26 : 46;
  const scale = Plot.scale({ y: { type: panel.y.scale, domain: y, range: [height - bottom, top] } });

  const names = [
    ...seen.map((curve, i) => ({
      label: curve.label,
      note: curve.note ?? "",
      color: hue(curve.hue ?? i),
      y: lastOf(curve),
    })),
    ...references.map((line) => ({ label: line.label, note: "", color: QUIET, y: line.y[line.y.length - 1] ?? null })),
  ].filter((name) => name.label !== "" && name.y !== null);
  const pixels = names.map((name) => scale.apply(Math.min(Math.max(name.y!, y[0]), y[1])) as number);
  const lines = names.some((name) => name.note !== "") ? 2 : 1;
  const apart = dodge(pixels, lines * (LABEL + 2), top, height - bottom);

  return {
    width,
    height,
    marginLeft: LEFT,
    marginRight: right,
    marginTop: top,
    marginBottom: bottom,
    style: { fontSize: "12px" },
    x: { type: panel.x.scale, domain: x, label: null },
    y: { type: panel.y.scale, domain: y, label: null },
    marks: [
      Plot.gridY(ticks(y, panel.y.scale), { stroke: "#e4e4e4", strokeOpacity: 1 }),
      Plot.axisX(ticks(x, panel.x.scale), {
        label: null,
        text: tickFormat(x, panel.x.scale),
        tickSize: 5,
        stroke: FAINT,
        fill: INK,
      }),
      minor(x, panel.x.scale),
      Plot.axisY(ticks(y, panel.y.scale), {
        label: null,
        text: tickFormat(y, panel.y.scale),
        tickSize: 0,
        fill: INK,
      }),
      Plot.ruleY([y[0]], { stroke: FAINT }),
      panel.title === undefined
        ? null
        : Plot.text([panel.title], {
            frameAnchor: "top-left",
            dx: -LEFT + 8,
            dy: -top + 2,
            fontSize: 13,
            fontWeight: "bold",
          }),
      Plot.text([panel.y.label], { frameAnchor: "top-left", dx: -LEFT + 8, dy: -22, fontSize: LABEL, fill: INK }),
      panel.withoutXLabel
        ? null
        : Plot.text([panel.x.label], { frameAnchor: "bottom", dy: 38, fontSize: LABEL, fill: INK }),
      Plot.ruleY(
        levels.map((level) => level.y),
        { stroke: QUIET, strokeDasharray: "4 3" },
      ),
      Plot.text(levels, {
        frameAnchor: "left",
        y: "y",
        text: "label",
        textAnchor: "start",
        dx: 5,
        dy: -8,
        fill: QUIET,
      }),
      ...(panel.marks ?? []),
      ...references.map((line) =>
        Plot.line(line.x, {
          x: line.x,
          y: line.y,
          stroke: QUIET,
          strokeWidth: 1.3,
          strokeDasharray: "5 4",
          clip: true,
        }),
      ),
      ...seen.flatMap((curve, i) => curveMarks(curve, hue(curve.hue ?? i), panel)),
      ...names.flatMap(({ label, note, color }, i) =>
        [
          { text: label, fontSize: LABEL, dy: note === "" ? 0 : -6 },
          { text: note, fontSize: NOTE, dy: 6 },
        ].map(({ text, fontSize, dy }) =>
          text === ""
            ? null
            : Plot.text([text], {
                frameAnchor: "top-right",
                textAnchor: "start",
                lineAnchor: "middle",
                dx: 8,
                dy: apart[i]! - top + dy,
                fill: color,
                fontSize,
              }),
        ),
      ),
    ],
  };
}

/** Width that the names at the right ends need. */
export function labelWidth(curves: readonly { label: string; note?: string }[]): number {
  const longest = Math.max(
    0,
    ...curves.map(({ label, note = "" }) => Math.max(textWidth(label, LABEL), textWidth(note, NOTE))),
  );
  return longest === 0 ? 20 : Math.ceil(longest) + 18;
}

/** Entries of the key for dots, spreads and lines. */
export function keyEntries(
  key: Key,
  color: string,
  network: "dot" | "joined" = "dot",
  spread: "band" | "whisker" = "band",
): KeyEntry[] {
  return [
    ...(key.limit ? [{ glyph: "line", color, label: key.limit } as const] : []),
    ...(key.network ? [{ glyph: network, color, label: key.network }] : []),
    ...(key.spread ? [{ glyph: spread, color, label: key.spread }] : []),
  ];
}

function curveMarks(curve: Curve, color: string, { joined = false, whiskers = false }: Panel): Plot.Markish[] {
  const { network, limit } = curve;
  const marks: Plot.Markish[] = [];
  if (network?.low && network.high && whiskers) {
    marks.push(
      Plot.ruleX(network.x, { x: network.x, y1: network.low, y2: network.high, stroke: color, strokeWidth: 1.4 }),
    );
  } else if (network?.low && network.high) {
    marks.push(
      Plot.areaY(network.x, {
        x: network.x,
        y1: network.low,
        y2: network.high,
        fill: color,
        fillOpacity: 0.22,
        clip: true,
      }),
    );
  }
  if (limit) marks.push(Plot.line(limit.x, { x: limit.x, y: limit.y, stroke: color, strokeWidth: 1.9, clip: true }));
  if (network) {
    if (joined) {
      marks.push(Plot.line(network.x, { x: network.x, y: network.y, stroke: color, strokeWidth: 1.6, clip: true }));
    }
    marks.push(
      Plot.dot(network.x, {
        x: network.x,
        y: network.y,
        r: joined ? 2.4 : 2.9,
        fill: joined ? color : "white",
        stroke: color,
        strokeWidth: 1.4,
      }),
    );
  }
  return marks;
}

function visible<S extends Series | SpreadSeries>(series: S, { x, y }: Pick<Panel, "x" | "y">): S {
  const shown = (value: number | undefined, axis: Axis) =>
    value !== undefined && Number.isFinite(value) && (axis.scale === "linear" || value > 0);
  const keep = series.x.map((_, i) => shown(series.x[i], x) && shown(series.y[i], y));
  const cut = (values: number[]) => values.filter((_, i) => keep[i]);
  const cutSeries: S = { ...series, x: cut(series.x), y: cut(series.y) };
  if ("low" in series) {
    const { low, high } = series as SpreadSeries;
    const floor = y.scale === "log" ? Math.min(...cutSeries.y) / 10 : -Number.MAX_VALUE;
    const ends = (values: number[] | null) =>
      values && cut(values).map((v, i) => (Number.isFinite(v) ? Math.max(v, floor) : cutSeries.y[i]!));
    Object.assign(cutSeries, { low: ends(low), high: ends(high) });
  }
  return cutSeries;
}

function abscissae({ network, limit }: Curve): number[] {
  return [...(network?.x ?? []), ...(limit?.x ?? [])];
}

function ordinates({ network, limit }: Curve): number[] {
  return [...(network?.y ?? []), ...(network?.low ?? []), ...(network?.high ?? []), ...(limit?.y ?? [])];
}

// Where a curve ends on the right; its line, where the dots reach no further.
function lastOf({ network, limit }: Curve): number | null {
  let best: { x: number; y: number } | null = null;
  for (const series of [limit, network]) {
    series?.x.forEach((x, i) => {
      if (best === null || x > best.x) best = { x, y: series.y[i]! };
    });
  }
  return (best as { x: number; y: number } | null)?.y ?? null;
}

function span(values: number[], scale: Axis["scale"], padded: boolean): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(low <= high)) return scale === "log" ? [0.1, 1] : [0, 1];
  if (low === high) return scale === "log" ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  if (!padded) return [low, high];
  if (scale === "log") {
    const room = Math.sqrt(Math.sqrt(Math.sqrt(Math.sqrt(high / low))));
    return [low / room, high * room];
  }
  const room = 0.05 * (high - low);
  // a quantity that is not far from 0 shows its 0
  return [low >= 0 && low < 0.35 * high ? 0 : low - room, high + room];
}

function minor(domain: [number, number], scale: Axis["scale"]): Plot.Markish | null {
  if (scale === "linear") return null;
  return Plot.axisX(minorTicks(domain), { label: null, tickFormat: () => "", tickSize: 3, stroke: FAINT });
}

/**
 * Positions at least `gap` apart, as near as that allows to where they were wanted.
 *
 * @param wanted  pixels
 * @param gap     smallest distance
 * @param low     smallest position
 * @param high    largest position
 */
export function dodge(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]!);
  const at = order.map((i) => Math.min(Math.max(wanted[i]!, low), high));
  // Push overlapping neighbours apart from the middle of their cluster, until nothing overlaps.
  for (let round = 0; round < 100; round++) {
    let moved = false;
    for (let k = 1; k < at.length; k++) {
      const overlap = gap - (at[k]! - at[k - 1]!);
      if (overlap <= 1e-6) continue;
      at[k - 1]! -= overlap / 2;
      at[k]! += overlap / 2;
      moved = true;
    }
    if (!moved) break;
  }
  // A cluster at an end is pushed back inside, as far as there is room.
  const last = at.length - 1;
  for (let k = last; k >= 0; k--) at[k] = Math.min(at[k]!, high - (last - k) * gap);
  for (let k = 0; k <= last; k++) at[k] = Math.max(at[k]!, low + k * gap);
  const found = new Array<number>(wanted.length);
  order.forEach((i, k) => {
    found[i] = at[k]!;
  });
  return found;
}
