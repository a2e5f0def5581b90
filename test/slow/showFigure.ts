// What every figure must show, for the slow tests that run them.

import { describe, expect, it } from "vitest";
import { draw } from "../../src/plot/plot";
import { loadFigure } from "../../src/study/figures/registry";

/** Tests that figures find what they expect. */
export function showFigures(names: readonly string[], options: { replicas?: number } = {}): void {
  describe.each(names)("figure %s", (name) => {
    it("finds what it expects, has pictures, a table without gaps, and data that are plain JSON", async () => {
      const figure = await loadFigure(name);
      const { findings, pictures, table, data, warnings } = await figure.run(options);
      const tested = findings.filter(({ timed }) => timed === undefined);
      expect(tested.length).toBeGreaterThan(0);
      for (const { expected, measured, met } of tested) expect(met, `${expected}; measured: ${measured}`).toBe(true);
      expect(warnings).toEqual([]);
      for (const row of table.rows) {
        expect(row).toHaveLength(table.columns.length);
        for (const value of row) expect(value).not.toBeNull();
      }
      expect(JSON.parse(JSON.stringify(data))).toEqual(data);
      for (const { picture } of pictures) expect(draw(picture)).toContain("</svg>");
    });
  });
}
