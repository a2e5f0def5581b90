// Geometry of the playground's pictures: axes, colours, curves that are thinned, contours.

import { describe, expect, it } from "vitest";
import { placeOn, plane, steadyRange, steadyTop } from "../../playground/src/views/axes";
import { heat, shade } from "../../playground/src/views/cloud";
import { difference, hex, lightness, mix, ramp, rgb } from "../../playground/src/views/colours";
import { borders, contour } from "../../playground/src/views/contour";
import { Curves, polyline, thinned } from "../../playground/src/views/curves";
import { decisionKind, tint } from "../../playground/src/views/decision";
import { lawHeight, moments } from "../../playground/src/views/law";
import { coordinateName, readable } from "../../playground/src/views/names";
import { bandOutline, between, extent, firstPositive } from "../../playground/src/views/range";
import { LIGHT, type Theme } from "../../playground/src/views/theme";
import { minorTicks, tickFormat, ticks } from "../../src/plot/ticks";

const DARK: Theme = { ...LIGHT, ink: "#e8e6e1", paper: "#15181d", dark: true };
const sample = (time: number, risk: number, limitRisk = Number.NaN) => ({
  time,
  risk,
  limitRisk,
  sharpness: Number.NaN,
  edge: 2,
});

describe("axes", () => {
  it("ticks are round numbers within the ends, about as many as asked for", () => {
    for (const [low, high] of [
      [0, 1],
      [-3.7, 12.2],
      [0.00012, 0.00055],
      [-250, 1800],
    ] as const) {
      for (const count of [3, 5, 8]) {
        const at = ticks([low, high], "linear", count);
        expect(at.length).toBeGreaterThanOrEqual(Math.floor(0.6 * count));
        // a step of 2 serves up to 3.5
        expect(at.length).toBeLessThanOrEqual(1.75 * count + 1);
        const step = at[1]! - at[0]!;
        const leading = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
        expect([1, 2, 5].some((digit) => Math.abs(leading - digit) < 1e-6)).toBe(true);
        for (const tick of at) {
          expect(tick).toBeGreaterThanOrEqual(low - 1e-9 * step);
          expect(tick).toBeLessThanOrEqual(high + 1e-9 * step);
        }
      }
    }
  });

  it("ticks of a logarithmic axis are decades, and minor ones stand between them", () => {
    expect(ticks([0.001, 100], "log")).toEqual([0.001, 0.01, 0.1, 1, 10, 100]);
    expect(minorTicks([1, 10])).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    expect([0.001, 0.1, 10].map(tickFormat([0.001, 100], "log"))).toEqual(["0.001", "0.1", "10"]);
  });

  it("values go to pixels, linearly and in logarithms, and what has no logarithm nowhere", () => {
    const linear = placeOn({ name: "", from: -1, to: 3 }, 100, 500);
    expect([-1, 0, 3].map(linear)).toEqual([100, 200, 500]);
    const log = placeOn({ name: "", from: 0.01, to: 100, log: true }, 0, 400);
    expect(log(0.1)).toBeCloseTo(100, 9);
    expect(log(1)).toBeCloseTo(200, 9);
    expect(log(0)).toBeNaN();
    const { box, y } = plane(
      { x: 10, y: 20, width: 300, height: 200 },
      { name: "", from: 0, to: 1 },
      { name: "", from: 0, to: 1 },
    );
    // upwards
    expect(y(0)).toBe(box.y + box.height);
    expect(y(1)).toBe(box.y);
  });

  it("the end of an axis shows what is wanted, wastes at most half, and moves seldom", () => {
    let top = 0;
    let moves = 0;
    for (let k = 0; k < 400; k++) {
      const wanted = 1 + 0.002 * k + 0.05 * Math.sin(k);
      const next = steadyTop(top, wanted);
      expect(next).toBeGreaterThanOrEqual(wanted);
      expect(next).toBeLessThan(wanted / 0.6);
      if (next !== top) moves++;
      top = next;
    }
    // 1 to 1.85 in steps of a tenth
    expect(moves).toBeLessThanOrEqual(8);
    expect(steadyTop(3, 0)).toBe(3);
    expect(steadyTop(0, 0)).toBe(1);
  });

  it("an axis of values on both sides of 0 does as well, and shows 0 where values come near it", () => {
    expect(steadyRange(null, 0.2, 1)[0]).toBe(0);
    let range = steadyRange(null, -1, 1);
    const first = range;
    for (let k = 0; k < 50; k++) {
      const wide = 1 + 0.03 * Math.sin(k);
      range = steadyRange(range, -wide, wide);
      expect(range[0]).toBeLessThanOrEqual(-wide);
      expect(range[1]).toBeGreaterThanOrEqual(wide);
      expect(range[1] - range[0]).toBeLessThan(2 * wide * 1.7);
    }
    expect(range[1] - first[1]).toBeLessThan(0.2);
    expect(steadyRange(null, 5, 5)[1]).toBeGreaterThan(5);
    expect(steadyRange([2, 3], Infinity, -Infinity)).toEqual([2, 3]);
  });
});

