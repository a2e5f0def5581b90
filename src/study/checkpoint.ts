// Saving a run on the way and going on from what was saved: the state of the process and what was recorded so far.

import { CheckpointError, SpecError } from "../engine/errors";
import { nodeModule } from "../engine/node";
import { specHash } from "../io/canonical";
import { measureFromJson, measureToJson } from "../io/measure";
import type { Measure } from "../measure/measure";
import { pack, unpack } from "../process/checkpoint";
import type { Simulation } from "../process/process";
import { isLocal, type Observables, type Row, rowFromJson, rowToJson } from "./observables";

/** Where a run is saved: a file path in Node, or functions. */
export type Checkpointing =
  | string
  | {
      /** Takes the saved run; each call replaces what was written before. */
      write(bytes: Uint8Array): void | Promise<void>;
      /** Gives the saved run to go on from, or null to start from the beginning. */
      read?(): Uint8Array | null | Promise<Uint8Array | null>;
      /** Seconds between two saves (30). */
      everySeconds?: number;
    };

/** What a run has recorded so far. */
export interface RunRecord {
  reached: number[];
  rows: Record<string, Row>[];
  measures: Measure[] | null;
}

/** A checkpoint that is kept while a run goes on. */
export interface Keeper {
  /** Saves if it is time to; called between chunks. */
  tick(): void;
  /** Saves now, after what is under way. */
  write(): Promise<void>;
  /** Waits for what is under way, and says if it failed. */
  settle(): Promise<void>;
}

/** Checks the option. */
export function parseCheckpointing(value: Checkpointing): Checkpointing {
  const good =
    (typeof value === "string" && value.length > 0) ||
    (typeof value === "object" && value !== null && typeof value.write === "function");
  if (!good) throw new SpecError("checkpoint", value, "a file path, or { write(bytes), read(), everySeconds }");
  if (typeof value === "string" && !nodeModule("node:fs/promises")) {
    throw new SpecError("checkpoint", value, "{ write(bytes), read(), everySeconds }", "There are no files here.");
  }
  const seconds = typeof value === "string" ? 30 : (value.everySeconds ?? 30);
  if (!(seconds >= 0)) throw new SpecError("checkpoint.everySeconds", seconds, "a number of seconds, 0 or more");
  return value;
}

/**
 * Reads what was saved into `record` and the simulation, and returns the keeper of the run.
 *
 * @throws {CheckpointError} where what was saved is damaged or belongs to another run; it is left as it was
 */
export async function openCheckpoint(
  where: Checkpointing,
  simulation: Simulation,
  times: Float64Array,
  observables: Observables,
  record: RunRecord,
): Promise<Keeper> {
  const store = typeof where === "string" ? fileStore(where) : where;
  const milliseconds = (store.everySeconds ?? 30) * 1000;
  const identity = { kind: "run", backend: simulation.engine.backend, spec: specHash(simulation.process) };
  // by name: rows are kept so, and a run file that was written canonically has its names in another order
  const byName = ([a]: [string, string], [b]: [string, string]) => (a < b ? -1 : a > b ? 1 : 0);
  const recorded = Object.keys(observables)
    .map((name) => [name, isLocal(observables[name]!) ? "function" : specHash(observables[name])] as [string, string])
    .sort(byName);

  const saved = await store.read?.();
  if (saved) {
    const { header, payload } = unpack(saved, identity);
    const earlier = header["times"] as number[];
    if (JSON.stringify((header["observables"] as [string, string][]).sort(byName)) !== JSON.stringify(recorded)) {
      throw new CheckpointError("The saved run recorded other observables; use the same, or another checkpoint.");
    }
    const reached = header["reached"] as number[];
    if (reached.some((_, i) => earlier[i] !== times[i])) {
      throw new CheckpointError("The saved run recorded other times; use the same, or another checkpoint.");
    }
    const measures = header["measures"] as unknown[] | null;
    if (record.measures && !measures) {
      throw new CheckpointError('The saved run kept no measures; use keep "observables", or another checkpoint.');
    }
    simulation.restore(payload);
    record.reached.push(...reached);
    record.rows.push(...(header["rows"] as Record<string, unknown>[]).map((row) => mapValues(row, rowFromJson)));
    if (record.measures) record.measures.push(...measures!.map(measureFromJson));
  }

  const packed = (): Uint8Array =>
    pack(
      {
        ...identity,
        times: Array.from(times),
        observables: recorded,
        reached: record.reached,
        rows: record.rows.map((row) => mapValues(row, rowToJson)),
        measures: record.measures ? record.measures.map(measureToJson) : null,
      },
      simulation.save(),
    );

  let last = performance.now();
  let queue: Promise<void> = Promise.resolve();
  let failure: unknown = null;
  const enqueue = () => {
    const bytes = packed();
    last = performance.now();
    queue = queue
      .then(() => store.write(bytes))
      .catch((error) => {
        failure ??= error;
      });
  };
  const settle = async () => {
    await queue;
    if (failure !== null) throw failure;
  };
  return {
    tick() {
      if (performance.now() - last >= milliseconds) enqueue();
    },
    async write() {
      enqueue();
      await settle();
    },
    settle,
  };
}

function mapValues<A, B>(record: Record<string, A>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}

// A file is replaced only when the new one is whole: written beside it, then renamed.
function fileStore(path: string): Exclude<Checkpointing, string> {
  const { readFile, rename, writeFile } = nodeModule("node:fs/promises")!;
  return {
    async read() {
      try {
        return new Uint8Array(await readFile(path));
      } catch (error) {
        if ((error as { code?: string }).code === "ENOENT") return null;
        throw error;
      }
    },
    async write(bytes) {
      await writeFile(`${path}.part`, bytes);
      await rename(`${path}.part`, path);
    },
  };
}
