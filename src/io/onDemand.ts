// Interchange with other programs, loaded when it is called: npz, CSV, Parquet, datasets, and whatever file a user has.

import type { Measure } from "../measure/measure";
import type { Dataset } from "../model/law";
import type { ProblemInput } from "../model/problem";
import type { Tensor, TensorLike } from "../model/tensor";
import type { Process } from "../process/schema";
import type { Trajectory } from "../study/solve";
import type { ArrayNames, TableColumns } from "./datasets";
import type { DataFile } from "./files";
import { parseRunSpec } from "./spec";
import { type DataTable, tableFromJson } from "./table";
import { ensembleFromJson, trajectoryFromJson } from "./trajectory";

/**
 * Arrays as an npz, the file of numpy.savez: f64 as "<f8", f32 as "<f4", i32 as "<i4", row-major, each with its bits.
 *
 * @param tensors  by name
 * @returns the bytes of the file, the same for the same tensors
 * @throws {SpecError} with the path of what is no array, or where there is more than 1 GB
 * @example await tensorsToNpz({ x: tensor([[0, 1], [1, 0]]), y: [1, -1] })
 * @see docs/interchange.md
 */
export async function tensorsToNpz(tensors: Record<string, TensorLike>): Promise<Uint8Array> {
  return (await import("./npz")).tensorsToNpz(tensors);
}

/**
 * The arrays of an npz, row-major. Floats of 64 and 32 bits keep their bits; float16 becomes f32; bool, int8, uint8, int16, uint16 and
 * int32 become i32; uint32, int64 and uint64 become f64 where that is exact. An array without axes has shape [], an empty one has data
 * of length 0.
 *
 * @param bytes    what numpy.savez, numpy.savez_compressed or `tensorsToNpz` wrote
 * @param options  arrays: names of those that are wanted (default: all)
 * @throws {SpecError} which names the array that is damaged, or holds objects, complex numbers, dates or texts
 * @see docs/interchange.md
 */
export async function tensorsFromNpz(
  bytes: Uint8Array,
  options: { arrays?: readonly string[] } = {},
): Promise<Record<string, Tensor>> {
  return (await import("./npz")).tensorsFromNpz(bytes, options);
}

/**
 * A table from CSV: a head with names, a row a line, separated by commas, semicolons or tabs; lines end in \n, \r\n or \r. A column whose
 * fields all are numbers (NaN, inf and Infinity too) is one of numbers; of true and false, booleans; else of texts. An empty field is null.
 *
 * @param text     of the file
 * @param options  header: whether the first line has the names (true); else they are column1, column2, …
 * @throws {SpecError} which names the line and column
 * @see docs/interchange.md
 */
export async function tableFromCsv(text: string, options: { header?: boolean } = {}): Promise<DataTable> {
  return (await import("./csv")).tableFromCsv(text, options);
}

/**
 * A table from a Parquet file that is flat: DOUBLE, FLOAT, FLOAT16 and integers as numbers (those of 64 bits where that is exact), STRING
 * as texts, BOOLEAN; null is null. Its key-value metadata are the notes. Compression: SNAPPY, GZIP or none.
 *
 * @param bytes  of the file
 * @throws {SpecError} which names the column of dates, decimals, lists and so on
 * @see docs/interchange.md
 */
export async function tableFromParquet(bytes: Uint8Array): Promise<DataTable> {
  return (await import("./parquet")).tableFromParquet(bytes);
}

/**
 * The examples in a table, a row each.
 *
 * @param table    of CSV, Parquet or JSON
 * @param options  inputs: columns (default: all others); labels: column, or columns (default: y, label, labels, class or target, or y0,
 *                 y1, …); weights: column (default: none); classes: labels are classes 0 … K − 1, K of them, or true to count
 * @throws {SpecError} which names the line or row, and the column, of what is missing or no number
 * @see dataset; docs/interchange.md
 */
export async function datasetFromTable(table: DataTable, options: TableColumns = {}): Promise<Dataset> {
  return (await import("./datasets")).datasetFromTable(table, options);
}

/**
 * The examples in an npz.
 *
 * @param bytes    of the file
 * @param options  x: name of the array [n, d] (default: x or X); y: of [n] or [n, K] (default: y, Y, label or labels); weights: of [n]
 *                 (default: none); classes: labels are classes 0 … K − 1, K of them, or true to count
 * @throws {SpecError} which names the array, with the shape that was found and the one that was expected
 * @see dataset; docs/interchange.md
 */
export async function datasetFromNpz(bytes: Uint8Array, options: ArrayNames = {}): Promise<Dataset> {
  return (await import("./datasets")).datasetFromNpz(bytes, options);
}

/**
 * A measure as an npz: values, weights and outputBias of particles; edges0, edges1 and masses of a grid; base.values …, weights,
 * displacements and outputBias of a fluctuation. What is null is left out. The array meanfield, a text, says what it is.
 *
 * @param measure  particles, a grid, or a fluctuation
 * @see docs/interchange.md
 */