describe("colours", () => {
  it("survive their names", () => {
    for (const colour of ["#000000", "#ffffff", "#0072b2", "#12fe9a"]) expect(hex(rgb(colour))).toBe(colour);
    expect(lightness("#000000")).toBeCloseTo(0, 6);
    expect(lightness("#ffffff")).toBeCloseTo(1, 6);
    expect(mix("#0072b2", "#d55e00", 0)).toBe("#0072b2");
    expect(mix("#0072b2", "#d55e00", 1)).toBe("#d55e00");
  });

  it("a ramp goes in steps that are equal to the eye", () => {
    const count = 20;
    const colours = ramp(["#ffffff", "#f0a267", "#6e2c00"], count);
    const names = Array.from({ length: count }, (_, k) => hex([...colours.subarray(4 * k, 4 * k + 3)] as never));
    const steps = names.slice(1).map((name, k) => difference(names[k]!, name));
    const mean = steps.reduce((a, b) => a + b) / steps.length;
    // bytes round a colour by up to 0.002 in OKLab; the step over the kink is a little shorter than straight ones
    for (const step of steps) expect(Math.abs(step / mean - 1)).toBeLessThan(0.15);
    expect(names[0]).toBe("#ffffff");
    expect(names[count - 1]).toBe("#6e2c00");
  });

  it("the colours of the density begin at the paper, and go one way in lightness, by day and by night", () => {
    for (const theme of [LIGHT, DARK]) {
      const colours = heat(theme);
      const names = Array.from({ length: colours.length / 4 }, (_, k) =>
        hex([...colours.subarray(4 * k, 4 * k + 3)] as never),
      );
      expect(names[0]).toBe(theme.paper);
      const light = names.map(lightness);
      for (let k = 1; k < light.length; k++) {
        expect(theme.dark ? light[k]! - light[k - 1]! : light[k - 1]! - light[k]!).toBeGreaterThan(0);
      }
      // the points stand out from the densest place
      expect(difference(names[names.length - 1]!, theme.dark ? "#5ab4ea" : theme.network)).toBeGreaterThan(0.25);
    }
  });

  it("a density is shaded from its last row, and by its square root", () => {
    const into = new Uint8Array(4);
    shade(Float32Array.of(0, 1, 4, 0), 2, into);
    // row 1, (4, 0), stands at the top; 1 is a quarter of 4, its root a half
    expect([...into]).toEqual([63, 0, 0, 32]);
    shade(new Float32Array(4), 2, into);
    expect([...into]).toEqual([0, 0, 0, 0]);
  });

  it("decisions are tinted by class, or by how far a number is from 0", () => {
    const into = new Uint8Array(4);
    tint(Float32Array.of(0, 1, 2, 3), 2, null, into);
    expect([...into]).toEqual([2, 3, 0, 1]);
    tint(Float32Array.of(-1, 0, 1, 5), 2, 1, into);
    expect([...into]).toEqual([62, 62, 0, 31]);
    expect(decisionKind({ outputs: 5, labels: new Float32Array(0) })).toBe("classes");
    expect(decisionKind({ outputs: 1, labels: Float32Array.of(-1, 1, 1) })).toBe("sign");
    expect(decisionKind({ outputs: 1, labels: Float32Array.of(-1, 0.5) })).toBe("number");
  });
});

describe("the law", () => {
  const picture = (network: number[], limit: number[] | null) => ({
    name: "r1",
    from: 0,
    to: 1,
    network: Float32Array.from(network),
    limit: limit && Float32Array.from(limit),
  });

  it("shows all bars, and cuts off a peak of the limit that would press them flat", () => {
    expect(lawHeight(picture([1, 2, 0], [1, 2.5, 0]))).toBe(2.5);
    expect(lawHeight(picture([1, 2, 0], [1, 40, 0]))).toBeCloseTo(2.4, 6);
    expect(lawHeight(picture([1, 3, 0], null))).toBe(3);
    expect(lawHeight(picture([0, 0, 0], [1, 2, 1]))).toBe(2);
  });

  it("has the mean and deviation of its cells", () => {
    // the uniform law of n cells of width h has variance (n² − 1) h²/12
    const [mean, deviation] = moments(new Float32Array(10).fill(0.5), 1, 3);
    expect(mean).toBeCloseTo(2, 12);
    expect(deviation).toBeCloseTo(Math.sqrt((99 * 0.04) / 12), 12);
  });
});

