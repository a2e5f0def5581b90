// The part of d3-dsv that is used here; the package brings no types.

declare module "d3-dsv" {
  /** Rows of texts as CSV (RFC 4180), lines joined by \n. */
  export function csvFormatRows(rows: readonly (readonly string[])[]): string;
  /** The same, read back. */
  export function csvParseRows(text: string): string[][];
}
