// `npm run bench`: every case in a process of its own, contenders in turn, medians; one table on stdout, one JSON in
// bench/out. `--node24` repeats it under Node 24, fetched by npx, where relaxed SIMD needs no flag.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const out = path.join(root, "bench/out");
mkdirSync(out, { recursive: true });
const child = path.join(out, "child.mjs");
await build({
  entryPoints: [path.join(root, "bench/child.ts")],
  bundle: true,
  platform: "node",
  format: "esm",
  outfile: child,
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "warning",
});

const nodes = [{ command: process.execPath, flags: ["--experimental-wasm-relaxed-simd"] }];
if (process.argv.includes("--node24")) {
  const command = execFileSync("npx", ["-y", "-p", "node@24", "node", "-p", "process.execPath"], { encoding: "utf8" });
  nodes.push({ command: command.trim().split("\n").at(-1), flags: [] });
}

const median = (values) => values.toSorted?.((a, b) => a - b)[Math.floor(values.length / 2)] ?? sorted(values);
const sorted = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const results = [];
for (const { command, flags } of nodes) {
  for (const precision of ["f32", "f64"]) {
    for (let which = 0, count = 1; which < count; which++) {
      const text = execFileSync(command, [...flags, child, precision, String(which)], { encoding: "utf8" });
      const result = JSON.parse(text);
      count = result.count;
      results.push(result);
      print(result);
    }
  }
}
const machine = { cpu: os.cpus()[0]?.model, cores: os.cpus().length, platform: `${os.platform()} ${os.arch()}` };
writeFileSync(path.join(out, "bench.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);

function print({ name, unit, node, nanoseconds }) {
  const medians = Object.fromEntries(Object.entries(nanoseconds).map(([key, all]) => [key, median(all)]));
  const { simd, relaxed, ...others } = medians;
  const plain = Object.entries(others).filter(([key]) => key === "js" || key.startsWith("plain"));
  const [bestName, best] = plain.reduce((a, b) => (b[1] < a[1] ? b : a));
  const show = (ns) => (ns >= 1000 ? `${(ns / 1000).toFixed(2)} µs` : `${ns.toFixed(2)} ns`);
  console.log(`\n${name}   (${node}, a ${unit}: median of ${nanoseconds.simd.length})`);
  for (const [key, ns] of Object.entries(medians)) {
    console.log(`  ${key.padEnd(28)} ${show(ns).padStart(10)}   ${(ns / simd).toFixed(2).padStart(7)} × simd`);
  }
  const versus = others["d3-random"] ? `, ${(others["d3-random"] / simd).toFixed(1)} × as fast as d3-random` : "";
  const fused = relaxed ? `, relaxed ${(simd / relaxed).toFixed(2)} × as fast as simd` : "";
  console.log(
    `  simd is ${(best / simd).toFixed(1)} × as fast as the best plain variant (${bestName})${versus}${fused}`,
  );
}
