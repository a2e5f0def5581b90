// Examples from a file in place of the law of a specification: --data points.csv.

import { SpecError } from "../engine/errors";
import { datasetFromFile, readDataFile } from "../io/onDemand";
import { isRecord } from "../model/spec";
import { readBytes } from "./source";
import { UsageError } from "./terminal";

/** How the columns of a table, or the arrays of an npz, are to be taken. */
export interface DataOptions {
  /** The file. */
  data?: string;
  /** Column (columns, with commas between) or array of labels. */
  labels?: string;
  /** Columns, with commas between, or array of inputs. */
  inputs?: string;
  /** Column or array of weights. */
  weights?: string;
}

/**
 * A run file whose problems have the examples of a data file; as it is where no file is given.
 *
 * @param json     the run file
 * @param options  of the command line
 * @returns the run file, and how many examples of which size it has, in words
 * @throws {UsageError} where there are columns without a file, or it cannot be read
 * @throws {SpecError} naming file, line and column, or array, of what is wrong
 */
export async function withData(json: unknown, options: DataOptions): Promise<{ json: unknown; said: string | null }> {
  const { data, labels, inputs, weights } = options;
  if (data === undefined) {
    const stray = (["labels", "inputs", "weights"] as const).find((name) => options[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --data FILE.`);
    return { json, said: null };
  }
  const file = await readDataFile(data, await readBytes(data));
  const names = labels?.split(",");
  const law = await datasetFromFile(file, {
    ...(names && { labels: names.length === 1 ? names[0]! : names, y: labels! }),
    ...(inputs !== undefined && { inputs: inputs.split(","), x: inputs }),
    ...(weights !== undefined && { weights }),
  });
  const [n, d] = law.x.shape;
  const said = `${n} examples of ${d} inputs from ${data}`;
  if (!isRecord(json)) throw new SpecError("spec", json, "a run file");
  const filled = { ...json };
  for (const name of ["process", "compareWith"] as const) {
    const process = json[name];
    if (!isRecord(process)) continue;
    if (isRecord(process.problem)) {
      filled[name] = { ...process, problem: { ...process.problem, law } };
    }
  }
  return { json: filled, said };
}
