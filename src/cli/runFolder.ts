// The folder of `meanfield run`: what it has of a run, and what is still to be done.
//
//   spec.json                 what is run, with all defaults filled in
//   checkpoint/               while it goes on: begun.json (by which build and version), and saved states
//   trajectory.json           the run, as soon as it is finished
//   compareWith.json          the second one, where there is one
//   risk.svg, …               pictures of them

import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import type { Backend } from "../engine/kernels";
import { canonicalJson, specHash } from "../io/canonical";
import { parseRunSpec, type RunSpec, runSpecToJson } from "../io/spec";
import { ensembleFromJson, ensembleToJson, trajectoryFromJson, trajectoryToJson } from "../io/trajectory";
import { isRecord } from "../model/spec";
import type { Process } from "../process/schema";
import type { Ensemble } from "../study/ensemble";
import type { Trajectory } from "../study/solve";
import { version } from "../version";
import { differences } from "./differences";
import { FolderInUse } from "./terminal";
import { checkFolder, exists, writeWhole } from "./whole";

/** A run that `meanfield run` makes. */
export type Run = Trajectory | Ensemble;

/** The folder of a run. */
export interface RunFolder {
  /** Where states are saved on the way; null once everything is done. */
  checkpoint: string;
  /** Whether there is anything to go on from, or a result. */
  begun: boolean;
  /** A run that is finished, read back to the same bits; null where it is still to be made. */
  read(file: RunFile, process: Process, replicas: number): Promise<Run | null>;
  /** Makes the folder, says what is run in it, and of what. */
  begin(): Promise<void>;
  /** Puts a file there, whole. */
  put(file: string, content: string): Promise<void>;
  /** Whether a file is there. */
  has(file: string): Promise<boolean>;
  /** Names of the files that were put there now. */
  written: readonly string[];
  /** Files that were damaged, and why, in sentences. */
  damages: readonly string[];
  /** Takes away what was saved on the way. */
  close(): Promise<void>;
}

type RunFile = "trajectory.json" | "compareWith.json";

const OWN = /^(spec|trajectory|compareWith)\.json(\.part)?$|^(risk|statistics|density(-.*)?)\.svg(\.part)?$/;

/**
 * Looks at the folder of a run; nothing is written.
 *
 * @param folder   where it is, or is to be
 * @param spec     what is to be run
 * @param backend  by which build
 * @param restart  whether what is there is to be thrown away, once the run begins
 * @throws {FolderInUse} where the folder has another run, or this one by another build or version
 */
export async function openRunFolder(
  folder: string,
  spec: RunSpec,
  backend: Backend,
  restart: boolean,
): Promise<RunFolder> {
  await checkFolder(folder);
  const place = (...parts: string[]) => path.join(folder, ...parts);
  const checkpoint = place("checkpoint");
  const remedy = "--restart replaces it; another folder by --out keeps both.";
  const hash = specHash(spec);
  const here = { spec: hash, version, backend };
  const refuse = (what: string) => new FolderInUse(`${folder} holds ${what} ${remedy}`);
  const sameOrigin = (found: { version: unknown; backend: unknown }) => {
    if (found.version === version && found.backend === backend) return;
    throw refuse(
      `this run made by meanfield ${found.version}, build ${found.backend}; this is meanfield ${version}, build ${backend}, and the bits may differ.`,
    );
  };

  const saved = await exists(checkpoint);
  const text = await textOf(place("spec.json"));
  const results: RunFile[] = [];
  for (const file of ["trajectory.json", "compareWith.json"] as const) {
    if (await exists(place(file))) results.push(file);
  }
  if (!restart) {
    if (text !== null) {
      const other = otherSpec(text, spec);
      if (other !== null) throw refuse(other);
    } else if (results.length > 0) {
      throw refuse(`${results[0]}, and no spec.json that says what it was made from.`);
    }
    const begun = await readJson(place("checkpoint", "begun.json"));
    if (isRecord(begun)) {
      if (begun.spec !== hash) throw refuse("the checkpoint of another run.");
      sameOrigin(begun as typeof here);
    }
  }

  const written: string[] = [];
  const damages: string[] = [];
  const put = async (file: string, content: string) => {
    await writeWhole(place(file), content);
    written.push(place(file));
  };
  return {
    checkpoint,
    begun: !restart && (saved || results.length > 0),
    written,
    damages,
    put,
    has: (file) => exists(place(file)),
    async read(file, process, replicas) {
      if (restart || !results.includes(file)) return null;
      let run: Run;
      try {
        const json: unknown = JSON.parse(await readFile(place(file), "utf8"));
        run = replicas > 1 ? ensembleFromJson(json) : trajectoryFromJson(json);
        if (specHash(run.process) !== specHash(process)) throw new Error("it is of another process");
      } catch (error) {
        damages.push(`${place(file)} could not be read, and is made again: ${(error as Error).message}.`);
        return null;
      }
      // stopped by a divergence: it is run again, and says so again
      if (("status" in run && run.status !== "done") || run.times.length !== spec.times.length) return null;
      sameOrigin(run.provenance);
      return run;
    },
    async begin() {
      if (restart) {
        await rm(checkpoint, { recursive: true, force: true });
        for (const file of await readdir(folder).catch(() => [])) {
          if (OWN.test(file)) await rm(place(file), { force: true });
        }
      }
      await mkdir(checkpoint, { recursive: true });
      await writeWhole(place("checkpoint", "begun.json"), `${JSON.stringify(here)}\n`);
      // the same specification may stand there as the user wrote it
      if (restart || text === null) await put("spec.json", runSpecToJson(spec));
    },
    async close() {
      await rm(checkpoint, { recursive: true, force: true });
      for (const file of await readdir(folder)) {
        if (file.endsWith(".part") && OWN.test(file)) await rm(place(file), { force: true });
      }
    },
  };
}

/** The text of a recorded run's file. */
export function runText(run: Run, indent?: number): string {
  return `${JSON.stringify("replicas" in run ? ensembleToJson(run) : trajectoryToJson(run), null, indent)}\n`;
}

// How the specification of a folder is another one than this, in words; null where it is the same.
function otherSpec(text: string, spec: RunSpec): string | null {
  let there: RunSpec;
  try {
    there = parseRunSpec(JSON.parse(text));
  } catch {
    return "a spec.json that is no run file.";
  }
  if (specHash(there) === specHash(spec)) return null;
  const list = differences(JSON.parse(canonicalJson(there)), JSON.parse(canonicalJson(spec)));
  const shown = list
    .slice(0, 3)
    .map(({ path: field, first, second }) => `${field} is ${first} there and ${second} here`);
  const more = list.length > 3 ? `, and ${list.length - 3} more` : "";
  return `another run: ${shown.join(", ")}${more}.`;
}

async function textOf(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse((await textOf(file)) ?? "null");
  } catch {
    return null;
  }
}
