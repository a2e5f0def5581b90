// The folder of a sweep: a file for each finished run, named by the hash of what was run. A file is put there whole or not at
// all, so whatever ends a sweep, the next one finds what was finished.
//
//   sweep.json                what is swept
//   runs/<hash>.json          a finished run
//   runs/<hash>.state         one that is under way, saved every half minute
//   table.json, .csv, .parquet, replicas.json, …

import { SpecError } from "../engine/errors";
import { nodeModule } from "../engine/node";
import { specHash } from "../io/canonical";
import { trajectoryFromJson, trajectoryToJson } from "../io/trajectory";
import { isRecord } from "../model/spec";
import type { Trajectory } from "./solve";

/** What a sweep keeps in its folder. */
export interface SweepFolder {
  /** A finished run; null where there is none, and the reason where its file is damaged. */
  read(hash: string): Promise<{ run: Trajectory | null; damage: string | null }>;
  /** Puts a finished run there. */
  write(hash: string, run: Trajectory): Promise<void>;
  /** File where a run is saved on the way. */
  stateFile(hash: string): string;
  /** Name of a run's file, within the folder. */
  runFile(hash: string): string;
  /** Puts any other file there. */
  put(name: string, content: string | Uint8Array): Promise<void>;
  /** Takes away what was left by an end in the middle, now that these runs are done. */
  clean(hashes: Iterable<string>): Promise<void>;
}

const VERSION = 1;

/**
 * Opens the folder of a sweep; it is made where there is none.
 *
 * @throws {SpecError} where there are no files, as in a browser
 */
export async function openFolder(folder: string): Promise<SweepFolder> {
  const files = nodeModule("node:fs/promises");
  if (typeof folder !== "string" || folder === "") throw new SpecError("folder", folder, "the path of a folder");
  if (!files)
    throw new SpecError("folder", folder, "nothing", "There are no files here: the tables are in the result.");
  const { mkdir, readdir, readFile, rename, rm, writeFile } = files;
  await mkdir(`${folder}/runs`, { recursive: true });
  const put = async (name: string, content: string | Uint8Array) => {
    await writeFile(`${folder}/${name}.part`, content);
    await rename(`${folder}/${name}.part`, `${folder}/${name}`);
  };
  const there = new Set(await readdir(`${folder}/runs`));
  const runFile = (hash: string) => `runs/${hash}.json`;
  return {
    runFile,
    stateFile: (hash) => `${folder}/runs/${hash}.state`,
    async read(hash) {
      if (!there.has(`${hash}.json`)) return { run: null, damage: null };
      return readRun(await readFile(`${folder}/${runFile(hash)}`, "utf8"), hash);
    },
    async write(hash, run) {
      const json = trajectoryToJson(run);
      const file = { version: VERSION, kind: "sweepRun", spec: hash, digest: specHash(json), run: json };
      await put(runFile(hash), `${JSON.stringify(file)}\n`);
      await rm(`${folder}/runs/${hash}.state`, { force: true });
    },
    put,
    async clean(hashes) {
      const left = new Set(await readdir(`${folder}/runs`));
      for (const hash of hashes) {
        for (const name of [`${hash}.json.part`, `${hash}.state`, `${hash}.state.part`]) {
          if (left.has(name)) await rm(`${folder}/runs/${name}`, { force: true });
        }
      }
    },
  };
}

// The digest is of the content, the hash of what was asked for: a file that was cut, changed or renamed fits neither.
function readRun(text: string, hash: string): { run: Trajectory | null; damage: string | null } {
  try {
    const file: unknown = JSON.parse(text);
    if (!isRecord(file) || file.kind !== "sweepRun" || file.version !== VERSION)
      throw new Error("it is no run of a sweep");
    if (file.spec !== hash) throw new Error("it is another run");
    if (file.digest !== specHash(file.run)) throw new Error("its content does not fit its digest");
    return { run: trajectoryFromJson(file.run), damage: null };
  } catch (error) {
    return { run: null, damage: error instanceof Error ? error.message : String(error) };
  }
}
