import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import {
  coordinate,
  coordinateNames,
  type Grid,
  grid,
  isRadius,
  type Marginal,
  type Measure,
  particles,
  toRadial,
} from "../../src/measure/measure";
import { quantiles } from "../../src/measure/quantiles";
import { relu } from "../../src/model/activation";
import { anisotropicGaussians, dataset, rotationMatrix } from "../../src/model/law";
import { parseProblem } from "../../src/model/problem";
import { gaussian } from "../../src/model/start";
import { affine, ridge } from "../../src/model/unit";

const start = gaussian({ radius: 1 });
const twoRadii = parseProblem({
  law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }),
  unit: ridge(relu()),
  start,
});
const oneRadius = parseProblem({ law: anisotropicGaussians({ dimension: 4, delta: 0.5 }), unit: ridge(relu()), start });
const fourCoordinates = parseProblem({ ...twoRadii, unit: affine(relu()), start });
const finite = parseProblem({ law: dataset({ x: [[1, 2, 3, 4]], y: [1] }), unit: ridge(relu()), start });

const values = (law: Marginal): number[] => [...(law as { values: Float64Array }).values];

function failure(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

describe("coordinates of particles", () => {
  const theta = particles({ coordinates: "theta", shape: [2, 4], values: Float64Array.of(3, 4, 5, 12, 0, 1, 2, 0) });

  it("have the names of the problem", () => {
    expect(coordinateNames(theta, twoRadii)).toEqual(["w0", "w1", "w2", "w3"]);
    const radial = particles({ coordinates: "radial", shape: [1, 2], values: Float64Array.of(1, 2) });
    expect(coordinateNames(radial, twoRadii)).toEqual(["r1", "r2"]);
    expect(coordinateNames(radial, oneRadius)).toEqual(["r1"]);
    expect(coordinateNames(radial, fourCoordinates)).toEqual(["a", "b", "r1", "r2"]);
    expect(["r", "r1", "r2", "a", "w0"].filter(isRadius)).toEqual(["r", "r1", "r2"]);
  });

  // 3-4-5 and 5-12-13
  it("in θ give the radii of w on and beside the signal space", () => {
    expect(values(coordinate(theta, "r1", twoRadii))).toEqual([5, 1]);
    expect(values(coordinate(theta, "r2", twoRadii))).toEqual([13, 2]);
    expect(values(coordinate(theta, "r", twoRadii))[0]).toBeCloseTo(Math.sqrt(194), 14);
    expect(values(coordinate(theta, "r1", oneRadius))[0]).toBeCloseTo(Math.sqrt(194), 14);
    expect(values(coordinate(theta, "r1", finite))).toEqual(values(coordinate(theta, "r", finite)));
    expect(values(coordinate(theta, "w3", twoRadii))).toEqual([12, 0]);
  });

  it("skip a and b of an affine unit", () => {
    const row = Float64Array.of(7, -2, 3, 4, 5, 12);
    const affineTheta = particles({ coordinates: "theta", shape: [1, 6], values: row });
    const at = (name: string): number => values(coordinate(affineTheta, name, fourCoordinates))[0]!;
    expect(["a", "b", "r1", "r2", "w0"].map(at)).toEqual([7, -2, 5, 13, 3]);
    expect(toRadial(affineTheta, fourCoordinates).shape).toEqual([1, 4]);
    expect([...toRadial(affineTheta, fourCoordinates).values]).toEqual([7, -2, 5, 13]);
  });

  // w = Q z has the radii of z, as the signal space is spanned by the first columns of Q
  it("in θ follow a rotation of the signal space", () => {
    const rotation = { seed: 5 };
    const law = anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5, rotation });
    const q = rotationMatrix(4, 5);
    const z = [3, 4, 5, 12];
    const w = Float64Array.from({ length: 4 }, (_, i) => z.reduce((sum, entry, k) => sum + q[4 * i + k]! * entry, 0));
    const rotated = particles({ coordinates: "theta", shape: [1, 4], values: w });
    const problem = parseProblem({ ...twoRadii, law });
    expect(values(coordinate(rotated, "r1", problem))[0]).toBeCloseTo(5, 13);
    expect(values(coordinate(rotated, "r2", problem))[0]).toBeCloseTo(13, 13);
  });

  it("in radii are stored, and r is their norm", () => {
    const radial = particles({ coordinates: "radial", shape: [1, 4], values: Float64Array.of(7, -2, 3, 4) });
    expect(["a", "b", "r1", "r2", "r"].map((name) => values(coordinate(radial, name, fourCoordinates))[0])).toEqual([
      7, -2, 3, 4, 5,
    ]);
    expect(toRadial(radial, fourCoordinates)).toBe(radial);
  });

  it("keep the weights", () => {
    const weights = Float64Array.of(0.25, 0.75);
    const weighted = particles({ ...theta, weights });
    expect((coordinate(weighted, "r1", twoRadii) as { weights: Float64Array }).weights).toBe(weights);
    expect((toRadial(weighted, twoRadii) as { weights: Float64Array }).weights).toBe(weights);
  });

  it("that a measure does not have are a SpecError that lists those it has", () => {
    expect(failure(() => coordinate(theta, "r3", twoRadii)).message).toContain("w0, w1, w2, w3, r1, r2, r");
    expect(failure(() => coordinate(theta, "r2", oneRadius)).path).toBe("coordinate");
    expect(failure(() => coordinate(theta, "a", twoRadii, "observe.a.of")).path).toBe("observe.a.of");
    expect(failure(() => coordinate(theta, "r1", fourCoordinates)).path).toBe("measure.shape");
  });
});

