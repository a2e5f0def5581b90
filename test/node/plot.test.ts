// Static figures. What they look like is for the eye; here: they are whole, the same each time, and show what they are given.

import { DOMParser } from "linkedom";
import { describe, expect, it } from "vitest";
import { hue } from "../../src/plot/palette";
import { dodge } from "../../src/plot/panel";
import { draw } from "../../src/plot/plot";
import { tickText } from "../../src/plot/ticks";
import type {
  BandsPicture,
  DecisionPicture,
  DensityPicture,
  Picture,
  RatePicture,
  RiskPicture,
  StatisticsPicture,
  SweepPicture,
} from "../../src/study/figures/picture";

const times = [0, 0.1, 1, 10];
const network = { x: times, y: [2, 1.5, 1.1, 0.4], low: [1.9, 1.4, 1.0, 0.3], high: [2.1, 1.6, 1.2, 0.5] };
const limit = { x: times, y: [2, 1.45, 1.05, 0.35] };
const head = { title: "A title with < and &", subtitle: "N = 800; knots (0.5, −2.5), (1.5, 7.5)" };
const x = { label: "time t = kε", scale: "log" as const };
const key = { network: "SGD, mean of 4", spread: "± standard error", limit: "radial PDE" };

const risk: RiskPicture = {
  ...head,
  kind: "risk",
  x,
  y: { label: "risk R", scale: "linear" },
  curves: [{ label: "κ = 0.4", network, limit }],
  levels: [{ y: 1, label: "R = 1" }],
  key,
  gap: { label: "gap", curves: [{ series: { ...network, y: [0, 0.05, 0.05, 0.05] } }] },
};
const density: DensityPicture = {
  ...head,
  kind: "density",
  x: { label: "radius r", scale: "linear", domain: [0, 3] },
  y: "density",
  key: { histogram: "SGD", density: "PDE" },
  panels: [
    { title: "t = 0", histogram: { edges: [0, 1, 2], heights: [0.4, 0.6] }, density: { x: [0, 1, 2], y: [0, 0.7, 0] } },
    {
      title: "t = 1",
      histogram: { edges: [0, 1, 2], heights: [0.4, 0.6] },
      density: { x: [0.1, 0.2, 2], y: [0, 9, 0] },
    },
    { title: "t = 2", histogram: null, density: null },
  ],
};
const statistics: StatisticsPicture = {
  ...head,
  kind: "statistics",
  x,
  key,
  panels: ["a", "b", "r₁"].map((title) => ({
    title,
    y: { label: "mean", scale: "linear" as const },
    levels: [],
    curves: [
      { label: "mean", network, limit },
      { label: "5 %", network: { ...network, low: null, high: null }, limit: null },
    ],
  })),
};
const sweep: SweepPicture = {
  ...head,
  kind: "sweep",
  x: { label: "n/d", scale: "log" },
  y: { label: "risk R", scale: "linear" },
  key,
  limit: "PDE, d = ∞",
  panels: [
    { title: "several d", curves: [{ label: "d = 50", series: network }], limit, levels: [{ y: 0.3, label: "inf R" }] },
  ],
};
const rate: RatePicture = {
  ...head,
  kind: "rate",
  key: { network: "mean of 20", spread: "± standard error", limit: "fitted power law", reference: "theorem" },
  panels: [
    {
      title: "a cosine",
      x: { label: "neurons N" },
      y: { label: "risk R" },
      curves: [
        {
          label: "d = 10",
          slope: "slope −0.99 [−1.02, −0.96]",
          points: { x: [1, 10, 100], y: [2, 0.21, 0.02], low: [1.9, 0.2, 0.019], high: [2.1, 0.22, 0.021] },
          fit: { x: [1, 100], y: [2, 0.02] },
        },
      ],
      references: [{ label: "Δ²/N", x: [1, 100], y: [5, 0.05] }],
    },
  ],
};
const bands: BandsPicture = {
  ...head,
  kind: "bands",
  key: { limit: "limit", spread: "band of 95 %", runs: "runs of SGD", refused: "refused from here on" },
  panels: [
    {
      title: "f(x) at t = 1",
      x: { label: "input x", scale: "linear" },
      y: { label: "prediction f(x)", scale: "linear" },
      band: { x: [0, 1], y: [0, 1], low: [-1, 0], high: [1, 2] },
      runs: {
        x: [0, 1, 2],
        y: [
          [0.5, 0.5, 3],
          [-2, 1, 4],
        ],
      },
      refusedFrom: 1.5,
    },
    {
      title: "a constant",
      x: { label: "input x", scale: "linear" },
      y: { label: "prediction f(x)", scale: "linear" },
      band: { x: [0, 1], y: [2, 2], low: [2, 2], high: [2, 2] },
      runs: { x: [0, 1], y: [[2, 2]] },
      refusedFrom: null,
    },
  ],
};
const decision: DecisionPicture = {
  ...head,
  kind: "decision",
  x: { label: "x₁", domain: [-3, 3] },
  y: { label: "x₂", domain: [-3, 3] },
  classes: ["none", "one", "two"],
  panels: [
    // a row of two runs under one of three
    { title: "a", columns: 4, cells: [0, 0, 1, 1, 2, 0, 0, 1], points: { x: [1, -1], y: [2, 0], classes: [0, 2] } },
    { title: "b", columns: 2, cells: [1, 1], points: null },
  ],
};

