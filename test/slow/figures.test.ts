// Every figure shows what it claims, at its defaults but for the replicas of those that need few: about six minutes on two
// cores.
//
// The bounds stand in the figures (`findings`), from issue and theory: risks within a few standard deviations over seeds of
// what six seeds of an independent prototype gave, W1 of the radii twice what they gave, slopes at least twice their 95 %
// intervals from the theorem's. With a fixed seed a run gives the same bits each time, so there are no false alarms.

import { describe, expect, it } from "vitest";
import { draw } from "../../src/plot/plot";
import { figureNames, loadFigure } from "../../src/study/figures/registry";

/** A rate is fitted over all replicas of a figure; the others show what they show with two. */
const FEW = ["radial-density", "two-starts", "relu-statistics", "dimension-free"];

describe.each(figureNames)("figure %s", (name) => {
  it("finds what it expects, has pictures, a table without gaps, and data that are plain JSON", async () => {
    const figure = await loadFigure(name);
    const { findings, pictures, table, data, warnings } = await figure.run(FEW.includes(name) ? { replicas: 2 } : {});
    for (const { expected, measured, met } of findings) expect(met, `${expected}; measured: ${measured}`).toBe(true);
    expect(warnings).toEqual([]);
    for (const row of table.rows) {
      expect(row).toHaveLength(table.columns.length);
      for (const value of row) expect(value).not.toBeNull();
    }
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
    for (const { picture } of pictures) expect(draw(picture)).toContain("</svg>");
  });
});