describe("curves", () => {
  it("keep records in order, forget at a restart, and write over what was later", () => {
    const curves = new Curves();
    curves.append([sample(0, 1), sample(1, 2), sample(2, 3)], true);
    curves.append([sample(1, 7), sample(1.5, 8)], false);
    expect([...curves.times.subarray(0, curves.length)]).toEqual([0, 1, 1.5]);
    expect([...curves.values("risk").subarray(0, curves.length)]).toEqual([1, 7, 8]);
    expect(curves.knows("limitRisk")).toBe(false);
    expect(curves.knows("edge")).toBe(true);
    curves.append([sample(0, 5)], true);
    expect(curves.length).toBe(1);
  });

  it("take a frame once, however many pictures hand it on", () => {
    const curves = new Curves();
    const frame = { samples: [sample(0, 1), sample(1, 2)], restart: true } as never;
    curves.take(frame);
    curves.take(frame);
    expect(curves.length).toBe(2);
    curves.take({ samples: [sample(2, 1)], restart: false } as never);
    expect(curves.length).toBe(3);
    curves.take(null);
    expect(curves.length).toBe(0);
  });

  it("of 200 000 records stay few enough to draw, in order, with both ends and the heights of oscillations", () => {
    const curves = new Curves();
    const count = 200_000;
    for (let from = 0; from < count; from += 1000) {
      const records = Array.from({ length: 1000 }, (_, i) => {
        const k = from + i;
        // from the middle on it jumps between −1 and 1 at each record; one record stands out
        return sample(1e-4 * k, k === 4321 ? 9 : k > count / 2 ? (k % 2 === 0 ? 1 : -1) : 0);
      });
      curves.append(records, from === 0);
    }
    expect(curves.length).toBeLessThanOrEqual(12_000);
    expect(curves.times[0]).toBe(0);
    expect(curves.times[curves.length - 1]).toBe(1e-4 * (count - 1));
    const times = [...curves.times.subarray(0, curves.length)];
    expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true);
    const risks = [...curves.values("risk").subarray(0, curves.length)];
    expect(Math.max(...risks)).toBe(9);
    // in each hundredth of the second half both heights are there
    for (let k = 50; k < 100; k++) {
      const inside = risks.filter((_, i) => {
        const share = times[i]! / (1e-4 * count);
        return share > (k + 0.05) / 100 && share < (k + 1) / 100;
      });
      expect(Math.min(...inside)).toBe(-1);
      expect(Math.max(...inside)).toBe(1);
    }
    // and a logarithmic axis has records in each of its decades
    for (let decade = -4; decade < 1; decade++) {
      const inside = times.filter((t) => t >= 10 ** decade && t < 10 ** (decade + 1));
      expect(inside.length).toBeGreaterThanOrEqual(decade === -4 ? 9 : 50);
    }
  });

  it("are thinned to the first, lowest and highest of each stretch", () => {
    const times = Float64Array.from({ length: 100 }, (_, i) => 100 + i);
    const values = Float64Array.from(times, (_, i) => (i === 13 ? 5 : i === 17 ? -5 : Number.NaN));
    const kept = thinned(times, [values], 100, 5);
    expect(kept).toContain(0);
    expect(kept).toContain(13);
    expect(kept).toContain(17);
    expect(kept).toContain(99);
    // 5 stretches of time and at most as many of its logarithm
    expect(kept.length).toBeLessThanOrEqual(10 * 3 + 1);
  });

  it("are lines through all records where these are few, and break where nothing is known", () => {
    const times = Float64Array.of(0, 10, 20, 30, 40);
    const values = Float64Array.of(1, 2, Number.NaN, 4, 5);
    const { points, length } = polyline(
      times,
      values,
      5,
      (t) => t,
      (v) => -v,
      new Float32Array(2),
    );
    expect([...points.subarray(0, length)]).toEqual([0, -1, 10, -2, NaN, NaN, 30, -4, 40, -5]);
  });

  it("on one column of pixels are the first, lowest, highest and last", () => {
    const times = Float64Array.from({ length: 1000 }, (_, i) => i / 1000);
    const values = Float64Array.from(times, (_, i) => (i === 400 ? -3 : i === 700 ? 3 : 0.5));
    const { points, length } = polyline(
      times,
      values,
      1000,
      (t) => 10 + t / 100,
      (v) => v,
    );
    const heights = [...points.subarray(0, length)].filter((_, i) => i % 2 === 1);
    expect(heights).toEqual([0.5, -3, 3, 0.5]);
  });

  it("tell what has to be seen, the band as far as they go with it", () => {
    const curves = new Curves();
    curves.append([sample(0, 1, 0.9), sample(0.5, 0.4, 0.8)], true);
    const band = {
      level: 0.95,
      times: Float64Array.of(0, 0.5, 1),
      lower: Float64Array.of(0.9, 0.3, -5),
      upper: Float64Array.of(1.4, 0.6, 9),
      name: "90 % band",
      method: "",
    };
    expect(extent(curves, ["risk", "limitRisk"], null)).toEqual([0.4, 1]);
    expect(extent(curves, ["risk"], band)).toEqual([0.3, 1.4]);
    expect(extent(new Curves(), ["risk"], null)).toEqual([Infinity, -Infinity]);
    expect(firstPositive(curves)).toBe(0.5);
    const log = placeOn({ name: "", from: 0.5, to: 1, log: true }, 0, 100);
    // on a logarithmic axis it begins where the axis does
    expect([...bandOutline(band, 0.5, log, (v) => v)].map((v) => Math.round(100 * v) / 100)).toEqual([
      0, 0.6, 100, 9, 100, -5, 0, 0.3,
    ]);
    expect(
      [
        ...bandOutline(
          band,
          0.25,
          (t) => t,
          (v) => v,
        ),
      ]
        .slice(0, 2)
        .map((v) => Math.round(100 * v) / 100),
    ).toEqual([0.25, 1]);
    expect(between(band.times, band.upper, 0.25)).toBeCloseTo(1, 12);
    expect(between(band.times, band.upper, 1)).toBe(9);
    expect(between(band.times, band.upper, 1.1)).toBeNaN();
  });
});

