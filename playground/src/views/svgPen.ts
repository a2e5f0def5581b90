// A pen that writes SVG, the same strokes as on the page, without a browser.

import { hex } from "./colours";
import {
  type Box,
  type Cells,
  FONT,
  type Lettering,
  MARK_OPACITY,
  type Mark,
  markPath,
  type Pen,
  RIM_OPACITY,
  type Stroke,
  tenths,
} from "./pen";

/** Collects elements; `svg` makes a document of them. */
export class SvgPen implements Pen {
  private readonly parts: string[] = [];

  /** @param paper  #rrggbb of what is drawn on; cells of this colour are left out */
  constructor(private readonly paper: string) {}

  /**
   * The document.
   *
   * @param width   pixels
   * @param height  pixels
   * @param title   for those who do not see it
   * @param words   for those who do not see it
   * @returns text: no script, no style sheet, nothing from outside
   */
  svg(width: number, height: number, title: string, words: string): string {
    return [
      `<?xml version="1.0" encoding="UTF-8"?>`,
      `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(FONT)}">`,
      `<title>${escaped(title)}</title>`,
      `<desc>${escaped(words)}</desc>`,
      `<rect width="${width}" height="${height}" fill="${this.paper}"/>`,
      ...this.parts,
      "</svg>",
      "",
    ].join("\n");
  }

  rectangle({ x, y, width, height }: Box, colour: string, opacity = 1): void {
    this.parts.push(
      `<rect x="${tenths(x)}" y="${tenths(y)}" width="${tenths(width)}" height="${tenths(height)}" ${fill(colour, opacity)}/>`,
    );
  }

  lines(points: Float32Array, length: number, { colour, width, dash }: Stroke): void {
    const path = trace(points, length);
    if (path === "") return;
    const dashes = dash && dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "";
    this.parts.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linejoin="round"${dashes}/>`,
    );
  }

  area(outline: Float32Array, length: number, colour: string, opacity = 1): void {
    const path = trace(outline, length);
    if (path !== "") this.parts.push(`<path d="${path}z" ${fill(colour, opacity)}/>`);
  }

  marks(points: Float32Array, length: number, mark: Mark, size: number, colour: string, rim: string): void {
    this.parts.push(
      `<g fill="${colour}" fill-opacity="${MARK_OPACITY}" stroke="${rim}" stroke-opacity="${RIM_OPACITY}" stroke-width="1.2" paint-order="stroke">`,
    );
    for (let i = 0; i + 1 < length; i += 2) {
      const [x, y] = [points[i]!, points[i + 1]!];
      this.parts.push(
        mark === "disc"
          ? `<circle cx="${tenths(x)}" cy="${tenths(y)}" r="${size / 2}"/>`
          : `<path d="${markPath(mark, size, x, y)}"/>`,
      );
    }
    this.parts.push("</g>");
  }

  cells({ x, y, width, height }: Box, { columns, rows, colours, palette }: Cells): void {
    const across = width / columns;
    const down = height / rows;
    const paths = new Map<number, string>();
    for (let row = 0; row < rows; row++) {
      const [top, bottom] = [tenths(y + row * down), tenths(y + (row + 1) * down)];
      for (let from = 0, to = 0; from < columns; from = to) {
        const colour = colours[row * columns + from]!;
        while (to < columns && colours[row * columns + to] === colour) to++;
        const piece = `M${tenths(x + from * across)},${top}H${tenths(x + to * across)}V${bottom}H${tenths(x + from * across)}z`;
        paths.set(colour, (paths.get(colour) ?? "") + piece);
      }
    }
    this.parts.push(`<g shape-rendering="crispEdges">`);
    for (const [colour, path] of paths) {
      const [r, g, b] = palette.subarray(4 * colour, 4 * colour + 3);
      const named = hex([r!, g!, b!]);
      if (named !== this.paper) this.parts.push(`<path d="${path}" fill="${named}"/>`);
    }
    this.parts.push("</g>");
  }

  text(words: string, x: number, y: number, { colour, size = 12, bold, align, from }: Lettering): void {
    const attributes = [
      `x="${tenths(x)}" y="${tenths(from === "middle" ? y + 0.35 * size : y)}" font-size="${size}" fill="${colour}"`,
      ...(bold ? [`font-weight="600"`] : []),
      ...(align && align !== "start" ? [`text-anchor="${align}"`] : []),
    ];
    this.parts.push(`<text ${attributes.join(" ")}>${escaped(words)}</text>`);
  }

  within({ x, y, width, height }: Box, inside: () => void): void {
    // a document in the document cuts off without an id, which pictures on one page would share
    const [left, top, across, down] = [x, y, width, height].map(tenths);
    this.parts.push(
      `<svg x="${left}" y="${top}" width="${across}" height="${down}" viewBox="${left} ${top} ${across} ${down}">`,
    );
    inside();
    this.parts.push("</svg>");
  }
}

function trace(points: Float32Array, length: number): string {
  let path = "";
  let broken = true;
  for (let i = 0; i + 1 < length; i += 2) {
    const [x, y] = [points[i]!, points[i + 1]!];
    if (Number.isNaN(x + y)) broken = true;
    else {
      path += `${broken ? "M" : "L"}${tenths(x)},${tenths(y)}`;
      broken = false;
    }
  }
  return path;
}

function fill(colour: string, opacity: number): string {
  return opacity === 1 ? `fill="${colour}"` : `fill="${colour}" fill-opacity="${opacity}"`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
}
