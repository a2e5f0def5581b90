// NumPy itself writes what is read here and reads what is written here, and the Python of docs/interchange.md runs.
// On a machine without NumPy nothing runs, but on CI, where it is installed: NUMPY=required makes its absence an error, NUMPY=none skips.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  anisotropicGaussians,
  datasetFromNpz,
  gaussian,
  measureFromNpz,
  readDataFile,
  ridge,
  sgd,
  solve,
  type Tensor,
  tanh,
  tensorsFromNpz,
  tensorsToNpz,
  trajectoryToNpz,
} from "../../src/index";
import { npyArray } from "../../src/io/npy";
import { unzip } from "../../src/io/zip";

const wish = process.env["NUMPY"];
const folder = mkdtempSync(path.join(tmpdir(), "meanfield-numpy-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a Python program in the folder; returns what it prints. */
function python(program: string): string {
  return execFileSync("python3", ["-c", program], { cwd: folder, encoding: "utf8", stdio: "pipe", timeout: 60_000 });
}

function version(): string | null {
  try {
    return python("import numpy; print(numpy.__version__)").trim();
  } catch {
    return null;
  }
}

const found = wish === "none" ? null : version();

it.runIf(wish === "required")("NumPy is there, as CI asks for it", () => {
  expect(
    found,
    "install it: apt-get install python3-numpy, or pip install numpy; NUMPY=none skips these tests",
  ).not.toBeNull();
});

const write = (name: string, bytes: Uint8Array | string) => writeFileSync(path.join(folder, name), bytes);
const read = (name: string) => new Uint8Array(readFileSync(path.join(folder, name)));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const hexOf = ({ data }: Tensor) => hex(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

describe.skipIf(found === null)(`NumPy ${found}`, () => {
  const tensors: Record<string, Tensor> = {
    f64: {
      dtype: "f64",
      shape: [2, 3],
      data: Float64Array.of(1 / 3, -0, Number.NaN, Infinity, -Infinity, 5e-324),
    },
    f32: { dtype: "f32", shape: [2, 1, 2], data: Float32Array.of(1 / 3, -0, Number.NaN, 1e38) },
    i32: { dtype: "i32", shape: [3], data: Int32Array.of(-(2 ** 31), 0, 2 ** 31 - 1) },
    scalar: { dtype: "f64", shape: [], data: Float64Array.of(Math.PI) },
    empty: { dtype: "f64", shape: [0, 4], data: new Float64Array(0) },
    "ε and blanks": { dtype: "f64", shape: [1], data: Float64Array.of(2) },
  };

  it("reads each array that is written here, of the same type, shape and bits", async () => {
    write("ours.npz", await tensorsToNpz(tensors));
    const program = `
import json, numpy as np
with np.load("ours.npz", allow_pickle=False) as f:
    print(json.dumps({k: [f[k].dtype.str, list(f[k].shape), f[k].tobytes().hex(), bool(f[k].flags.c_contiguous)] for k in f}))`;
    const descr = { f64: "<f8", f32: "<f4", i32: "<i4" };
    const expected = Object.entries(tensors).map(([name, one]) => [
      name,
      [descr[one.dtype], one.shape, hexOf(one), true],
    ]);
    expect(JSON.parse(python(program))).toEqual(Object.fromEntries(expected));
  });

  it.each(["savez", "savez_compressed"])("%s is read, each type by its values, shape and bits", async (save) => {
    const program = `
import json, numpy as np
r = np.random.default_rng(1)
x = r.standard_normal((3, 4, 2))
x[0, 0, 0], x[0, 0, 1], x[0, 1, 0] = -0.0, np.nan, np.inf
arrays = {
  "c": x, "fortran": np.asfortranarray(x), "transposed": x.T, "slice": x[::2, 1:],
  "big": x.astype(">f8"), "f4": x.astype("f4"), "bigf4": x.astype(">f4"),
  "f2": np.array([0.5, -65504, 6e-8, np.inf, -0.0], "f2"),
  "i8": np.array([[-2**53 + 1, 2**53 - 1]]), "bigi8": np.array([1, -1], ">i8"), "u8": np.array([7], "u8"),
  "i4": np.array([-2**31], "i4"), "u4": np.array([2**32 - 1], "u4"), "i2": np.array([-3], ">i2"), "u2": np.array([65535], "u2"),
  "i1": np.array([-128], "i1"), "u1": np.array([255], "u1"), "bool": np.array([[True, False]]),
  "scalar": np.float64(3.5), "int": np.int64(4), "empty": np.zeros((0, 3)), "none": np.zeros(0, "i4"),
}
np.${save}("theirs.npz", **arrays)
def target(a):
    k = a.dtype.kind + str(a.dtype.itemsize)
    return {"f8": "<f8", "f4": "<f4", "f2": "<f4", "i8": "<f8", "u8": "<f8", "u4": "<f8"}.get(k, "<i4")
print(json.dumps({k: [list(np.shape(a)), target(np.asarray(a)), np.asarray(a).astype(target(np.asarray(a))).tobytes().hex()] for k, a in arrays.items()}))`;
    const expected = JSON.parse(python(program)) as Record<string, [number[], string, string]>;
    const again = await tensorsFromNpz(read("theirs.npz"));
    const descr = { f64: "<f8", f32: "<f4", i32: "<i4" };
    const got = Object.entries(again).map(([name, one]) => [name, [one.shape, descr[one.dtype], hexOf(one)]]);
    expect(Object.fromEntries(got)).toEqual(expected);
    expect(Object.keys(expected)).toHaveLength(22);
  });

  it("texts go both ways, and what is pickled or complex is refused by name", async () => {
    python(`
import numpy as np
np.savez("texts.npz", t=np.array([["a", "ε → 0"], ["", "𝔘"]]), one=np.array("x"))
np.savez("objects.npz", x=np.array([{}, None], dtype=object), y=np.zeros(2))
np.savez("complex.npz", x=np.zeros((2, 1), complex), y=np.zeros(2))
np.savez("records.npz", x=np.zeros(2, [("a", "f8"), ("b", "i4")]), y=np.zeros(2))`);
    const [t] = unzip(read("texts.npz"));
    expect(npyArray(t!.read(), "t")).toEqual({ dtype: "text", shape: [2, 2], data: ["a", "ε → 0", "", "𝔘"] });
    for (const name of ["objects", "complex"]) {
      await expect(tensorsFromNpz(read(`${name}.npz`))).rejects.toMatchObject({ name: "SpecError", path: 'array "x"' });
    }
    await expect(tensorsFromNpz(read("records.npz"))).rejects.toMatchObject({ found: "a structured array" });
  });

  it("runs the Python of docs/interchange.md on files of this library, and this library reads its files", async () => {
    const page = readFileSync("docs/interchange.md", "utf8");
    const blocks = Array.from(page.matchAll(/^```python\n([\s\S]*?)^```$/gm), ([, text]) => text!);
    expect(blocks.length).toBeGreaterThan(0);
    const problem = {
      law: anisotropicGaussians({ dimension: 4, signal: 2, delta: 0.5 }),
      unit: ridge(tanh()),
      start: gaussian({ radius: 1 }),
    };
    const run = await solve(sgd(problem, { neurons: 50, stepSize: 0.01 }), { times: [0, 1], keep: "measures" });
    write("run.npz", await trajectoryToNpz(run));
    const program = blocks.join("\n");
    const promised = Array.from(program.matchAll(/# → (.*)$/gm), ([, text]) => text!);
    expect(python(program).trim().split("\n")).toEqual(promised);
    const law = await datasetFromNpz(read("examples.npz"));
    expect(law.x.shape[0]).toBe(law.y.shape[0]);
    expect(await readDataFile("particles.npz", read("particles.npz"))).toMatchObject({ kind: "arrays" });
    expect(await measureFromNpz(read("particles.npz"))).toMatchObject({ kind: "particles", coordinates: "theta" });
  });
});