describe("contours", () => {
  it("of x² + y² are circles", () => {
    const side = 60;
    const at = (i: number) => (i + 0.5) / 10 - 3;
    const values = Float32Array.from(
      { length: side * side },
      (_, i) => at(i % side) ** 2 + at(Math.floor(i / side)) ** 2,
    );
    const pieces = contour(values, side, 4);
    let length = 0;
    for (let i = 0; i < pieces.length; i += 6) {
      const [x1, y1, x2, y2] = [...pieces.subarray(i, i + 4)].map((v) => v / 10 - 3) as [
        number,
        number,
        number,
        number,
      ];
      // a chord of the parabola over a cell of 0.1 misses the level by h²/8 of its second derivative 2, in r by that over 2r
      for (const r of [Math.hypot(x1, y1), Math.hypot(x2, y2)]) expect(Math.abs(r - 2)).toBeLessThan(0.1 ** 2 / 8);
      length += Math.hypot(x2 - x1, y2 - y1);
    }
    // closed: the pieces make up the whole circle
    expect(length).toBeCloseTo(4 * Math.PI, 1);
  });

  it("join the corners of a saddle that its middle joins", () => {
    const high = contour(Float32Array.of(1, 0, 0, 1.5), 2, 0.5);
    const low = contour(Float32Array.of(1, 0, 0, 0.6), 2, 0.5);
    expect(high.length).toBe(12);
    expect(low.length).toBe(12);
    // (0.5, 0.5) and (1.5, 1.5) are above the level: joined, the pieces cut off the other two corners, where x − y is ±; apart, they
    // cut off these, where x + y is far from 2
    const middles = (pieces: Float32Array) =>
      [0, 6].map((i) => [(pieces[i]! + pieces[i + 2]!) / 2, (pieces[i + 1]! + pieces[i + 3]!) / 2] as const);
    for (const [x, y] of middles(high)) expect(Math.abs(x - y)).toBeGreaterThan(0.3);
    for (const [x, y] of middles(low)) expect(Math.abs(x + y - 2)).toBeGreaterThan(0.3);
  });

  it("of classes run half way between cells that differ, and close", () => {
    // a block of 2 × 1 in a square of 4: its border cuts the corners of a rectangle 2 × 1 by diagonals of a half
    const classes = new Float32Array(16);
    classes[5] = classes[6] = 3;
    const pieces = borders(classes, 4);
    let length = 0;
    for (let i = 0; i < pieces.length; i += 6) {
      const [x1, y1, x2, y2] = pieces.subarray(i, i + 4) as unknown as [number, number, number, number];
      length += Math.hypot(x2 - x1, y2 - y1);
      // each end lies on the edge of a cell: one coordinate is whole, the other at a middle
      for (const [x, y] of [
        [x1, y1],
        [x2, y2],
      ]) {
        expect([x! % 1, y! % 1].sort()).toEqual([0, 0.5]);
      }
    }
    // both classes draw it: twice two straight pieces of 1 and four diagonals
    expect(length).toBeCloseTo(2 * (2 + 4 * Math.SQRT1_2), 6);
    expect(borders(new Float32Array(16), 4).length).toBe(0);
  });
});

describe("words", () => {
  it("names and numbers are as one writes them", () => {
    expect(coordinateName("w12")).toBe("w₁₂");
    expect(coordinateName("r1")).toBe("r₁ = |P w|");
    expect(["0.28731", "-0.00002", "1234567", "0", "NaN", "12.04"].map(Number).map(readable)).toEqual([
      "0.287",
      "−2.00·10⁻⁵",
      "1.23·10⁶",
      "0",
      "–",
      "12",
    ]);
  });
});
