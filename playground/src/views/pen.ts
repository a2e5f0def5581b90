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
  /** many discs of `size` pixels across, each with a thin rim */
  dots(points: Float32Array, length: number, size: number, colour: string, rim: string): void;
  /** points of `size` pixels across, each with a thin rim */
  marks(points: Float32Array, length: number, mark: Mark, size: number, colour: string, rim: string): void;
  cells(box: Box, cells: Cells): void;
  text(words: string, x: number, y: number, lettering: Lettering): void;
  /** what `inside` draws is cut off at the box */
  within(box: Box, inside: () => void): void;
}

/** The letters of all pictures. */
export const FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans', sans-serif";
