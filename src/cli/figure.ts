// `meanfield figure`: runs a figure by name, prints its table, writes its pictures and numbers. Given again on the same folder it
// goes on from what was saved, or says that it is done.

import { mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { loadEngine } from "../engine/engine";
import { CheckpointError } from "../engine/errors";
import { isRecord } from "../model/spec";
import type { Figure, FigureResult, Finding } from "../study/figures/figure";
import { loadFigure } from "../study/figures/registry";
import { version } from "../version";
import { options } from "./commands";
import { differences } from "./differences";
import { figureListText, listedFigures } from "./figureList";
import { integerOption, parseOptions, shellLine } from "./options";
import { duration } from "./progress";
import { tableText } from "./table";
import { FolderInUse, Interrupted, type Terminal, UsageError } from "./terminal";
import { type Voice, voiceOf } from "./voice";
import { checkFolder, exists, writeWhole } from "./whole";
import { wrapped } from "./wrapped";

/**
 * Runs the command.
 *
 * @param args      after `figure`
 * @param terminal  streams and the signal that stops
 */
export async function figure(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, options.figure);
  const voice = voiceOf(terminal, values);
  if (values.list) return listFigures(voice, values.verbose ?? false);
  if (words.length !== 1) {
    throw new UsageError(words.length === 0 ? "Which figure?" : `One figure at a time, found ${words.join(" ")}.`);
  }
  if (values.resume && values.restart) throw new UsageError("--resume or --restart, not both.");
  const chosen = await loadFigure(words[0]!);
  const { name, title, claim } = chosen;
  const seed = integerOption("seed", values.seed, 0, Number.MAX_SAFE_INTEGER);
  const replicas = integerOption("replicas", values.replicas, 1, 10000);
  const workers = integerOption("workers", values.workers, 0, 1024);
  const { backend } = await loadEngine({ backend: values.backend });
  // what the numbers depend on
  const origin = {
    figure: name,
    version,
    options: {
      full: values.full ?? false,
      ...(seed !== undefined && { seed }),
      ...(replicas !== undefined && { replicas }),
      backend,
    },
  };
  const out = values.out ?? "out";
  const kept = out !== "-";
  const folder = kept ? await openFigureFolder(out, origin, values.restart ?? false) : null;
  if (folder?.done) {
    const { table, findings } = folder.done;
    voice.result(tableText(table) + findingsText(findings), () => folder.done);
    voice.note(`${out} has this figure, finished: nothing was done. --restart runs it again.`);
    return;
  }
  if (values.resume && !folder?.begun) throw new UsageError(`There is nothing in ${out} to resume.`);
  voice.note(`${title}.\n${wrapped(claim, "")}`);
  if (folder?.begun) voice.note(`Going on with what is in ${folder.checkpoint}.`);
  voice.detail(`meanfield ${version}, Node ${process.version}; build of the kernels: ${backend}`);
  await folder?.begin();

  const line = voice.progress();
  const began = performance.now();
  const result = await chosen
    .run({
      ...origin.options,
      workers,
      ...(folder && { checkpoint: folder.checkpoint }),
      signal: terminal.signal,
      onProgress: ({ fraction, phase }) => line.update(fraction, phase),
    })
    .finally(() => line.end())
    .catch((error: unknown) => {
      if (folder && error instanceof CheckpointError) {
        error.message += ` It is in ${folder.checkpoint}, and was left as it is; --restart throws it away and begins anew.`;
      }
      if (!terminal.signal.aborted || !folder) throw error;
      const again = shellLine(["npx", "meanfield", "figure", ...args.filter((word) => word !== "--restart")]);
      throw new Interrupted(`interrupted after ${duration(performance.now() - began)}; go on with: ${again}`);
    });

  const numbers = numbersOf(chosen, result, origin);
  const { table, findings, warnings } = result;
  const written: string[] = [];
  if (folder) {
    const { draw } = await import("../plot/plot");
    for (const [i, { picture }] of result.pictures.entries()) {
      written.push(await folder.put(numbers.files[i]!, draw(picture)));
    }
    written.push(await folder.put(`${name}.json`, `${JSON.stringify(numbers, null, 1)}\n`));
    await folder.close();
    voice.result(tableText(table) + findingsText(findings), () => numbers);
  } else {
    terminal.out(`${JSON.stringify(numbers)}\n`);
    voice.note((tableText(table) + findingsText(findings)).trimEnd());
  }
  for (const warning of warnings) voice.note(`warning: ${warning}`);
  voice.note(`${duration(performance.now() - began)}.${kept ? ` Written: ${written.join(", ")}` : ""}`);
}

