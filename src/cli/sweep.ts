// `meanfield sweep`: runs a run file at many values of its fields, keeps every finished run, writes the tables.

import path from "node:path";
import { loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import { tableToJson } from "../io/table";
import { checkVersion } from "../io/trajectory";
import { isRecord } from "../model/spec";
import type { Table } from "../study/figures/figure";
import { sweep as runSweep, type Sweep, type SweepOptions, type SweepProgress } from "../study/sweep";
import { version } from "../version";
import { options } from "./commands";
import { withData } from "./data";
import { integerOption, parseOptions, shellLine } from "./options";
import { duration } from "./progress";
import { readSource } from "./source";
import { tableText } from "./table";
import { Interrupted, type Terminal } from "./terminal";
import { voiceOf } from "./voice";
import { checkFolder } from "./whole";

/**
 * Runs the command.
 *
 * @param args      after `sweep`
 * @param terminal  streams and the signal that stops
 */
export async function sweep(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, options.sweep);
  const voice = voiceOf(terminal, values);
  const workers = integerOption("workers", values.workers, 0, 1024);
  const out = values.out ?? "out";
  const kept = out !== "-";
  if (kept) await checkFolder(out);
  const source = await readSource(words, terminal);
  const { json, said } = await withData(source.json, values);
  const { base, vary } = readSweep(json);
  const { backend } = await loadEngine({ backend: values.backend });
  voice.detail(`meanfield ${version}, Node ${process.version}; build of the kernels: ${backend}`);
  voice.detail(`specification: ${source.name}`);
  if (said) voice.note(`Data: ${said}.`);
  const line = voice.progress();
  const began = performance.now();
  let last: SweepProgress | null = null;
  const study = await runSweep({
    base,
    vary,
    ...(kept && { folder: out }),
    workers,
    backend,
    signal: terminal.signal,
    onProgress(progress) {
      last = progress;
      line.update(progress.fraction, `${progress.finished} of ${progress.runs} runs`);
    },
  })
    .finally(() => line.end())
    .catch((error: unknown) => {
      if (!terminal.signal.aborted || !kept) throw error;
      const again = [
        "npx",
        "meanfield",
        "sweep",
        // what was piped in, or has data beside it, stands whole in the folder
        words[0] === undefined || words[0] === "-" || said ? path.join(out, "sweep.json") : words[0],
        ...(values.out === undefined ? [] : ["--out", out]),
        ...(values.workers === undefined ? [] : ["--workers", values.workers]),
        ...(values.backend === undefined ? [] : ["--backend", values.backend]),
      ];
      const done = last ? `, ${last.finished} of ${last.runs} runs done` : "";
      throw new Interrupted(
        `interrupted after ${duration(performance.now() - began)}${done}; go on with: ${shellLine(again)}`,
      );
    });

  const table = tableText(sweepTable(study));
  if (kept) voice.result(table, () => summary(study, out));
  else {
    terminal.out(tableToJson(study.table));
    voice.note(table.trimEnd());
  }
  for (const warning of study.warnings) voice.note(`warning: ${warning}`);
  voice.detail(`${study.points.length} points, SHA-256 ${study.provenance.spec}`);
  const where = kept ? ` Written: table and replicas as .json, .csv and .parquet in ${out}` : "";
  voice.note(`${duration(performance.now() - began)}. Runs made: ${study.computed}, found: ${study.found}.${where}`);
}

function summary(study: Sweep, out: string): unknown {
  const { provenance, computed, found, warnings, table } = study;
  return {
    command: "sweep",
    version,
    backend: provenance.backend,
    spec: provenance.spec,
    folder: out,
    status: "done",
    computed,
    found,
    warnings,
    table: { columns: table.columns, rows: table.rows },
  };
}

// A run file with one field more.
function readSweep(json: unknown): Pick<SweepOptions, "base" | "vary"> {
  if (!isRecord(json)) throw new SpecError("spec", json, "a run file with one field more, vary");
  checkVersion(json.version);
  const { vary, ...base } = json;
  if (vary === undefined) {
    const remedy = "Without it there is one run: npx meanfield run makes it.";
    throw new SpecError("vary", vary, 'values by field, as in { "process.neurons": [100, 200] }', remedy);
  }
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