describe("coordinates of a grid", () => {
  const cells = grid({
    edges: [Float64Array.of(0, 1, 2), Float64Array.of(0, 1, 2, 3)],
    masses: Float64Array.of(0.1, 0.2, 0.3, 0, 0.15, 0.25),
  });

  it("are sums over the other radius", () => {
    const r1 = coordinate(cells, "r1", twoRadii) as { edges: Float64Array; masses: Float64Array };
    expect([...r1.edges]).toEqual([0, 1, 2]);
    expect(r1.masses[0]).toBeCloseTo(0.6, 14);
    const r2 = coordinate(cells, "r2", twoRadii) as { masses: Float64Array };
    [0.1, 0.35, 0.55].forEach((mass, j) => void expect(r2.masses[j]).toBeCloseTo(mass, 14));
  });

  // P(r ≤ R) = π R²/4 for R ≤ 1 under the uniform law on the unit square. Four midpoints a cell of width h leave the
  // error of the midpoint rule of step h/4 on √(R² − r1²): below (h/4)^1.5 for its square-root end.
  it("give the law of r = |w|", () => {
    const n = 40;
    const edges = Float64Array.from({ length: n + 1 }, (_, i) => i / n);
    const square = grid({ edges: [edges, edges], masses: new Float64Array(n * n).fill(1 / (n * n)) });
    const r = coordinate(square, "r", twoRadii) as Extract<Marginal, { kind: "grid" }>;
    expect(r.masses.reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 12);
    expect(r.edges[r.edges.length - 1]).toBeCloseTo(Math.SQRT2, 14);
    let below = 0;
    r.masses.forEach((mass, k) => {
      below += mass;
      const R = r.edges[k + 1]!;
      if (R <= 1) expect(Math.abs(below - (Math.PI * R * R) / 4)).toBeLessThan((1 / (4 * n)) ** 1.5);
    });
    // the median of r: R² = 2/π
    expect(quantiles(r, [0.5])[0]).toBeCloseTo(Math.sqrt(2 / Math.PI), 3);
  });

  it("with one radius have r = r1", () => {
    const line = grid({ edges: [Float64Array.of(0, 1, 2)], masses: Float64Array.of(0.5, 0.5) });
    expect(coordinate(line, "r", oneRadius)).toEqual(coordinate(line, "r1", oneRadius));
    expect(toRadial(line, oneRadius)).toBe(line);
  });
});

describe("a wrong measure is a SpecError that names the part", () => {
  const one = Float64Array.of(1);
  it.each<[string, () => Measure, string]>([
    [
      "coordinates",
      () => particles({ coordinates: "polar" as never, shape: [1, 1], values: one }),
      "measure.coordinates",
    ],
    ["shape", () => particles({ coordinates: "theta", shape: [0, 1], values: one }), "measure.shape"],
    ["too few values", () => particles({ coordinates: "theta", shape: [2, 1], values: one }), "measure.values"],
    [
      "NaN",
      () => particles({ coordinates: "theta", shape: [1, 1], values: Float64Array.of(Number.NaN) }),
      "measure.values[0]",
    ],
    [
      "negative weight",
      () =>
        particles({
          coordinates: "theta",
          shape: [2, 1],
          values: Float64Array.of(1, 2),
          weights: Float64Array.of(2, -1),
        }),
      "measure.weights[1]",
    ],
    [
      "no weight",
      () => particles({ coordinates: "theta", shape: [1, 1], values: one, weights: Float64Array.of(0) }),
      "measure.weights",
    ],
    [
      "edges that descend",
      () => grid({ edges: [Float64Array.of(0, 2, 1)], masses: Float64Array.of(0.5, 0.5) }),
      "measure.edges[0][2]",
    ],
    ["a negative radius", () => grid({ edges: [Float64Array.of(-1, 2)], masses: one }), "measure.edges[0][0]"],
    ["one edge", () => grid({ edges: [one], masses: one }), "measure.edges[0]"],
    ["three axes", () => grid({ edges: [one, one, one], masses: one }), "measure.edges"],
    ["masses of another length", () => grid({ edges: [Float64Array.of(0, 1, 2)], masses: one }), "measure.masses"],
  ])("%s", (_, make, path) => {
    expect(failure(make).path).toBe(path);
  });
});

it("weights and masses are divided by their sum", () => {
  const law = particles({
    coordinates: "theta",
    shape: [2, 1],
    values: Float64Array.of(1, 2),
    weights: Float64Array.of(1, 3),
  });
  expect([...law.weights!]).toEqual([0.25, 0.75]);
  const cells: Grid = grid({ edges: [Float64Array.of(0, 1, 2)], masses: Float64Array.of(2, 6) });
  expect([...cells.masses]).toEqual([0.25, 0.75]);
});