async function listFigures(voice: Voice, verbose: boolean): Promise<void> {
  const figures = await listedFigures();
  voice.result(figureListText(figures, verbose), () => figures);
}

interface Origin {
  figure: string;
  version: string;
  options: Record<string, unknown>;
}

/** The numbers of a figure, as they stand in its file. */
type Numbers = Origin & Pick<FigureResult, "table" | "findings" | "warnings"> & { files: string[] };

function numbersOf({ name, title, claim }: Figure, result: FigureResult, origin: Origin): Numbers {
  const { table, findings, warnings, pictures, data } = result;
  const files = pictures.map(({ file }) => `${name}-${file}`);
  return { ...data, ...origin, ...{ title, claim }, files, table, findings, warnings };
}

interface FigureFolder {
  /** Where replicas are saved on the way. */
  checkpoint: string;
  /** Whether there is anything to go on from. */
  begun: boolean;
  /** The numbers, where everything is done. */
  done: Numbers | null;
  begin(): Promise<void>;
  put(file: string, content: string): Promise<string>;
  close(): Promise<void>;
}

// Nothing is written before `begin`.
async function openFigureFolder(folder: string, origin: Origin, restart: boolean): Promise<FigureFolder> {
  await checkFolder(folder);
  const { figure: name } = origin;
  const checkpoint = path.join(folder, `${name}.checkpoint`);
  const place = (file: string) => path.join(folder, file);
  const numbers = await readJson(place(`${name}.json`));
  const begun = await readJson(path.join(checkpoint, "begun.json"));
  if (!restart) {
    for (const found of [numbers, begun]) {
      if (!isRecord(found) || found.figure !== name || (found === numbers && !("files" in found))) continue;
      const { version: made, options: asked } = found as unknown as Origin;
      const [first] = differences(
        { version: made, options: asked },
        { version: origin.version, options: origin.options },
      );
      if (!first) continue;
      throw new FolderInUse(
        `${folder} holds ${name} by another command: ${first.path} is ${first.first} there and ${first.second} here. --restart replaces it; another folder by --out keeps both.`,
      );
    }
  }
  const files = isRecord(numbers) && Array.isArray(numbers.files) ? (numbers.files as string[]) : null;
  const there = files !== null && (await Promise.all(files.map((file) => exists(place(file))))).every(Boolean);
  return {
    checkpoint,
    begun: !restart && isRecord(begun),
    done: !restart && there ? (numbers as unknown as Numbers) : null,
    async begin() {
      // states without a word of what they belong to are nobody's
      if (restart || !isRecord(begun)) await rm(checkpoint, { recursive: true, force: true });
      if (restart) {
        for (const file of [`${name}.json`, ...(files ?? [])]) await rm(place(file), { force: true });
      }
      await mkdir(checkpoint, { recursive: true });
      await writeWhole(path.join(checkpoint, "begun.json"), `${JSON.stringify(origin)}\n`);
    },
    async put(file, content) {
      await writeWhole(place(file), content);
      return place(file);
    },
    close: () => rm(checkpoint, { recursive: true, force: true }),
  };
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return null;
  }
}

function findingsText(findings: readonly Finding[]): string {
  return `\n${findings.map(findingText).join("")}`;
}

function findingText({ expected, measured, met }: Finding): string {
  const verdict = met === null ? "" : met ? " As expected." : " Not as expected.";
  return `Expected: ${expected}.\nMeasured: ${measured}.${verdict}\n\n`;
}