export async function measureToNpz(measure: Measure): Promise<Uint8Array> {
  return (await import("./measureFiles")).measureToNpz(measure);
}

/**
 * A measure from an npz: what `measureToNpz` gave, or arrays of these names from another program.
 *
 * @param bytes    of the file
 * @param options  coordinates: "theta" or "radial", where the file does not say it ("theta")
 * @throws {SpecError} which names the array that is missing or wrong, with the shapes found and expected
 */
export async function measureFromNpz(
  bytes: Uint8Array,
  options: { coordinates?: "theta" | "radial" } = {},
): Promise<Measure> {
  return (await import("./measureFiles")).measureFromNpz(bytes, options);
}

/**
 * A measure as a table. Of particles a row is a neuron: its coordinates, weight where they differ, outputBias0 … the same in each row. Of
 * a grid a row is a cell: NAME.from and NAME.to for each coordinate, mass. A fluctuation has beside its base omega, and b.NAME.
 *
 * @param measure  particles, a grid, or a fluctuation
 * @param options  problem: what it solves; then coordinates have its names (a, b, w0 …), else theta0, theta1 …; radii are r1 and r2
 * @throws {SpecError} where problem and measure differ in their coordinates
 * @see tableToCsv, tableToParquet; docs/interchange.md
 */
export async function measureToTable(measure: Measure, options: { problem?: ProblemInput } = {}): Promise<DataTable> {
  return (await import("./measureFiles")).measureToTable(measure, options);
}

/**
 * A measure from a table: what `measureToTable` gave, or a table of such columns. All columns but the special ones are coordinates.
 *
 * @param table    of Parquet, CSV or JSON
 * @param options  coordinates: where neither notes nor names (r1, r2) say it
 * @throws {SpecError} which names the line or row, and the column
 */
export async function measureFromTable(
  table: DataTable,
  options: { coordinates?: "theta" | "radial" } = {},
): Promise<Measure> {
  return (await import("./measureFiles")).measureFromTable(table, options);
}

/**
 * A recorded run as an npz: times [T]; each statistic by its name, [T, …]; NAME.standardError; measures.values [T, N, D] and so on where
 * measures were kept. The array meanfield is a JSON text: specification, provenance, warnings, and which array is what.
 *
 * @param run  what `solve` returned
 * @throws {SpecError} where the specification holds functions, which no file can
 * @see docs/interchange.md
 */
export async function trajectoryToNpz(run: Trajectory): Promise<Uint8Array> {
  return (await import("./trajectoryFiles")).trajectoryToNpz(run);
}

/**
 * A recorded run from an npz.
 *
 * @param bytes  what `trajectoryToNpz` gave
 * @throws {SpecError} which names the array that is missing or wrong, or the field of the text
 */
export async function trajectoryFromNpz(bytes: Uint8Array): Promise<Trajectory> {
  return (await import("./trajectoryFiles")).trajectoryFromNpz(bytes, trajectoryFromJson);
}

/**
 * A recorded run as a table, a row a time: time, then NAME of each statistic, or NAME[i] of each of its components, and NAME.standardError.
 * Its notes have the rest, but for the measures: those are not in it.
 *
 * @param run  what `solve` returned
 * @throws {SpecError} where the specification holds functions, which no file can
 * @see tableToCsv, tableToParquet; docs/interchange.md
 */
export async function trajectoryToTable(run: Trajectory): Promise<DataTable> {
  return (await import("./trajectoryFiles")).trajectoryToTable(run);
}

/**
 * A recorded run from a table, without measures.
 *
 * @param table    what `trajectoryToTable` gave
 * @param options  process: what was run, where the table comes from CSV, which has no notes; its provenance is then "unknown"
 * @throws {SpecError} which names the line or row, and the column, or the field of the note
 */
export async function trajectoryFromTable(table: DataTable, options: { process?: Process } = {}): Promise<Trajectory> {
  return (await import("./trajectoryFiles")).trajectoryFromTable(table, trajectoryFromJson, options);
}

/**
 * What stands in a file, told by its content: a run file, a recorded run, an ensemble, a measure, a table, or arrays.
 *
 * @param name   of the file, for errors alone
 * @param bytes  its content
 * @throws {SpecError} which says what the file seems to be, or where in it something is wrong
 * @see docs/interchange.md
 */
export async function readDataFile(name: string, bytes: Uint8Array): Promise<DataFile> {
  const readers = { parseRunSpec, tableFromJson, ensembleFromJson, trajectoryFromJson };
  return (await import("./files")).readDataFile(name, bytes, readers);
}

/**
 * The examples in a file that `readDataFile` has read.
 *
 * @param file     a table or arrays
 * @param options  as for `datasetFromTable` and `datasetFromNpz`
 * @throws {SpecError} as they do, with the name of the file
 */
export async function datasetFromFile(file: DataFile, options: TableColumns & ArrayNames = {}): Promise<Dataset> {
  return (await import("./files")).datasetFromFile(file, options);
}
