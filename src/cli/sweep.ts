// `meanfield sweep`: runs a run file at many values of its fields, keeps every finished run, writes the tables.

import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { checkVersion } from "../io/trajectory";
import { isRecord } from "../model/spec";
import type { Table } from "../study/figures/figure";
import { sweep as runSweep, type Sweep, type SweepOptions, type SweepProgress } from "../study/sweep";
import { integerOption, parseOptions } from "./options";
import { duration, progressLine } from "./progress";
import { readSource } from "./source";
import { tableText } from "./table";
import { Interrupted, type Terminal } from "./terminal";

/**
 * Runs the command.
 *
 * @param args      after `sweep`
 * @param terminal  streams and the signal that stops
 */
export async function sweep(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, { out: "string", workers: "string", backend: "string" });
  const { base, vary } = readSweep(await readSource(words, terminal));
  const folder = values.out ?? "out";
  const line = progressLine(terminal.err, terminal.rewrites);
  const began = performance.now();
  let last: SweepProgress | null = null;
  const study = await runSweep({
    base,
    vary,
    folder,
    workers: integerOption("workers", values.workers, 0, 1024),
    backend: values.backend as Backend | undefined,
    signal: terminal.signal,
    onProgress(progress) {
      last = progress;
      line.update(progress.fraction, `${progress.finished} of ${progress.runs} runs`);
    },
  })
    .finally(() => line.end())
    .catch((error: unknown) => {
      if (!terminal.signal.aborted) throw error;
      const again = words[0] === "-" ? `${folder}/sweep.json` : words[0];
      const out = values.out === undefined ? "" : ` --out ${folder}`;
      const done = last ? `, ${last.finished} of ${last.runs} runs done` : "";
      throw new Interrupted(
        `interrupted after ${duration(performance.now() - began)}${done}; go on with: meanfield sweep ${again}${out}`,
      );
    });

  terminal.out(tableText(sweepTable(study)));
  for (const warning of study.warnings) terminal.err(`warning: ${warning}\n`);
  terminal.err(
    `${duration(performance.now() - began)}. Runs made: ${study.computed}, found: ${study.found}. ` +
      `Written: table and replicas as .json, .csv and .parquet in ${folder}\n`,
  );
}

// A run file with one field more.
function readSweep(json: unknown): Pick<SweepOptions, "base" | "vary"> {
  if (!isRecord(json)) throw new SpecError("spec", json, "a run file with one field more, vary");
  checkVersion(json.version);
  const { vary, ...base } = json;
  return { base, vary } as unknown as Pick<SweepOptions, "base" | "vary">;
}

// The varied fields, the time, and every statistic that is one number a time.
function sweepTable({ table, points }: Sweep): Table {
  const fields = Object.keys(points[0]!.values);
  type Shown = { j: number; name: string; digits: number | null };
  const shown = table.columns.flatMap(({ name }, j): Shown[] => {
    if (fields.includes(name)) return [{ j, name: shortName(name, fields), digits: null }];
    if (name === "time") return [{ j, name: "t", digits: 4 }];
    const [, statistic, part] = /^([^[\]]*)\.(mean|standardError)$/.exec(name) ?? [];
    if (statistic === undefined) return [];
    const alone = table.rows.every((row) => row[j] === null);
    if (part === "standardError") return alone ? [] : [{ j, name: "± s.e.", digits: 5 }];
    return [{ j, name: statistic, digits: 5 }];
  });
  return {
    columns: shown.map(({ name, digits }) => ({ name, digits: digits ?? 0 })),
    rows: table.rows.map((row) =>
      shown.map(({ j, digits }) => {
        const cell = row[j]!;
        if (cell === null || (digits !== null && typeof cell === "number")) return cell as number | null;
        const text = typeof cell === "number" ? String(Number(cell.toPrecision(12))) : String(cell);
        return text.length > 40 ? `${text.slice(0, 37)}…` : text;
      }),
    ),
  };
}

// `neurons` for `process.neurons`, where that names one field only.
function shortName(field: string, fields: readonly string[]): string {
  const last = field.slice(field.lastIndexOf(".") + 1);
  return fields.filter((other) => other.slice(other.lastIndexOf(".") + 1) === last).length === 1 ? last : field;
}
