// Sheets of plots as self-contained SVG text, without a browser: Observable Plot drawn into linkedom's document.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { INK, QUIET } from "./palette";
import { textWidth, wrap } from "./text";

/** An entry of the key above the plots. */
export interface KeyEntry {
  glyph: "line" | "dashes" | "dot" | "joined" | "band" | "whisker" | "bars" | "region";
  color: string;
  /** Of a region: its points' mark, a path about the origin. */
  mark?: string;
  label: string;
}

/** A sheet: a head, a key and panels in rows. */
export interface Sheet {
  title: string;
  subtitle: string;
  key: KeyEntry[];
  /** Plots, each with its own width and height, left to right and then down. */
  panels: Plot.PlotOptions[];
  /** Panels in a row (1). */
  columns?: number;
}

const FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif";
const MARGIN = 18;

/** How much of its colour a region has, so that its points stand out. */
export const REGION_OPACITY = 0.34;

/**
 * The sheet as SVG text.
 *
 * @param sheet  head, key and plots
 * @returns an SVG document: no script, no style sheet, nothing from outside; the same text for the same sheet
 */
export function svg(sheet: Sheet): string {
  const { document } = parseHTML("<html></html>");
  const element = (name: string, attributes: Record<string, string | number>, text?: string): Element => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    if (text !== undefined) made.textContent = text;
    return made as unknown as Element;
  };

  const columns = sheet.columns ?? 1;
  const widths = Array.from({ length: columns }, (_, c) =>
    Math.max(0, ...sheet.panels.filter((_, i) => i % columns === c).map((panel) => panel.width ?? 640)),
  );
  const width = widths.reduce((a, b) => a + b, 0) + 2 * MARGIN;

  const root = element("svg", { xmlns: "http://www.w3.org/2000/svg" });
  const background = element("rect", { width, fill: "white" });
  root.append(element("title", {}, sheet.title), element("desc", {}, sheet.subtitle), background);

  let y = MARGIN + 16;
  root.append(element("text", { x: MARGIN, y, "font-size": 17, "font-weight": "bold" }, sheet.title));
  for (const line of wrap(sheet.subtitle, width - 2 * MARGIN, 12.5)) {
    y += 18;
    root.append(element("text", { x: MARGIN, y, "font-size": 12.5, fill: QUIET }, line));
  }
  if (sheet.key.length > 0) {
    y += 26;
    let x = MARGIN;
    for (const entry of sheet.key) {
      const length = 34 + textWidth(entry.label, 12) + 22;
      if (x > MARGIN && x + length > width - MARGIN) {
        x = MARGIN;
        y += 19;
      }
      root.append(glyph(entry, x, y - 4, element));
      root.append(element("text", { x: x + 32, y, "font-size": 12 }, entry.label));
      x += length;
    }
  }
  y += 14;

  for (let first = 0; first < sheet.panels.length; first += columns) {
    let x = MARGIN;
    let height = 0;
    sheet.panels.slice(first, first + columns).forEach((panel, column) => {
      root.append(place(panel, document as unknown as Document, x, y, element));
      x += widths[column]!;
      height = Math.max(height, panel.height ?? 400);
    });
    y += height + 8;
  }
  y += 6;
  background.setAttribute("height", String(y));
  const frame = { width, height: y, viewBox: `0 0 ${width} ${y}`, "font-family": FONT, fill: INK, color: INK };
  for (const [key, value] of Object.entries(frame)) root.setAttribute(key, String(value));
  root.setAttribute("role", "img");
  tidy(root, digest(`${sheet.title}\n${sheet.subtitle}`));
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root.outerHTML}\n`;
}

type Make = (name: string, attributes: Record<string, string | number>, text?: string) => Element;

function place(options: Plot.PlotOptions, document: Document, x: number, y: number, element: Make): Element {
  const plot = Plot.plot({ ...options, document } as Plot.PlotOptions);
  const group = element("g", { transform: `translate(${x},${y})`, "text-anchor": "middle", "font-size": 12 });
  for (const child of Array.from(plot.children)) {
    if (child.localName !== "style") group.append(child);
  }
  return group;
}

function glyph({ glyph: shape, color, mark = "" }: KeyEntry, x: number, y: number, element: Make): Element {
  switch (shape) {
    case "line":
      return element("line", { x1: x, x2: x + 24, y1: y, y2: y, stroke: color, "stroke-width": 2 });
    case "dashes":
      return element("line", {
        x1: x,
        x2: x + 24,
        y1: y,
        y2: y,
        stroke: color,
        "stroke-width": 1.4,
        "stroke-dasharray": "5 4",
      });
    case "whisker":
      return element("line", { x1: x + 12, x2: x + 12, y1: y - 7, y2: y + 7, stroke: color, "stroke-width": 1.4 });
    case "dot":
      return element("circle", { cx: x + 12, cy: y, r: 3.2, fill: "white", stroke: color, "stroke-width": 1.5 });
    case "joined":
      return element("path", {
        d: `M${x},${y}h24M${x + 9},${y}a3,3 0 1 0 6,0a3,3 0 1 0 -6,0z`,
        stroke: color,
        fill: color,
        "stroke-width": 1.6,
      });
    case "band":
      return element("rect", { x, y: y - 5, width: 24, height: 10, fill: color, "fill-opacity": 0.25 });
    case "region": {
      const region = element("g", {});
      region.append(
        element("rect", { x, y: y - 7, width: 24, height: 14, fill: color, "fill-opacity": REGION_OPACITY }),
        element("path", {
          d: mark,
          transform: `translate(${x + 12},${y})`,
          fill: color,
          stroke: "white",
          "stroke-width": 0.8,
        }),
      );
      return region;
    }
    case "bars":
      return element("path", { d: `M${x},${y + 6}v-5h8v-7h8v4h8v8z`, fill: color, "fill-opacity": 0.35 });
  }
}

const LENGTHS = new Set(["d", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"]);

/** FNV-1a of a text, 32 bits. */
function digest(text: string): string {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0).toString(16).padStart(8, "0");
}

// Two decimals of a pixel are enough; ids are renumbered, because Plot counts them over the life of the process, and carry a name, because
// pictures that stand in one page share its ids.
function tidy(root: Element, picture: string): void {
  const ids = new Map<string, string>();
  for (const element of Array.from(root.querySelectorAll("*"))) {
    for (const { name, value } of Array.from(element.attributes)) {
      if (LENGTHS.has(name)) {
        element.setAttribute(
          name,
          value.replace(/-?\d+\.\d{3,}(e-?\d+)?/g, (text) => String(round2(Number(text)))),
        );
        if (name === "d") element.setAttribute(name, shortened(element.getAttribute(name)!));
      } else if (name === "id") {
        ids.set(value, `clip-${picture}-${ids.size + 1}`);
        element.setAttribute(name, ids.get(value)!);
      } else if (name === "class" || name === "aria-hidden") {
        element.removeAttribute(name);
      }
    }
    if (element.localName === "text" && element.textContent === "") element.remove();
  }
  for (const element of Array.from(root.querySelectorAll("[clip-path]"))) {
    const id = /#([^)]*)/.exec(element.getAttribute("clip-path")!)![1]!;
    element.setAttribute("clip-path", `url(#${ids.get(id)!})`);
  }
}

