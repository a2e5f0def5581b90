// Arrays in NumPy's own format: a header that is a Python literal, then the elements.
//
//   93 "NUMPY" │ major minor │ length of the header, 2 bytes (major 1) or 4 │ {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), } ␠… \n │ elements

import { SpecError } from "../engine/errors";
import type { TensorArrays } from "../model/tensor";
import { sizeInWords } from "./place";

/** An array of numbers, or of one text or more, row-major. Unlike a tensor it may be empty, or have no axis at all. */
export type NpyArray =
  | { [K in keyof TensorArrays]: { dtype: K; shape: number[]; data: TensorArrays[K] } }[keyof TensorArrays]
  | { dtype: "text"; shape: number[]; data: string[] };

/** What the header of an array says. */
export interface NpyHeader {
  /** NumPy's name of the elements, as in "<f8"; "structured" for those of several fields */
  descr: string;
  fortranOrder: boolean;
  shape: number[];
  /** where the elements begin */
  offset: number;
}

/**
 * The bytes of an array, elements little-endian, texts as Unicode.
 *
 * @param array  numbers or texts, row-major
 */
export function npyBytes({ dtype, shape, data }: NpyArray): Uint8Array {
  const [descr, elements] =
    dtype === "text" ? textElements(data) : [DESCR[dtype], littleEndian(bytesOf(data), data.BYTES_PER_ELEMENT)];
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${lengths}), }`;
  // the elements begin at a multiple of 64, as NumPy has it
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const bytes = new Uint8Array(10 + padded.length + elements.length);
  bytes.set([...MAGIC, 1, 0, padded.length & 255, padded.length >> 8]);
  for (let i = 0; i < padded.length; i++) bytes[10 + i] = padded.charCodeAt(i);
  bytes.set(elements, 10 + padded.length);
  return bytes;
}

/** Whether bytes begin as NumPy's arrays do. */
export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * The header of an array.
 *
 * @param bytes  of the file
 * @param place  of the array, for the error
 * @throws {SpecError} where it is none, or is cut
 * @see numpy.lib.format
 */
export function npyHeader(bytes: Uint8Array, place: string): NpyHeader {
  if (!isNpy(bytes)) throw new SpecError(place, "other bytes", "an array of NumPy (.npy)");
  const major = bytes[6]!;
  if (!(major >= 1 && major <= 3))
    throw new SpecError(place, `version ${major}`, "version 1, 2 or 3 of the npy format");
  const wide = major > 1 ? 4 : 2;
  const offset = 8 + wide + unsigned(bytes.subarray(8, 8 + wide));
  if (!(offset <= bytes.length)) throw cut(place, `${bytes.length} bytes`, "a whole header");
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.subarray(8 + wide, offset));
  const descr = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|([[(]))/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  const lengths = /['"]shape['"]\s*:\s*\(([\dL\s,]*)\)/.exec(text)?.[1];
  if (!descr || order === undefined || lengths === undefined) {
    throw new SpecError(place, text.trim(), "a header with descr, fortran_order and shape", "The file is damaged.");
  }
  const shape = lengths.split(",").map((n) => n.replace("L", "").trim());
  return {
    descr: descr[3] ? "structured" : (descr[1] ?? descr[2]!),
    fortranOrder: order === "True",
    shape: shape.filter((n) => n !== "").map(Number),
    offset,
  };
}

/**
 * An array from its file. Floats of 64 and 32 bits stay what they are; float16 becomes f32, bool, int8, uint8, int16, uint16 and int32
 * become i32; uint32, int64 and uint64 become f64, as long as each is exact.
 *
 * @param bytes  of the file
 * @param place  of the array, for the error
 * @returns row-major, whatever the order on file
 * @throws {SpecError} where it is damaged, or of elements that are neither real numbers nor texts
 */
export function npyArray(bytes: Uint8Array, place: string): NpyArray {
  const { descr, fortranOrder, shape, offset } = npyHeader(bytes, place);
  const form = /^([<>=|]?)([a-zA-Z?])(\d*)(\[.*\])?$/.exec(descr);
  const [, order = "", letter = "", digits = ""] = form ?? [];
  const kind = letter === "?" ? "b1" : letter + digits;
  const width = letter === "U" ? 4 * Number(digits) : READ[kind]?.width;
  if (width === undefined) throw unreadable(place, descr, letter);
  const count = shape.reduce((product, n) => product * n, 1);
  const size = bytes.length - offset;
  if (size !== count * width) {
    throw cut(
      place,
      sizeInWords(size),
      `${sizeInWords(count * width)}, as the shape (${shape.join(", ")}) of ${descr} says`,
    );
  }
  const part = letter === "U" ? 4 : width;
  const raw = bytes.slice(offset);
  const elements = order === ">" ? reversed(raw, part) : raw;
  const native = littleEndian(elements, part);
  if (letter === "U") {
    return { dtype: "text", shape, data: rowMajor(textsOf(native, count, place), shape, fortranOrder) };
  }
  const { dtype, read } = READ[kind]!;
  const data = read(native.buffer as ArrayBuffer);
  if (kind === "i8" || kind === "u8") checkExact(data, native, kind, place);
  return { dtype, shape, data: rowMajor(data, shape, fortranOrder) } as NpyArray;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DESCR = { f64: "<f8", f32: "<f4", i32: "<i4" } as const;

interface Reader {
  width: number;
  dtype: keyof TensorArrays;
  read(buffer: ArrayBuffer): TensorArrays[keyof TensorArrays];
}

const READ: Record<string, Reader> = {
  f8: { width: 8, dtype: "f64", read: (buffer) => new Float64Array(buffer) },
  f4: { width: 4, dtype: "f32", read: (buffer) => new Float32Array(buffer) },
  f2: { width: 2, dtype: "f32", read: (buffer) => halves(new Uint16Array(buffer)) },
  i8: { width: 8, dtype: "f64", read: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number) },
  u8: { width: 8, dtype: "f64", read: (buffer) => Float64Array.from(new BigUint64Array(buffer), Number) },
  i4: { width: 4, dtype: "i32", read: (buffer) => new Int32Array(buffer) },
  u4: { width: 4, dtype: "f64", read: (buffer) => Float64Array.from(new Uint32Array(buffer)) },
  i2: { width: 2, dtype: "i32", read: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  u2: { width: 2, dtype: "i32", read: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  i1: { width: 1, dtype: "i32", read: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  u1: { width: 1, dtype: "i32", read: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  b1: { width: 1, dtype: "i32", read: (buffer) => Int32Array.from(new Uint8Array(buffer), (x) => (x ? 1 : 0)) },
};

// Floats of 16 bits as those of 32, bit by bit: what is below 2^−14 has no leading one.
function halves(bits: Uint16Array): Float32Array {
  const result = new Float32Array(bits.length);
  const words = new Uint32Array(result.buffer);
  bits.forEach((half, i) => {
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 0) result[i] = (sign ? -1 : 1) * (fraction / 2 ** 24);
    else words[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  });
  return result;
}

// A float of 64 bits holds the integers up to 2^53.
function checkExact(data: TensorArrays[keyof TensorArrays], native: Uint8Array, kind: string, place: string): void {
  const bad = data.findIndex((x: number) => Math.abs(x) > Number.MAX_SAFE_INTEGER);
  if (bad < 0) return;
  const found = new (kind === "i8" ? BigInt64Array : BigUint64Array)(native.buffer as ArrayBuffer)[bad]!;
  throw new SpecError(
    `${place}[${bad}]`,
    found,
    "an integer of size below 2^53",
    "Save it as floats: x.astype(float).",
  );
}

// Elements in NumPy's "C" order, where the file has the first index run fastest.
function rowMajor<T extends TensorArrays[keyof TensorArrays] | string[]>(
  data: T,
  shape: readonly number[],
  fortranOrder: boolean,
): T {
  if (!fortranOrder || shape.length < 2) return data;
  const result = data.slice() as T;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, n) => product * n, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

// Texts of equally many code points, the shorter ones filled up with zeros.
function textElements(texts: readonly string[]): [string, Uint8Array] {
  const points = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const width = Math.max(1, ...points.map(({ length }) => length));
  const words = new Uint32Array(width * texts.length);
  points.forEach((one, i) => void words.set(one, i * width));
  return [`<U${width}`, littleEndian(bytesOf(words), 4)];
}

function textsOf(native: Uint8Array, count: number, place: string): string[] {
  const words = new Uint32Array(native.buffer);
  const width = words.length / count;
  return Array.from({ length: count }, (_, i) => {
    const one = words.subarray(i * width, (i + 1) * width);
    const bad = one.find((point) => point > 0x10ffff);
    if (bad !== undefined) throw new SpecError(place, bad, "Unicode, code points to 0x10ffff", "The file is damaged.");
    let text = "";
    for (let at = 0; at < one.length; at += 8192) text += String.fromCodePoint(...one.subarray(at, at + 8192));
    return text.replace(/\0+$/, "");
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

const isBig = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0;

// From this machine's order of bytes to little-endian, or back.
function littleEndian(bytes: Uint8Array, width: number): Uint8Array {
  return isBig ? reversed(bytes, width) : bytes;
}

function reversed(bytes: Uint8Array, width: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += width) {
    for (let i = 0; i < width; i++) result[at + i] = bytes[at + width - 1 - i]!;
  }
  return result;
}

function unsigned(bytes: Uint8Array): number {
  return bytes.reduceRight((sum, byte) => 256 * sum + byte, 0);
}

function cut(place: string, found: string, expected: string): SpecError {
  return new SpecError(place, found, expected, "The file is cut or damaged.");
}

function unreadable(place: string, descr: string, letter: string): SpecError {
  const expected = "numbers (float, int, uint or bool, of at most 64 bits) or texts (<U)";
  const [found, remedy] =
    letter === "O"
      ? [
          "Python objects, which are pickled",
          "No program should run what a file brings along: save numbers, as np.asarray(x, dtype=float).",
        ]
      : letter === "c"
        ? [`complex numbers (${descr})`, "Save x.real and x.imag, each by its name."]
        : letter === "M" || letter === "m"
          ? [`dates or times (${descr})`, "Save them as numbers, as in (t - t[0]) / np.timedelta64(1, 's')."]
          : letter === "S"
            ? [`byte strings (${descr})`, "Save them as texts: x.astype(str)."]
            : descr === "structured" || letter === "V"
              ? ["a structured array", "Save each field as an array of its own."]
              : [descr, "Save it as floats: x.astype(float)."];
  return new SpecError(place, found, expected, remedy);
}
