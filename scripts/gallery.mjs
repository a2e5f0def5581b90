// `npm run gallery`: runs every figure at its defaults with the simd build, writes its pictures and its record to docs/figures, and
// docs/gallery.md from them. What ran already from the same sources is not run again, so it goes on where it was stopped.
//
//   -- --only peaks,hwi   those alone
//   -- --jobs 2           so many at once (the number of cores)
//   -- --again            runs what ran already
//   -- --keep             takes what ran from other sources too, where a change is known to change no number
//   -- --check            writes nothing: holds the page to the records, and the records to the figures, run anew, the fastest first
//   -- --seconds 60       as many of those as that time allows (all)
//
// This file bundles scripts/gallery/ into out/gallery, so that a long run does not see later changes of the sources.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, transformSync } from "esbuild";
import { builtins } from "./builtins.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
process.chdir(root);

async function bundle(entry) {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    minifySyntax: true,
    platform: "node",
    format: "esm",
    outdir: "out/gallery",
    entryNames: "[name]-[hash]",
    outExtension: { ".js": ".mjs" },
    metafile: true,
    plugins: [builtins],
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    logLevel: "warning",
  });
  return { inputs: metafile.inputs, file: path.resolve(Object.keys(metafile.outputs)[0]) };
}

/** The files that a file imports, at once or later, and itself. */
function reached(inputs, file, found = new Set()) {
  if (!found.has(file)) {
    found.add(file);
    for (const { path: next } of inputs[file]?.imports ?? []) if (next in inputs) reached(inputs, next, found);
  }
  return found;
}

const [{ file: main }, run] = await Promise.all([bundle("scripts/gallery/main.ts"), bundle("scripts/gallery/run.ts")]);

// A figure's sources as one number, comments aside: its run is good for as long as they are the same.
const hashOf = (text) => createHash("sha256").update(text).digest("hex");
const codeIn = (file) =>
  transformSync(readFileSync(file, "utf8"), { loader: file.endsWith(".ts") ? "ts" : "js", minifyWhitespace: true })
    .code;
const hashes = new Map(
  Object.keys(run.inputs)
    .filter((file) => existsSync(file))
    .map((file) => [file, hashOf(codeIn(file))]),
);
const registry = "src/study/figures/registry.ts";
const keys = run.inputs[registry].imports
  .filter(({ kind }) => kind === "dynamic-import")
  .map(({ path: file }) => {
    const sources = [...reached(run.inputs, file)].sort().map((source) => `${source} ${hashes.get(source)}\n`);
    return hashOf(sources.join("")).slice(0, 16);
  });

const { gallery } = await import(main);
process.exitCode = await gallery(process.argv.slice(2), { keys, program: run.file });