// A path of many straight lines, in steps of a tenth of a pixel from point to point: half as long, and each point is where it was to
// within half a tenth. Short paths and curves, the glyphs, stay as they are.
function shortened(path: string): string {
  const parts = path.match(/[a-z][^a-z]*/gi) ?? [];
  if (parts.length < 9 || !/^[MLZ\d.,\s-]*$/.test(path)) return path;
  let last = [0, 0];
  let text = "";
  for (const part of parts) {
    if (part.startsWith("Z")) {
      text += "Z";
      continue;
    }
    const point = part
      .slice(1)
      .split(",")
      .map((x) => Math.round(10 * Number(x)));
    const from = part.startsWith("M") ? [0, 0] : last;
    const [right, down] = [point[0]! - from[0]!, point[1]! - from[1]!];
    last = point;
    if (part.startsWith("M")) text += `M${tenths(right)}${down < 0 ? "" : ","}${tenths(down)}l`;
    else if (right !== 0 || down !== 0) {
      const joint = right < 0 || text.endsWith("l") ? "" : " ";
      text += `${joint}${tenths(right)}${down < 0 ? "" : ","}${tenths(down)}`;
    }
  }
  return text.replace(/l(?=[MZ]|$)/g, "");
}

function tenths(x: number): string {
  return String(x / 10).replace(/^(-?)0\./, "$1.");
}

function round2(x: number): number {
  return Math.round(x * 100) / 100 + 0;
}
