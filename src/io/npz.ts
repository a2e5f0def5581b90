// Arrays by name in one file, as numpy.savez writes and numpy.load reads.

import { SpecError } from "../engine/errors";
import { isTensor, readTensor, type Tensor, type TensorLike } from "../model/tensor";
import { type NpyArray, npyArray, npyBytes, npyHeader } from "./npy";
import { unzip, zip } from "./zip";

/** An array of an npz, by what its header says. */
export interface NpzEntry {
  name: string;
  /** NumPy's name of the elements, as in "<f8" */
  descr: string;
  shape: number[];
  /** @throws {SpecError} where it is damaged, or has elements that are neither numbers nor texts */
  read(): NpyArray;
}

/** See onDemand.ts. */
export function tensorsToNpz(tensors: Record<string, TensorLike>): Uint8Array {
  const entries = Object.entries(tensors).map(([name, value]): [string, NpyArray] => {
    const path = `tensors.${name}`;
    // what tensorsFromNpz gives may be empty or have no axis
    const isBare = isTensor(value) && (value.shape.length === 0 || value.shape.includes(0));
    if (!isBare) return [name, readTensor(value, path, { finite: false })];
    const count = value.shape.reduce((product, n) => product * n, 1);
    if (value.data.length !== count)
      throw new SpecError(path, `${value.data.length} elements`, `${count}, as its shape says`);
    return [name, value];
  });
  return npzBytes(Object.fromEntries(entries));
}

/** See onDemand.ts. */
export function tensorsFromNpz(
  bytes: Uint8Array,
  options: { arrays?: readonly string[] } = {},
): Record<string, Tensor> {
  const entries = npzEntries(bytes);
  const wanted = options.arrays?.map((name) => arrayNamed(entries, [name])) ?? entries;
  return Object.fromEntries(wanted.map((entry) => [entry.name, numbersIn(entry)]));
}

/**
 * An npz. Numbers are stored as they are, so that NumPy may map them to memory, texts are compressed.
 *
 * @param arrays  by name
 */
export function npzBytes(arrays: Record<string, NpyArray>): Uint8Array {
  const files = Object.entries(arrays).map(([name, array]) => {
    return { name: `${name}.npy`, bytes: npyBytes(array), pack: array.dtype === "text" };
  });
  return zip(files);
}

/**
 * The arrays of an npz, in their order.
 *
 * @param bytes  of the file
 * @throws {SpecError} where it is none, is damaged, or is too large
 */
export function npzEntries(bytes: Uint8Array): NpzEntry[] {
  const entries = unzip(bytes).filter(({ name }) => !name.endsWith("/"));
  const stray = entries.find(({ name }) => !name.endsWith(".npy"));
  if (stray) throw new SpecError("npz", `a file ${JSON.stringify(stray.name)} in it`, "arrays of NumPy (.npy) only");
  const names = entries.map(({ name }) => name.slice(0, -".npy".length));
  return entries.map(({ read }, i) => {
    const name = names[i]!;
    const place = placeOf(name);
    if (names.indexOf(name) !== i) throw new SpecError(place, "two arrays of that name", "a name of its own");
    const content = read();
    const { descr, shape } = npyHeader(content, place);
    return { name, descr, shape, read: () => npyArray(content, place) };
  });
}

/**
 * The array that has one of some names.
 *
 * @param names  the first that is there counts
 * @throws {SpecError} where there is none
 */
export function arrayNamed<E extends { name: string }>(entries: readonly E[], names: readonly string[]): E {
  for (const name of names) {
    const found = entries.find((entry) => entry.name === name);
    if (found) return found;
  }
  const there = entries.length === 0 ? "no arrays" : entries.map(({ name }) => JSON.stringify(name)).join(", ");
  throw new SpecError(
    names.map(placeOf).join(" or "),
    there,
    names.length > 1 ? "an array of one of these names" : "an array of this name",
  );
}

/**
 * An array of numbers.
 *
 * @throws {SpecError} where it is of texts
 */
export function numbersIn(entry: NpzEntry): Tensor {
  const array = entry.read();
  if (array.dtype === "text") {
    throw new SpecError(
      placeOf(entry.name),
      `texts (${entry.descr})`,
      "numbers",
      "Say which arrays are wanted, or number the texts.",
    );
  }
  // with the method that writes it to JSON, which only tensors with elements have
  return array.data.length > 0 && array.shape.length > 0
    ? readTensor(array, placeOf(entry.name), { finite: false })
    : array;
}

/** An array in words, for errors. */
export function placeOf(name: string): string {
  return `array ${JSON.stringify(name)}`;
}
