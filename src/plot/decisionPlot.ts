// Which class is where in the plane: regions in pale colours, and points of the same colours over them, each class with a mark of its own.

import type * as Plot from "@observablehq/plot";
import type { DecisionPicture } from "../study/figures/picture";
import { hue } from "./palette";
import { panelOptions } from "./panel";
import { REGION_OPACITY, svg } from "./svg";

// Marks of about the same area, as paths from their middle.
const MARKS = [
  "m-3,0a3,3 0 1 0 6,0a3,3 0 1 0 -6,0z",
  "m-2.7,-2.7h5.4v5.4h-5.4z",
  "m0,-3.9l3.6,6.4h-7.2z",
  "m0,-3.9l3.9,3.9l-3.9,3.9l-3.9,-3.9z",
  "m0,3.9l3.6,-6.4h-7.2z",
  "m-3.6,-1.2h2.4v-2.4h2.4v2.4h2.4v2.4h-2.4v2.4h-2.4v-2.4h-2.4z",
];

const SIDE = 264;

/**
 * Decision regions: small multiples over one square of the plane.
 *
 * @param picture  panels of cells and points
 * @returns an SVG document
 */
export function decisionPlot(picture: DecisionPicture): string {
  const { x, y, classes } = picture;
  const count = picture.panels.length;
  const columns = count <= 3 ? count : count === 4 ? 2 : 3;
  return svg({
    title: picture.title,
    subtitle: picture.subtitle,
    key: classes.map((label, c) => ({ glyph: "region", color: hue(c), label, mark: MARKS[c % MARKS.length]! })),
    columns,
    panels: picture.panels.map(({ title, columns: width, cells, points }) =>
      panelOptions({
        width: SIDE + 58 + 16,
        height: SIDE + 46 + 46,
        title,
        x: { ...x, scale: "linear" },
        y: { ...y, scale: "linear" },
        curves: [],
        right: 16,
        marks: [
          regions(cells, width, x.domain, y.domain, classes.length),
          ...(points ? [marks(points, classes.length)] : []),
        ],
      }),
    ),
  });
}

type Scale = (value: number) => number;

// One path a class: a rectangle for each run of cells of a row.
function regions(
  cells: readonly number[],
  columns: number,
  [left, right]: [number, number],
  [low, high]: [number, number],
  count: number,
): Plot.Markish {
  const rows = cells.length / columns;
  return (_index, scales, _values, _dimensions, context) => {
    const [atX, atY] = [scales.x as Scale, scales.y as Scale];
    const px = (column: number) => tenths(atX(left + ((right - left) * column) / columns));
    const py = (row: number) => tenths(atY(low + ((high - low) * row) / rows));
    const paths = Array.from({ length: count }, () => "");
    for (let row = 0; row < rows; row++) {
      for (let from = 0, to = 0; from < columns; from = to) {
        const c = cells[row * columns + from]!;
        while (to < columns && cells[row * columns + to] === c) to++;
        paths[c]! += `M${px(from)},${py(row)}H${px(to)}V${py(row + 1)}H${px(from)}z`;
      }
    }
    return group(
      context.document,
      paths.map((d, c) => ({ d, fill: hue(c), "fill-opacity": REGION_OPACITY, "shape-rendering": "crispEdges" })),
    );
  };
}

function marks({ x, y, classes }: { x: number[]; y: number[]; classes: number[] }, count: number): Plot.Markish {
  return (_index, scales, _values, _dimensions, context) => {
    const [atX, atY] = [scales.x as Scale, scales.y as Scale];
    const path = (c: number) =>
      x
        .map((value, i) =>
          classes[i] === c ? `M${tenths(atX(value))},${tenths(atY(y[i]!))}${MARKS[c % MARKS.length]}` : "",
        )
        .join("");
    return group(
      context.document,
      Array.from({ length: count }, (_, c) => ({ d: path(c), fill: hue(c), stroke: "white", "stroke-width": 0.7 })),
    );
  };
}

function tenths(pixels: number): number {
  return Math.round(10 * pixels) / 10;
}

function group(document: Document, paths: readonly Record<string, string | number>[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "g") as SVGElement;
  for (const attributes of paths) {
    if (attributes["d"] === "") continue;
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [name, value] of Object.entries(attributes)) path.setAttribute(name, String(value));
    made.append(path);
  }
  return made;
}
