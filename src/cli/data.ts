// Examples from a file in place of the law of a specification: --data points.csv.

import { SpecError } from "../engine/errors";
import { datasetFromFile, readDataFile } from "../io/onDemand";
import { isRecord } from "../model/spec";
import { parseProcess } from "../process/schema";
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
 * @returns the run file, and in words how many examples it has, of which size, and what became labels and inputs
 * @throws {UsageError} where there are columns without a file, or it cannot be read
 * @throws {SpecError} naming file, line and column, or array, of what is wrong; or a process that takes no examples
 */
export async function withData(json: unknown, options: DataOptions): Promise<{ json: unknown; said: string | null }> {
  const { data, labels, inputs, weights } = options;
  if (data === undefined) {
    const stray = (["labels", "inputs", "weights"] as const).find((name) => options[name] !== undefined);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --data FILE.`);
    return { json, said: null };
  }
  const file = await readDataFile(data, await readBytes(data, "--data takes a table (CSV, Parquet) or an npz."));
  const names = labels?.split(",");
  const taken = {
    ...(names && { labels: names.length === 1 ? names[0]! : names, y: labels! }),
    ...(inputs !== undefined && { inputs: inputs.split(","), x: inputs }),
    ...(weights !== undefined && { weights }),
  };
  const law = await datasetFromFile(file, taken);
  const [n, d] = law.x.shape;
  const { namesTaken } = await import("../io/datasets");
  const from = file.kind === "table" ? file.table : file.kind === "arrays" ? file.arrays : [];
  const roles = Object.entries(namesTaken(from, taken)).map(([role, list]) => `; ${role}: ${shortList(list)}`);
  const said = `${n} ${n === 1 ? "example" : "examples"} of ${d} ${d === 1 ? "input" : "inputs"} from ${data}${roles.join("")}`;
  if (!isRecord(json)) throw new SpecError("spec", json, "a run file");
  const filled = { ...json };
  for (const name of ["process", "compareWith"] as const) {
    const process = json[name];
    if (!isRecord(process)) continue;
    if (isRecord(process.problem)) {
      filled[name] = { ...process, problem: { ...process.problem, law } };
    }
  }
  checkTakesExamples(filled);
  return { json: filled, said };
}

// A limit of Gaussians alone is named before anything that was to be recorded of it; what else is wrong is found where the file
// is parsed.
function checkTakesExamples(json: Record<string, unknown>): void {
  for (const name of ["process", "compareWith"] as const) {
    try {
      if (isRecord(json[name])) parseProcess(json[name], name);
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      const place = name === "process" ? "process.problem.law.kind" : "compareWith.problem";
      if (!error.path.startsWith(place)) return;
      const remedy = "Begin with npx meanfield new dataset, or take gradientFlow as compareWith.";
      throw new SpecError(error.path, error.found, error.expected, remedy);
    }
  }
}

function shortList(names: readonly string[]): string {
  return names.length <= 8
    ? names.join(", ")
    : `${names.slice(0, 3).join(", ")}, … ${names[names.length - 1]} (${names.length})`;
}
