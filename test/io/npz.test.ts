// Arrays in npz: every bit comes back; headers are read by npyjs too, and by NumPy itself in test/node/numpy.test.ts.

import fc from "fast-check";
import { zipSync } from "fflate";
import { parse } from "npyjs";
import { describe, expect, it } from "vitest";
import { type Tensor, tensor, tensorsFromNpz, tensorsToNpz } from "../../src/index";
import { npyArray, npyBytes } from "../../src/io/npy";

const bytesOf = ({ data }: Tensor) => Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const anyTensor: fc.Arbitrary<Tensor> = fc
  .tuple(shape, fc.constantFrom("f64", "f32", "i32"))
  .chain(([lengths, dtype]) => {
    const count = lengths.reduce((product, n) => product * n, 1);
    const width = dtype === "f64" ? 8 : 4;
    // any bits are a number, among them NaN of every kind, −0 and infinities
    return fc.uint8Array({ minLength: count * width, maxLength: count * width }).map((raw) => {
      const { buffer } = raw.slice();
      const data =
        dtype === "f64"
          ? new Float64Array(buffer)
          : dtype === "f32"
            ? new Float32Array(buffer)
            : new Int32Array(buffer);
      return { dtype, shape: lengths, data } as Tensor;
    });
  });

describe("tensors in npz", () => {
  it("come back with every bit, empty ones and those without axes too", async () => {
    const named = fc.dictionary(fc.string({ unit: "grapheme", maxLength: 6 }), anyTensor, { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(named, async (tensors) => {
        const again = await tensorsFromNpz(await tensorsToNpz(tensors));
        expect(Object.keys(again).sort()).toEqual(Object.keys(tensors).sort());
        for (const [name, one] of Object.entries(tensors)) {
          expect([again[name]!.dtype, again[name]!.shape]).toEqual([one.dtype, one.shape]);
          expect(bytesOf(again[name]!)).toEqual(bytesOf(one));
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("may be given as lists and typed arrays, and can go on to JSON", async () => {
    const again = await tensorsFromNpz(
      await tensorsToNpz({
        x: [
          [0, 1],
          [1, 0],
        ],
        y: Float32Array.of(1, -0),
      }),
    );
    expect(again["x"]).toMatchObject({ dtype: "f64", shape: [2, 2] });
    expect(Object.is(again["y"]!.data[1], -0)).toBe(true);
    expect(JSON.parse(JSON.stringify(again["x"]))).toEqual(
      JSON.parse(
        JSON.stringify(
          tensor([
            [0, 1],
            [1, 0],
          ]),
        ),
      ),
    );
  });

  it("are the same file each time", async () => {
    const one = { x: tensor([1, 2, 3]) };
    expect(await tensorsToNpz(one)).toEqual(await tensorsToNpz(one));
  });

  it("are found by name, the others not looked at", async () => {
    const bytes = await tensorsToNpz({ x: [1], y: [2] });
    expect(Object.keys(await tensorsFromNpz(bytes, { arrays: ["y"] }))).toEqual(["y"]);
    await expect(tensorsFromNpz(bytes, { arrays: ["z"] })).rejects.toMatchObject({
      path: 'array "z"',
      found: '"x", "y"',
    });
  });

  it("may be deflated", async () => {
    const file = npyBytes({ dtype: "f64", shape: [500], data: new Float64Array(500).fill(1.5) });
    const bytes = zipSync({ "x.npy": [file, { level: 9 }] });
    expect(bytes.length).toBeLessThan(file.length / 4);
    expect((await tensorsFromNpz(bytes))["x"]!.data).toEqual(new Float64Array(500).fill(1.5));
  });
});

/** An npy file by hand. */
function npy(descr: string, elements: Uint8Array, lengths: string, { fortran = false, version = 1 } = {}): Uint8Array {
  const text = `{'descr': ${descr}, 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${lengths}), }\n`;
  const header = new TextEncoder().encode(text);
  const size = version === 1 ? [header.length, 0] : [header.length, 0, 0, 0];
  return Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, ...size, ...header, ...elements]);
}

const raw = (view: ArrayBufferView) => new Uint8Array(view.buffer);
const swapped = (view: ArrayBufferView, width: number) =>
  raw(view).map((_, i, all) => all[i - (i % width) + width - 1 - (i % width)]!);

describe("an array of NumPy", () => {
  it("has a header that another reader understands", () => {
    const data = Float64Array.of(1, -0, Number.NaN, 4, 5, 6);
    const { buffer } = npyBytes({ dtype: "f64", shape: [3, 2], data });
    expect(parse(buffer as ArrayBuffer)).toEqual({ data, shape: [3, 2], dtype: "f8", fortranOrder: false });
    expect(npyBytes({ dtype: "i32", shape: [], data: Int32Array.of(7) }).length).toBe(128 + 4);
  });

  it.each([
    ["float64", "'<f8'", raw(Float64Array.of(1.5, -0)), [1.5, -0], "f64"],
    ["float64, big-endian", "'>f8'", swapped(Float64Array.of(1.5, 1e300), 8), [1.5, 1e300], "f64"],
    ["float32, big-endian", "'>f4'", swapped(Float32Array.of(1.5, 3), 4), [1.5, 3], "f32"],
    ["int32, big-endian", "'>i4'", swapped(Int32Array.of(-2, 70000), 4), [-2, 70000], "i32"],
    ["int64", "'<i8'", raw(BigInt64Array.of(-3n, 2n ** 53n - 1n)), [-3, 2 ** 53 - 1], "f64"],
    ["uint64", "'<u8'", raw(BigUint64Array.of(3n, 0n)), [3, 0], "f64"],
    ["uint32", "'<u4'", raw(Uint32Array.of(4294967295, 1)), [4294967295, 1], "f64"],
    ["int16", "'<i2'", raw(Int16Array.of(-5, 6)), [-5, 6], "i32"],
    ["uint16", '"<u2"', raw(Uint16Array.of(65535, 6)), [65535, 6], "i32"],
    ["int8", "'|i1'", raw(Int8Array.of(-5, 6)), [-5, 6], "i32"],
    ["uint8", "'|u1'", Uint8Array.of(255, 6), [255, 6], "i32"],
    ["bool", "'|b1'", Uint8Array.of(1, 0), [1, 0], "i32"],
    ["float16", "'<f2'", raw(Uint16Array.of(0x3c00, 0x8001)), [1, -(2 ** -24)], "f32"],
    ["float16, large", "'<f2'", raw(Uint16Array.of(0x7bff, 0xfc00)), [65504, -Infinity], "f32"],
  ])("of %s", (_, descr, elements, values, dtype) => {
    for (const version of [1, 2, 3]) {
      const found = npyArray(npy(descr, elements, "2,", { version }), "x");
      expect(found).toMatchObject({ dtype, shape: [2] });
      expect(Array.from(found.data as ArrayLike<number>)).toEqual(values);
    }
  });

  it("of texts, with a shape of Python 2", () => {
    const words = Uint32Array.from("abc\0é𝔘\0\0", (c) => c.codePointAt(0)!);
    const texts = Uint32Array.of(...Array.from("abc\0é𝔘\0\0", (c) => c.codePointAt(0)!));
    expect(words.length).toBe(8);
    expect(npyArray(npy("'<U4'", raw(texts), "2L,"), "x")).toEqual({ dtype: "text", shape: [2], data: ["abc", "é𝔘"] });
    const again = npyArray(npyBytes({ dtype: "text", shape: [], data: ["ε → 0 𝔘"] }), "x");
    expect(again).toEqual({ dtype: "text", shape: [], data: ["ε → 0 𝔘"] });
  });

  it("in Fortran's order is put in rows, in any number of axes", () => {
    const shape = [2, 3, 4];
    const columns = new Int32Array(24);
    for (let i = 0; i < 24; i++) {
      const [a, b, c] = [Math.floor(i / 12), Math.floor(i / 4) % 3, i % 4] as const;
      columns[a + 2 * b + 6 * c] = i;
    }
    const found = npyArray(npy("'<i4'", raw(columns), shape.join(", "), { fortran: true }), "x");
    expect(Array.from(found.data as ArrayLike<number>)).toEqual(Array.from({ length: 24 }, (_, i) => i));
  });
});
