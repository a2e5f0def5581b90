// One process of the gallery: runs one figure at its defaults with the simd build and puts away what it yields. Nothing is drawn here,
// so that a change of a plot asks for no new run.

import { renameSync, writeFileSync } from "node:fs";
import { serialize } from "node:v8";
import { loadFigure } from "../../src/study/figures/registry";

const [name, workers, file] = process.argv.slice(2) as [string, string, string];

// its parent is gone
process.once("disconnect", () => process.exit(1));

let told = 0;
const { title, claim, run } = await loadFigure(name);
const result = await run({
  backend: "simd",
  workers: Number(workers),
  onProgress({ fraction, phase }) {
    const now = performance.now();
    if (now - told < 500) return;
    told = now;
    process.send?.({ fraction, phase });
  },
});
const { user, system } = process.cpuUsage();
writeFileSync(`${file}.part`, serialize({ name, title, claim, result, seconds: (user + system) / 1e6 }));
renameSync(`${file}.part`, file);
process.exit(0);
