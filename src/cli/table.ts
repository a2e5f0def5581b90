// Tables as text.

import type { Table } from "../study/figures/figure";

/**
 * A table with a head, columns aligned on the right, two blanks between them.
 *
 * @param table  columns and rows
 * @returns lines, each with its end
 */
export function tableText({ columns, rows }: Table): string {
  const cells = [
    columns.map(({ name }) => name),
    ...rows.map((row) =>
      row.map((value, i) => {
        if (value === null) return "–";
        if (typeof value === "string") return value;
        return fixed(value, columns[i]!.digits);
      }),
    ),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => Array.from(row[i]!).length)));
  return cells
    .map((row) => `${row.map((text, i) => " ".repeat(widths[i]! - Array.from(text).length) + text).join("  ")}\n`)
    .join("");
}

// A value that fixed digits would show as nothing is shown in powers of ten.
function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value);
  const text = value.toFixed(digits);
  const lost = value !== 0 && Number(text) === 0;
  if (lost || Math.abs(value) >= 1e9) return value.toExponential(1);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}
