// Pictures of the playground for files: SVG that stands alone.

import { describe, expect, it } from "vitest";
import type { Frame } from "../../playground/src/run/protocol";
import { cloudSummary } from "../../playground/src/views/cloud";
import { Curves } from "../../playground/src/views/curves";
import { decisionSummary } from "../../playground/src/views/decision";
import { lawSummary } from "../../playground/src/views/law";
import { type PictureKind, type PictureState, svgOf } from "../../playground/src/views/picture";

const side = 12;
const grid = (value: (x: number, y: number) => number) =>
  Float32Array.from({ length: side * side }, (_, i) =>
    value((((i % side) + 0.5) / side) * 2 - 1, ((Math.floor(i / side) + 0.5) / side) * 2 - 1),
  );

const frame: Frame = {
  time: 2.5,
  step: 2500,
  playing: false,
  stepSize: 1e-3,
  digest: "0badcafe",
  speed: 0,
  samples: Array.from({ length: 50 }, (_, k) => ({
    time: 0.05 * k,
    risk: 1 / (1 + k),
    limitRisk: k < 40 ? 1 / (1.1 + k) : Number.NaN,
    sharpness: k,
    edge: 30,
  })),
  restart: true,
  law: { name: "r1", from: 0, to: 2, network: Float32Array.of(0.2, 0.8, 0), limit: Float32Array.of(0.3, 9, 0.1) },
  cloud: {
    x: { name: "r1", from: 0, to: 2 },
    y: { name: "r2", from: 0, to: 1 },
    points: Float32Array.of(0.5, 0.5, 1.5, 0.25),
    density: { columns: 2, rows: 2, masses: Float32Array.of(0.1, 0.2, 0.3, 0.4) },
  },
  decision: {
    from: [-1, -1],
    to: [1, 1],
    side,
    outputs: 1,
    network: grid((x) => x),
    limit: grid((_x, y) => y),
    points: Float32Array.of(-0.5, 0.5, 0.5, 0.5, 0.5, -0.5),
    labels: Float32Array.of(-1, 1, -1),
  },
  warnings: [],
};

const curves = new Curves();
curves.take(frame);
const state: PictureState = {
  frame,
  curves,
  band: {
    level: 0.9,
    times: Float64Array.of(0, 1, 2),
    lower: Float64Array.of(0.9, 0.1, 0),
    upper: Float64Array.of(1.1, 0.3, 0.1),
    name: "90 % band",
    method: "",
  },
  description: "SGD on <two> Gaussians & more: N = 800, ε = 0.001",
  log: false,
};

// Elements close in order, attributes are quoted: enough of XML that a hole in the writing shows.
function wellFormed(text: string): boolean {
  const open: string[] = [];
  for (const [, close, name, empty] of text
    .replace(/<\?xml[^>]*\?>/, "")
    .matchAll(/<(\/?)([A-Za-z]+)(?:\s+[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!empty) open.push(name!);
  }
  return open.length === 0 && text.split("<").length === text.split(">").length;
}

const shows: Record<PictureKind, string[]> = {
  law: ["Law of r₁ = |P w|", "density", "network", "limit", "peak 9"],
  cloud: [
    "Neurons over the limit’s density",
    "r₁ = |P w|",
    "r₂ = |(I − P) w|",
    "neurons",
    "density of the limit, √ scale",
  ],
  risk: ["Risk", "risk", "time t = kε", "network", "limit", "90 % band"],
  sharpness: ["Sharpness and 2/ε", "sharpness λ_max", "time t = kε", "λ_max", "2/ε"],
  decision: ["Decision boundary", "x₁", "x₂", "y = −1", "y = +1", "f = 0, network", "border of the limit"],
};

describe.each(Object.keys(shows) as PictureKind[])("the picture %s for a file", (which) => {
  const svg = svgOf(which, state);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text);

  it("says what it shows: title, axes, key, what was run, when, and which state", () => {
    for (const text of shows[which]) expect(texts).toContain(text);
    const description = texts.slice(1, 4).join(" ");
    expect(description).toContain(
      "SGD on &lt;two&gt; Gaussians &amp; more: N = 800, ε = 0.001; t = 2.5 after 2500 steps",
    );
    expect(svg).toContain("state 0badcafe");
  });

  it("is well formed, has numbers everywhere, no script, no style sheet, no id and nothing from outside", () => {
    expect(wellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|<script|<style|style=|\sid=|href|url\(/);
  });

  it("is the same text for the same state", () => {
    expect(svgOf(which, state)).toBe(svg);
  });
});

describe("pictures for files", () => {
  it("of what no frame holds are refused in words", () => {
    const empty = { ...state, frame: { ...frame, law: null, cloud: null, decision: null }, curves: new Curves() };
    for (const which of Object.keys(shows) as PictureKind[]) {
      expect(() => svgOf(which, empty)).toThrow(/^There is no .* to draw yet/);
    }
  });

  it("of the risk on a logarithmic axis begin after t = 0", () => {
    const svg = svgOf("risk", { ...state, log: true });
    expect(wellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(svg).toContain(">0.1<");
    expect(svg).not.toContain(">0<");
  });

  it("put points where their coordinates are, upwards", () => {
    const [first, second] = [...svgOf("cloud", state).matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="2"/g)]
      .slice(-2)
      .map(([, x, y]) => [Number(x), Number(y)] as const);
    // x from 0 to 2 over 624 pixels (720 less the margins 18, 46, 14, 18), y from 0 to 1 over 398 (460 less 24 and 38)
    expect(second![0] - first![0]).toBeCloseTo(624 / 2, 1);
    expect(second![1] - first![1]).toBeCloseTo(398 / 4, 1);
  });
});

describe("pictures in words", () => {
  it("tell the numbers that they show", () => {
    expect(lawSummary(frame.law!)).toBe(
      // cells of 2/3 with masses 1 : 4, means 1/3 and 1, deviation (2/3)·0.4
      "Law of r₁ = |P w|: the network has mean 0.867 and deviation 0.267; the limit 0.986 and 0.137. P projects onto the signal space.",
    );
    expect(cloudSummary(frame.cloud!)).toBe(
      "2 neurons, mean of r₁ = |P w| 1, of r₂ = |(I − P) w| 0.375; the limit's means are 1.1 and 0.6. P projects onto the signal space.",
    );
    // symmetric but for rounding, a mean is 0; where it is a small one it is not
    const even = { name: "w0", from: -1, to: 1, network: Float32Array.of(0.3, 0.4, 0.4, 0.3), limit: null };
    expect(lawSummary({ ...even, to: 1 + 4e-16 })).toMatch(/mean 0 and/);
    expect(lawSummary({ ...even, to: 1 + 1e-6 })).toMatch(/mean 5\.00·10⁻⁷ and/);
    // sign x says two of three labels, and agrees with sign y on half of the square
    expect(decisionSummary(frame.decision!)).toBe(
      "67 % of 3 examples are on their side; network and limit agree on 50 % of the square.",
    );
  });
});
