// Arrays inside a spec: a typed array in memory, little-endian base64 on file.

import { SpecError } from "../engine/errors";

/** Typed array of each element type. */
export interface TensorArrays {
  f64: Float64Array;
  f32: Float32Array;
  i32: Int32Array;
}

/** Element type of a tensor. */
export type Dtype = keyof TensorArrays;

/** A dense array in row-major order; `JSON.stringify` writes it as an `EncodedTensor`. */
export type Tensor<D extends Dtype = Dtype> = {
  [K in D]: { dtype: K; shape: number[]; data: TensorArrays[K] };
}[D];

/** A tensor on file: `data` is base64 of the little-endian elements. */
export interface EncodedTensor {
  dtype: Dtype;
  shape: number[];
  data: string;
}

/** Numbers in nested lists of equal lengths, as a user writes a small matrix. */
export type NestedNumbers = readonly (number | NestedNumbers)[];

/** Whatever `readTensor` understands. */
export type TensorLike = Tensor | EncodedTensor | NestedNumbers | TensorArrays[Dtype];

const ARRAYS = { f64: Float64Array, f32: Float32Array, i32: Int32Array } as const;

/**
 * A tensor made from numbers; it holds a copy.
 *
 * @param data   a typed array, a flat list or nested lists, row-major
 * @param shape  lengths of the axes; by default one axis, or the nesting of the lists
 * @throws {SpecError} when the lengths do not fit or an element is not a finite number
 */
export function tensor(data: NestedNumbers | TensorArrays[Dtype], shape?: readonly number[]): Tensor {
  const read = readTensor(data, "data");
  return shape === undefined ? read : assemble(read.dtype, readShape(shape, "shape"), read.data, "data");
}

/**
 * The in-memory tensor that a value stands for. A tensor that is already in memory keeps its data, which is not to be
 * written to afterwards; typed arrays and lists are copied, base64 is decoded.
 *
 * @param value    a tensor in memory or on file, a typed array, or lists of numbers
 * @param path     where the value stands, for the error
 * @param options  finite: whether NaN and infinities are errors (true); largest: the largest accepted size
 * @throws {SpecError} with the path of what is wrong
 */
export function readTensor(
  value: unknown,
  path = "tensor",
  { finite = true, largest = Number.MAX_VALUE } = {},
): Tensor {
  const found = read(value, path);
  if (finite) {
    const inLists = Array.isArray(value);
    const bad = found.data.findIndex((x: number) => !(Math.abs(x) <= largest));
    if (bad >= 0) {
      const place = inLists ? nestedIndex(bad, found.shape) : isTensorArray(value) ? `[${bad}]` : `.data[${bad}]`;
      const expected = Number.isFinite(found.data[bad]) ? `a number at most ${largest} in size` : "a finite number";
      throw new SpecError(path + place, found.data[bad], expected);
    }
  }
  return found;
}

/** The same tensor with elements in f64, which holds every f32 and i32 exactly. */
export function toF64(value: Tensor): Tensor<"f64"> {
  if (value.dtype === "f64") return value;
  return attach({ dtype: "f64", shape: value.shape, data: Float64Array.from(value.data) });
}

/**
 * The form a tensor has on file.
 *
 * @param value  a tensor in memory
 */
export function encodeTensor(value: Tensor): EncodedTensor {
  const width = value.data.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(value.data.length * width);
  const view = new DataView(bytes.buffer);
  if (value.dtype === "f64") value.data.forEach((x, i) => void view.setFloat64(i * width, x, true));
  else if (value.dtype === "f32") value.data.forEach((x, i) => void view.setFloat32(i * width, x, true));
  else value.data.forEach((x, i) => void view.setInt32(i * width, x, true));
  return { dtype: value.dtype, shape: value.shape, data: toBase64(bytes) };
}

/** Whether a value is a tensor in memory, with or without the method that writes it to JSON. */
export function isTensor(value: unknown): value is Tensor {
  const candidate = value as Partial<Tensor> | null;
  return typeof value === "object" && Array.isArray(candidate?.shape) && isTensorArray(candidate?.data);
}

