// The gallery as it is committed: complete, of one piece, and small. That figures find again what is recorded is what
// `npm run gallery -- --check` holds, which runs them.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { differences, faults } from "../../scripts/gallery/checks";
import { readRecords, recordOf, recordText } from "../../scripts/gallery/record";
import { figureListText, listedFigures } from "../../src/cli/figureList";
import { families } from "../../src/study/figures/families";
import { figureNames } from "../../src/study/figures/registry";

const records = readRecords();

describe("the gallery", () => {
  it("has a record of every figure and its pictures as recorded, no others, and pages that are what the records give", async () => {
    expect(await faults()).toEqual([]);
  });

  it("is small: no picture above 200 kB, all together below 1.7 MB, the list of the command line below 30 kB", () => {
    const sizes = readdirSync("docs/figures")
      .filter((file) => file.endsWith(".svg"))
      .map((file) => statSync(`docs/figures/${file}`).size);
    expect(Math.max(...sizes)).toBeLessThan(200_000);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(1_700_000);
    expect(statSync("src/cli/measured.ts").size).toBeLessThan(30_000);
    // what a reader loads at once: the pictures come as they are scrolled to
    expect(gzipSync(readFileSync("docs/gallery.md")).length).toBeLessThan(60_000);
  });

  it("each figure stands in one family, and its note is there, with the place that is named", () => {
    const named = families.flatMap(({ figures }) => Object.entries(figures));
    expect(named.map(([name]) => name).sort()).toEqual([...figureNames].sort());
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s-]/gu, "")
        .trim()
        .replaceAll(" ", "-");
    const missing = named.filter(([, { note }]) => {
      const [page, place] = note.split("#");
      if (!existsSync(`docs/${page}`)) return true;
      const headings = Array.from(readFileSync(`docs/${page}`, "utf8").matchAll(/^#+ (.*)$/gm), ([, text]) =>
        slug(text!),
      );
      return place !== undefined && !headings.includes(place);
    });
    expect(missing).toEqual([]);
  });

  it("the list names every figure with what it found", async () => {
    const figures = await listedFigures();
    for (const { name, measured } of figures) {
      expect(measured, name).not.toBeNull();
      expect(measured!.seconds).toBeGreaterThan(0);
      expect(measured!.met).toBe(measured!.of);
      expect([measured!.expected, measured!.measured]).not.toContain("");
    }
    const lines = figureListText(figures, false).split("\n");
    for (const name of figureNames) expect(lines.filter((line) => line.startsWith(`  ${name} `))).toHaveLength(1);
  });
});

describe("a record", () => {
  const outcome = {
    name: "radial-density",
    title: "Two things",
    claim: "They are seen.",
    seconds: 12.34,
    result: {
      table: {
        columns: [
          { name: "t", digits: 1 },
          { name: "µs", digits: 1, timed: true as const },
        ],
        rows: [
          [0, 3],
          [1, 4],
        ],
      },
      pictures: [],
      findings: [
        { expected: "one", measured: "1", met: true },
        { expected: "fast", measured: "3 s", met: true, timed: true as const },
      ],
      warnings: [],
      data: {},
    },
  };
  const { record } = recordOf(outcome);

  it("is JSON with a row of the table a line", () => {
    const text = recordText(record);
    expect(JSON.parse(text)).toEqual(record);
    expect(text.split("\n").filter((line) => /^ +\[/.test(line))).toEqual(["   [0,3],", "   [1,4]"]);
    expect(record.seconds).toBe(12);
  });

  it("differs by what is measured, by the table and by pictures, and not by the clock", () => {
    const changed = (change: (copy: typeof record) => void) => {
      const copy = structuredClone(record);
      change(copy);
      return differences(record, copy);
    };
    expect(changed(() => {})).toEqual([]);
    expect(
      changed((copy) => {
        copy.seconds = 99;
        copy.version = "9.9.9";
        copy.findings[1]!.measured = "9 s";
        copy.findings[1]!.met = false;
        copy.table.rows[1]![1] = 9;
      }),
    ).toEqual([]);
    expect(changed((copy) => (copy.findings[0]!.measured = "2"))).toEqual([
      'finding 1, what is measured, is "2", recorded "1"',
    ]);
    expect(changed((copy) => (copy.table.rows[1]![0] = 1 + 2 ** -52))).toEqual([
      "row 2, t, is 1.0000000000000002, recorded 1",
    ]);
    expect(
      changed((copy) => copy.pictures.push({ file: "x.svg", title: "x", width: 1, height: 1, sha256: "0" })),
    ).toHaveLength(1);
    expect(changed((copy) => copy.table.rows.pop())).toHaveLength(2);
  });

  it("of every figure has findings that a test can hold", () => {
    for (const { findings } of records.values()) expect(findings.some(({ timed }) => !timed)).toBe(true);
  });
});
