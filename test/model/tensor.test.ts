import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { readTensor, tensor, toF64 } from "../../src/model/tensor";

function failure(run: () => unknown): SpecError {
  try {
    run();
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}

describe("a tensor on file", () => {
  it("is little-endian base64: [1] in f64 is 000000000000f03f in IEEE 754", () => {
    const bytes = atob(JSON.parse(JSON.stringify(tensor([1]))).data);
    expect([...bytes].map((c) => c.charCodeAt(0))).toEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
  });

  it("comes back to the bit in every element type", () => {
    const run = (data: Float64Array | Float32Array | Int32Array): void => {
      const before = tensor(data);
      const after = readTensor(JSON.parse(JSON.stringify(before)));
      expect(after).toEqual(before);
      expect(after.data.constructor).toBe(data.constructor);
    };
    const options = { noNaN: true, noDefaultInfinity: true, minLength: 1 };
    fc.assert(fc.property(fc.float64Array(options), run), { seed: 1 });
    fc.assert(fc.property(fc.float32Array(options), run), { seed: 2 });
    fc.assert(fc.property(fc.int32Array({ minLength: 1 }), run), { seed: 3 });
  });

  it("may be longer than one piece of the encoder", () => {
    const before = tensor(Float64Array.from({ length: 9001 }, (_, i) => Math.sqrt(i)));
    expect(readTensor(JSON.parse(JSON.stringify(before)))).toEqual(before);
  });

  it("keeps its method out of sight, so that a structured clone works", () => {
    const before = tensor([[1, 2, 3]]);
    expect(Object.keys(before)).toEqual(["dtype", "shape", "data"]);
    const clone = structuredClone(before);
    expect(clone.data).toBeInstanceOf(Float64Array);
    expect(JSON.stringify(readTensor(clone))).toBe(JSON.stringify(before));
  });
});

describe("a tensor in memory", () => {
  it("takes its shape from nested lists, row-major", () => {
    const read = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(read.shape).toEqual([2, 3]);
    expect([...read.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("is a copy when it is made, and shares its data when it is read again", () => {
    const data = Float64Array.of(1, 2);
    const made = tensor(data);
    expect(made.data).not.toBe(data);
    expect(readTensor(made).data).toBe(made.data);
  });

  it("reads plain lists under a shape, as a hand-written file has them", () => {
    expect(readTensor({ dtype: "f32", shape: [2, 1], data: [0.5, 2] }).data).toEqual(Float32Array.of(0.5, 2));
    expect(toF64(readTensor({ dtype: "i32", shape: [2], data: [1, 2] })).data).toEqual(Float64Array.of(1, 2));
  });
});

describe("a broken tensor is a SpecError that names the place", () => {
  it.each([
    ["a number", 3, "x"],
    ["a ragged list", [[1, 2], [3]], "x[1]"],
    ["an empty list", [], "x"],
    ["text in a list", [1, "2"], "x[1]"],
    ["null in a nested list", [[1], [null]], "x[1][0]"],
    [
      "NaN in a nested list",
      [
        [1, 2, 3],
        [4, Number.NaN, 6],
      ],
      "x[1][1]",
    ],
    ["NaN in a typed array", Float64Array.of(0, Number.NaN), "x[1]"],
    ["an unknown dtype", { dtype: "f16", shape: [1], data: [1] }, "x.dtype"],
    ["no shape", { dtype: "f64", data: [1] }, "x.shape"],
    ["a negative length", { dtype: "f64", shape: [2, -1], data: [1] }, "x.shape[1]"],
    ["too few elements", { dtype: "f64", shape: [3], data: Float64Array.of(1, 2) }, "x.data"],
    ["an array of another type", { dtype: "f64", shape: [1], data: Float32Array.of(1) }, "x.data"],
    ["half a number in base64", { dtype: "f64", shape: [1], data: "AAAA" }, "x.data"],
    ["text that is not base64", { dtype: "f64", shape: [1], data: "#" }, "x.data"],
    [
      "an infinite element",
      { dtype: "f64", shape: [2], data: Float64Array.of(1, Number.POSITIVE_INFINITY) },
      "x.data[1]",
    ],
    ["an unknown field", { dtype: "f64", shape: [1], data: [1], strides: [1] }, "x.strides"],
    ["a clone written to JSON", JSON.parse(JSON.stringify(structuredClone(tensor([1])))), "x.data"],
  ])("%s", (_, value, path) => {
    expect(failure(() => readTensor(value, "x")).path).toBe(path);
  });

  it("a detached array", () => {
    const made = tensor([1, 2, 3]);
    structuredClone(made.data.buffer, { transfer: [made.data.buffer as ArrayBuffer] });
    expect(failure(() => readTensor(made, "x")).path).toBe("x.data");
  });

  it("unless NaN is allowed", () => {
    expect(readTensor(Float64Array.of(Number.NaN), "x", { finite: false }).data[0]).toBeNaN();
  });
});