const pictures: [string, Picture][] = [risk, density, statistics, sweep, rate, bands, decision].map((one) => [
  one.kind,
  one,
]);

const parsed = (text: string) => new DOMParser().parseFromString(text, "image/svg+xml");

describe.each(pictures)("a %s picture", (_, picture) => {
  const text = draw(picture);

  it("is a document of its own: nothing from outside, no script, no style sheet", () => {
    expect(text).toMatch(/^<\?xml[^>]*\?>\n<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(text).not.toMatch(/<script|<style|href=|url\((?!#clip-[0-9a-f]{8}-\d+\))|class=/);
    expect(parsed(text).querySelector("rect")!.getAttribute("fill")).toBe("white");
  });

  it("is the same text for the same data, whatever was drawn before", () => {
    expect(draw(picture)).toBe(text);
  });

  it("has a finite place for everything", () => {
    expect(text).not.toMatch(/NaN|Infinity|undefined|null/);
  });

  it("says what it is, to the eye and to a reader", () => {
    expect(parsed(text).querySelector("title")!.textContent).toBe(head.title);
    expect(text).toContain("A title with &lt; and &amp;");
    expect(text).toContain("N = 800");
  });

  it("clips only by paths that it has", () => {
    const ids = [...text.matchAll(/<clipPath id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, used] of text.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(used);
    // two pictures may stand in one page
    expect(draw({ ...picture, title: "Another" })).not.toContain(`"${ids[0]}"`);
  });
});

describe("a panel", () => {
  const dots = (picture: Picture) =>
    [...parsed(draw(picture)).querySelectorAll("circle")].filter((one) => one.getAttribute("r") === "2.9").length;

  it("leaves out what a logarithmic axis has no place for", () => {
    // t = 0 is one of four times; the gap has as many dots again
    expect(dots(risk)).toBe(3 + 3);
    expect(dots({ ...risk, x: { ...x, scale: "linear" } })).toBe(4 + 4);
    const negative = { ...network, y: [2, 1.5, -1, 0.4] };
    const curves = [{ label: "", network: negative, limit: null }];
    expect(dots({ ...risk, gap: null, curves, y: { label: "R", scale: "log" } })).toBe(2);
  });

  it("names a curve at its end in its colour, and a level on its line", () => {
    const texts = [...parsed(draw(risk)).querySelectorAll("text")].map((one) => [
      one.textContent,
      one.closest("[fill]")!.getAttribute("fill"),
    ]);
    expect(texts).toContainEqual(["κ = 0.4", hue(0)]);
    expect(texts.map(([label]) => label)).toContain("R = 1");
  });

  it("of rates has a bar through every dot, the slope under the name, and the theorem's line dashed", () => {
    const document = parsed(draw(rate));
    expect(dots(rate)).toBe(3);
    // the lines of one mark share a group, which has the colour
    expect([...document.querySelectorAll(`g[stroke="${hue(0)}"][stroke-width="1.4"] line`)]).toHaveLength(3);
    const texts = [...document.querySelectorAll("text")].map((one) => one.textContent);
    for (const text of ["d = 10", "slope −0.99 [−1.02, −0.96]", "Δ²/N", "theorem"]) expect(texts).toContain(text);
    const dashed = (node: Element) => node.closest("[stroke-dasharray]") !== null;
    expect([...document.querySelectorAll("path")].filter(dashed)).toHaveLength(1);
  });

  it("labels every tick of a logarithmic axis, also of less than a decade", () => {
    const texts = [...parsed(draw(rate)).querySelectorAll("text")].map((one) => one.textContent);
    for (const label of ["1", "2", "5", "10", "20", "50", "100"]) expect(texts).toContain(label);
    const [panel] = rate.panels;
    const [curve] = panel!.curves;
    const narrow = { ...curve!, points: { x: [1, 2], y: [3.2, 3.4], low: null, high: null }, fit: null };
    const flat = draw({ ...rate, panels: [{ ...panel!, curves: [narrow], references: [] }] });
    for (const label of ["3.20", "3.25", "3.40"]) expect(flat).toContain(`>${label}<`);
  });

  it("names a curve where it ends on the right, whatever the order of its points", () => {
    const [panel] = rate.panels;
    const [curve] = panel!.curves;
    const { x, y } = curve!.points;
    const reversed = { ...curve!, points: { x: x.toReversed(), y: y.toReversed(), low: null, high: null } };
    const place = (one: typeof reversed) =>
      [...parsed(draw({ ...rate, panels: [{ ...panel!, curves: [one] }] })).querySelectorAll("text")]
        .find((text) => text.textContent === "d = 10")!
        .parentElement!.getAttribute("transform");
    for (const fit of [null, { x: [1, 10], y: [2, 0.2] }]) {
      expect(place({ ...reversed, fit })).toBe(
        place({ ...reversed, points: { x, y, low: null, high: null }, fit: null }),
      );
    }
  });

  it("compares with references on any axes: half-logarithmic too", () => {
    const [panel] = statistics.panels;
    const decay = { ...panel!, y: { label: "energy", scale: "log" as const }, references: rate.panels[0]!.references };
    const text = draw({ ...statistics, x: { label: "t", scale: "linear" }, panels: [decay] });
    expect(text).toContain(">Δ²/N<");
    expect(text).toContain(">10<");
  });

  it("names a statistic's reference in the key, and notes under its labels, where there are any", () => {
    const [panel] = statistics.panels;
    const noted = { ...panel!, curves: [{ ...panel!.curves[0]!, note: "λ = 1.64" }] };
    const text = draw({ ...statistics, key: { ...key, reference: "a bound" }, panels: [noted] });
    expect(text).toContain(">λ = 1.64<");
    expect(text).toContain(">a bound<");
    expect(draw(statistics)).not.toContain(">a bound<");
  });

  it("of regions has a rectangle for each run of cells in its class' colour, and every point with its class' mark", () => {
    const document = parsed(draw(decision));
    type Path = { getAttribute(name: string): string | null };
    const regions = Array.from(document.querySelectorAll("path[shape-rendering]")) as Path[];
    const runs = (path: Path) => path.getAttribute("d")!.split("z").length - 1;
    const of = (color: string) => regions.filter((path) => path.getAttribute("fill") === color).map(runs);
    expect([0, 1, 2].map((c) => of(hue(c)))).toEqual([[2], [2, 1], [1]]);
    const marks = Array.from(document.querySelectorAll('path[stroke-width="0.7"]')) as Path[];
    expect(marks.map((path) => [path.getAttribute("fill"), runs(path)])).toEqual([
      [hue(0), 1],
      [hue(2), 1],
    ]);
    const [first, second] = marks.map((path) => path.getAttribute("d")!.replace(/^M[-\d.,]*/, ""));
    expect(first).not.toBe(second);
    // the lowest row stands lowest: class 2 is in the upper row alone
    const top = (color: string) =>
      /,([\d.]+)H/.exec(regions.find((path) => path.getAttribute("fill") === color)!.getAttribute("d")!)![1];
    expect(Number(top(hue(2)))).toBeLessThan(Number(top(hue(0))));
    for (const name of decision.classes) expect(document.documentElement.textContent).toContain(name);
  });

  it("draws with nothing to draw", () => {
    const nothing = { ...risk, curves: [{ label: "", network: null, limit: null }], gap: null };
    expect(draw(nothing)).toContain("<svg");
    const short = { x: [0], y: [1], low: null, high: null };
    expect(draw({ ...risk, curves: [{ label: "one", network: short, limit: null }], gap: null })).toContain("<svg");
  });

  it("says how high a peak is that it cuts off", () => {
    expect(draw(density)).toContain("peak 9.0 at r = 0.20");
  });
});

describe("a long line", () => {
  it("is short text, and no point of it is off by more than half a tenth of a pixel", () => {
    const x = Array.from({ length: 400 }, (_, i) => i / 399);
    const y = x.map((one) => one + 0.5 * Math.sin(40 * one));
    const text = draw({
      ...risk,
      gap: null,
      levels: [],
      curves: [{ label: "", network: null, limit: { x, y } }],
      x: { label: "x", scale: "linear" },
      y: { label: "y", scale: "linear" },
    });
    const [line] = Array.from(text.matchAll(/ d="M([^"]*)"/g), ([, path]) => path!).sort((a, b) => b.length - a.length);
    expect(line!.length).toBeLessThan(400 * 9);
    const [start, steps] = line!.split("l") as [string, string];
    const numbers = (part: string) => part.match(/-?\d*\.?\d+/g)!.map(Number);
    const at: [number, number][] = [numbers(start) as [number, number]];
    const found = numbers(steps);
    for (let i = 0; i < found.length; i += 2) {
      const [right, down] = at[at.length - 1]!;
      at.push([right + found[i]!, down + found[i + 1]!]);
    }
    expect(at).toHaveLength(400);
    // affine in x and y: the map that fits the ends in x, and the extremes in y
    const [left, right] = [at[0]![0], at[399]![0]];
    for (const [i, [px]] of at.entries()) {
      expect(Math.abs(px - (left + (right - left) * x[i]!))).toBeLessThan(0.1 + 1e-9);
    }
    const [lowest, highest] = [y.indexOf(Math.min(...y)), y.indexOf(Math.max(...y))];
    const slope = (at[highest]![1] - at[lowest]![1]) / (y[highest]! - y[lowest]!);
    for (const [i, [, py]] of at.entries()) {
      expect(Math.abs(py - at[lowest]![1] - slope * (y[i]! - y[lowest]!))).toBeLessThan(0.15);
    }
  });
});

describe("ticks and labels", () => {
  it("are written in plain digits, or as powers of ten", () => {
    expect([0, 0.001, 12.5, 10000].map(tickText)).toEqual(["0", "0.001", "12.5", "10000"]);
    expect([1e-4, 2e-5, 1e6, -1.5].map(tickText)).toEqual(["10⁻⁴", "2·10⁻⁵", "10⁶", "−1.5"]);
  });

  it("stand apart, in their order, as near as can be to where they belong", () => {
    const found = dodge([50, 52, 51, 200], 14, 0, 300);
    const sorted = [found[0]!, found[2]!, found[1]!, found[3]!];
    sorted.slice(1).forEach((y, i) => void expect(y - sorted[i]!).toBeGreaterThanOrEqual(14 - 1e-5));
    expect(found[2]).toBeCloseTo(51, 3);
    expect(found[3]).toBe(200);
    expect(dodge([290, 295, 298, 100], 14, 0, 300)).toEqual([272, 286, 300, 100]);
    expect(dodge([2, 1, 0], 14, 0, 300)).toEqual([28, 14, 0]);
  });
});
