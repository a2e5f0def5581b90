// What pictures are drawn with: a canvas on the page, SVG text in a file, the same strokes on both.

/** Pixels, from the top left. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** How a line is drawn. */
export interface Stroke {
  colour: string;
  width: number;
  /** lengths of dashes and gaps */
  dash?: readonly number[];
}

/** How words are drawn. */
export interface Lettering {
  colour: string;
  /** font size (12) */
  size?: number;
  bold?: boolean;
  /** which part of the words stands at x ("start") */
  align?: "start" | "middle" | "end";
  /** whether y is the base line or the middle of the letters ("base") */
  from?: "base" | "middle";
}

/** Small marks that are told apart by form as well as by colour. */
export const MARKS = ["disc", "square", "triangle", "diamond", "cross", "ring"] as const;
/** One of them. */
export type Mark = (typeof MARKS)[number];

// corners in halves of the size; all marks have about the same area
const CORNERS: Record<Exclude<Mark, "disc" | "ring">, readonly number[]> = {
  square: [-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9],
  triangle: [0, -1.25, 1.15, 0.8, -1.15, 0.8],
  diamond: [0, -1.25, 1.25, 0, 0, 1.25, -1.25, 0],
  cross: [
    -0.4, -1.15, 0.4, -1.15, 0.4, -0.4, 1.15, -0.4, 1.15, 0.4, 0.4, 0.4, 0.4, 1.15, -0.4, 1.15, -0.4, 0.4, -1.15, 0.4,
    -1.15, -0.4, -0.4, -0.4,
  ],
};

/**
 * A mark as a path of SVG.
 *
 * @param mark  form
 * @param size  pixels across
 * @param x     of its middle
 * @param y     of its middle
 */
export function markPath(mark: Mark, size: number, x = 0, y = 0): string {
  const half = size / 2;
  const disc = (radius: number, sweep: number) =>
    `M${tenths(x - radius)},${tenths(y)}a${radius},${radius} 0 1 ${sweep} ${2 * radius},0a${radius},${radius} 0 1 ${sweep} ${-2 * radius},0z`;
  if (mark === "disc") return disc(half, 1);
  if (mark === "ring") return disc(1.1 * half, 1) + disc(0.5 * half, 0);
  const corners = CORNERS[mark];
  let path = "";
  for (let i = 0; i < corners.length; i += 2) {
    path += `${i === 0 ? "M" : "L"}${tenths(x + half * corners[i]!)},${tenths(y + half * corners[i + 1]!)}`;
  }
  return `${path}z`;
}

/** A pixel to a tenth. */
export function tenths(pixel: number): number {
  return Math.round(10 * pixel) / 10;
}

/** An image of equal cells, row 0 at the top. */
export interface Cells {
  columns: number;
  rows: number;
  /** [rows · columns] numbers of colours */
  colours: Uint8Array;
  /** [4·k] red, green, blue, opacity of colour k */
  palette: Uint8ClampedArray;
  /** whether neighbouring cells flow into each other where the pen can do that */
  smooth: boolean;
}

/** Draws. Points are pairs x, y in turn; a pair with NaN breaks a line. */
export interface Pen {
  rectangle(box: Box, colour: string, opacity?: number): void;
  lines(points: Float32Array, length: number, stroke: Stroke): void;
  area(outline: Float32Array, length: number, colour: string, opacity?: number): void;
  /** points of `size` pixels across, each with a thin rim */
  marks(points: Float32Array, length: number, mark: Mark, size: number, colour: string, rim: string): void;
  cells(box: Box, cells: Cells): void;
  text(words: string, x: number, y: number, lettering: Lettering): void;
  /** what `inside` draws is cut off at the box */
  within(box: Box, inside: () => void): void;
}

/** The letters of all pictures. */
export const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif";

/** How much of its colour a mark has, and its rim, so that marks on marks are seen. */
export const MARK_OPACITY = 0.85;
export const RIM_OPACITY = 0.6;
