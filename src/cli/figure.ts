// `meanfield figure`: runs a figure by name, prints its table, writes its pictures and numbers.

import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Backend } from "../engine/kernels";
import { draw } from "../plot/plot";
import type { Finding } from "../study/figures/figure";
import { figureNames, loadFigure } from "../study/figures/registry";
import { version } from "../version";
import { integerOption, parseOptions } from "./options";
import { duration, progressLine } from "./progress";
import { tableText } from "./table";
import { Interrupted, type Terminal, UsageError } from "./terminal";

/**
 * Runs the command.
 *
 * @param args      after `figure`
 * @param terminal  streams and the signal that stops
 */
export async function figure(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, words } = parseOptions(args, {
    list: "boolean",
    full: "boolean",
    resume: "boolean",
    out: "string",
    seed: "string",
    replicas: "string",
    workers: "string",
    backend: "string",
  });
  if (values.list) {
    for (const name of figureNames) {
      const { title, claim } = await loadFigure(name);
      terminal.out(`${name}\n  ${title}.\n${wrapped(claim, "  ")}\n`);
    }
    return;
  }
  if (words.length !== 1) {
    throw new UsageError(words.length === 0 ? "Which figure?" : `One figure at a time, found ${words.join(" ")}.`);
  }
  const { name, title, claim, run } = await loadFigure(words[0]!);
  const folder = values.out ?? "out";
  const seed = integerOption("seed", values.seed, 0, Number.MAX_SAFE_INTEGER);
  const options = {
    full: values.full ?? false,
    ...(seed !== undefined && { seed }),
    replicas: integerOption("replicas", values.replicas, 1, 10000),
    workers: integerOption("workers", values.workers, 0, 1024),
    backend: values.backend as Backend | undefined,
  };
  const checkpoint = path.join(folder, `${name}.checkpoint`);
  if (!values.resume) await rm(checkpoint, { recursive: true, force: true });
  await mkdir(checkpoint, { recursive: true });

  terminal.err(`${title}.\n${wrapped(claim, "")}\n`);
  const line = progressLine(terminal.err, terminal.rewrites);
  const began = performance.now();
  const { table, pictures, findings, warnings, data } = await run({
    ...options,
    checkpoint,
    signal: terminal.signal,
    onProgress: ({ fraction, phase }) => line.update(fraction, phase),
  })
    .finally(() => line.end())
    .catch((error: unknown) => {
      if (!terminal.signal.aborted) throw error;
      const again = args.includes("--resume") ? args : [...args, "--resume"];
      throw new Interrupted(
        `interrupted after ${duration(performance.now() - began)}; go on with: meanfield figure ${again.join(" ")}`,
      );
    });

  terminal.out(tableText(table));
  terminal.out(`\n${findings.map(findingText).join("")}`);
  for (const warning of warnings) terminal.err(`warning: ${warning}\n`);

  const written: string[] = [];
  const write = async (file: string, text: string) => {
    written.push(path.join(folder, file));
    await writeFile(path.join(folder, file), text);
  };
  for (const { file, picture } of pictures) await write(`${name}-${file}`, draw(picture));
  const all = {
    figure: name,
    title,
    claim,
    version,
    options: { ...options, workers: undefined },
    table,
    findings,
    ...data,
  };
  await write(`${name}.json`, `${JSON.stringify(all, null, 1)}\n`);
  await rm(checkpoint, { recursive: true });
  terminal.err(`${duration(performance.now() - began)}. Written: ${written.join(", ")}\n`);
}

function findingText({ expected, measured, met }: Finding): string {
  const verdict = met === null ? "" : met ? " As expected." : " Not as expected.";
  return `Expected: ${expected}.\nMeasured: ${measured}.${verdict}\n\n`;
}

function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > 100) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return `${[...lines, line.trimEnd()].join("\n")}\n`;
}