function read(value: unknown, path: string): Tensor {
  if (isTensorArray(value)) return assemble(dtypeOf(value), [value.length], value.slice(), path);
  if (Array.isArray(value)) return fromLists(value, path);
  if (typeof value !== "object" || value === null) {
    throw new SpecError(path, value, "an array: a tensor, a typed array or lists of numbers");
  }
  for (const key of Object.keys(value)) {
    if (key !== "dtype" && key !== "shape" && key !== "data") {
      throw new SpecError(
        `${path}.${key}`,
        (value as Record<string, unknown>)[key],
        "no field beside dtype, shape, data",
      );
    }
  }
  const { dtype, shape: lengths, data } = value as Partial<Record<keyof EncodedTensor, unknown>>;
  if (dtype !== "f64" && dtype !== "f32" && dtype !== "i32") {
    throw new SpecError(`${path}.dtype`, dtype, '"f64", "f32" or "i32"');
  }
  const shape = readShape(lengths, `${path}.shape`);
  if (data instanceof ARRAYS[dtype]) return assemble(dtype, shape, data, `${path}.data`);
  if (isTensorArray(data)) {
    throw new SpecError(`${path}.data`, data, `a ${ARRAYS[dtype].name}, as dtype "${dtype}" says`);
  }
  if (Array.isArray(data)) {
    const list = fromLists(data, `${path}.data`).data;
    return assemble(dtype, shape, ARRAYS[dtype].from(list), `${path}.data`);
  }
  if (typeof data === "string") return assemble(dtype, shape, decode(dtype, data, `${path}.data`), `${path}.data`);
  throw new SpecError(
    `${path}.data`,
    data,
    "base64 text, a typed array or a list of numbers",
    "A cloned tensor has lost the method that writes its array: make it again by tensor(data, shape) before JSON.stringify.",
  );
}

function assemble(dtype: Dtype, shape: number[], data: TensorArrays[Dtype], path: string): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  if (data.length !== size) {
    throw new SpecError(path, data, `${size} elements, as its shape [${shape.join(", ")}] says`);
  }
  return attach({ dtype, shape, data } as Tensor);
}

function attach<T extends Tensor>(value: T): T {
  return Object.defineProperty(value, "toJSON", { value: () => encodeTensor(value), enumerable: false });
}

function readShape(value: unknown, path: string): number[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new SpecError(path, value, "a list of lengths, as [rows, columns]");
  value.forEach((n, axis) => {
    if (!Number.isSafeInteger(n) || n < 1) throw new SpecError(`${path}[${axis}]`, n, "a positive integer");
  });
  return [...value];
}

function fromLists(lists: readonly unknown[], path: string): Tensor<"f64"> {
  const shape: number[] = [];
  for (let inner: unknown = lists; Array.isArray(inner); inner = inner[0]) shape.push(inner.length);
  if (shape.includes(0)) throw new SpecError(path, lists, "lists of numbers that are not empty");
  const data = new Float64Array(shape.reduce((product, n) => product * n, 1));
  let next = 0;
  const walk = (value: unknown, axis: number, where: string): void => {
    if (axis === shape.length) {
      if (typeof value !== "number") throw new SpecError(where, value, "a finite number");
      data[next++] = value;
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[axis]) {
      throw new SpecError(where, value, `a list of length ${shape[axis]}, as the ones before it`);
    }
    for (let i = 0; i < value.length; i++) walk(value[i], axis + 1, `${where}[${i}]`);
  };
  walk(lists, 0, path);
  return attach({ dtype: "f64", shape, data });
}

function nestedIndex(flat: number, shape: readonly number[]): string {
  let index = "";
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index = `[${flat % shape[axis]!}]${index}`;
    flat = Math.floor(flat / shape[axis]!);
  }
  return index;
}

function isTensorArray(value: unknown): value is TensorArrays[Dtype] {
  return value instanceof Float64Array || value instanceof Float32Array || value instanceof Int32Array;
}

function dtypeOf(data: TensorArrays[Dtype]): Dtype {
  return data instanceof Float64Array ? "f64" : data instanceof Float32Array ? "f32" : "i32";
}

function decode(dtype: Dtype, text: string, path: string): TensorArrays[Dtype] {
  const bytes = fromBase64(text);
  const width = ARRAYS[dtype].BYTES_PER_ELEMENT;
  if (bytes === null || bytes.length % width !== 0) {
    throw new SpecError(path, text, `base64 of little-endian ${dtype} numbers`);
  }
  const view = new DataView(bytes.buffer);
  const data = new ARRAYS[dtype](bytes.length / width);
  for (let i = 0; i < data.length; i++) {
    if (dtype === "f64") data[i] = view.getFloat64(i * width, true);
    else if (dtype === "f32") data[i] = view.getFloat32(i * width, true);
    else data[i] = view.getInt32(i * width, true);
  }
  return data;
}

// btoa and atob are in Node and in every browser; the piece length is a multiple of 3, so that no padding falls inside.
const PIECE = 3 * 8192;

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let from = 0; from < bytes.length; from += PIECE) {
    text += btoa(String.fromCharCode(...bytes.subarray(from, from + PIECE)));
  }
  return text;
}

function fromBase64(text: string): Uint8Array | null {
  let characters: string;
  try {
    characters = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
