// `npm run bench`: every case in a process of its own, contenders in turn, medians; a table on stdout, all figures in
// bench/out/bench.json. It is repeated under Node 24 where npx can fetch that. `-- --docs` puts the table of ratios into
// docs/performance.md, `-- --only stencil` runs the cases with that word in their name (and with --docs replaces their rows).

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const { values: options } = parseArgs({ options: { docs: { type: "boolean" }, only: { type: "string" } } });
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const out = path.join(root, "bench/out");
mkdirSync(out, { recursive: true });
const child = path.join(out, "child.mjs");
await build({
  entryPoints: [path.join(root, "bench/child.ts")],
  bundle: true,
  minifySyntax: true,
  platform: "node",
  format: "esm",
  outfile: child,
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  logLevel: "warning",
});

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const results = [];
for (const { command, flags } of nodes()) {
  for (const precision of ["f32", "f64"]) {
    const names = JSON.parse(execFileSync(command, [...flags, child, precision, "names"], { encoding: "utf8" }));
    for (const [which, name] of names.entries()) {
      if (options.only !== undefined && !name.includes(options.only)) continue;
      const text = execFileSync(command, [...flags, child, precision, String(which)], { encoding: "utf8" });
      const result = summary(JSON.parse(text));
      results.push(result);
      print(result);
    }
  }
}
const machine = `${os.cpus()[0]?.model.trim()}, ${os.cpus().length} cores, ${os.platform()} ${os.arch()}`;
writeFileSync(path.join(out, "bench.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);
if (options.docs) writeDocs();

// This Node, and Node 24, in which relaxed SIMD needs no flag.
function nodes() {
  const own = Number(process.versions.node.split(".")[0]);
  const list = [{ command: process.execPath, flags: own < 22 ? ["--experimental-wasm-relaxed-simd"] : [] }];
  if (own === 24) return list;
  try {
    const args = ["-y", "-p", "node@24", "node", "-p", "process.execPath"];
    const text = execFileSync("npx", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    list.push({ command: text.trim().split("\n").at(-1), flags: [] });
  } catch {
    console.error("Node 24 could not be fetched; the table is of this Node alone.");
  }
  return list;
}

function summary({ name, unit, node, nanoseconds }) {
  const medians = Object.fromEntries(Object.entries(nanoseconds).map(([key, all]) => [key, median(all)]));
  const plain = Object.keys(medians).filter((key) => key === "js" || key.startsWith("plain"));
  const best = plain.reduce((a, b) => (medians[b] < medians[a] ? b : a));
  const ratio = (key) => (medians[key] === undefined ? null : medians[key] / medians.simd);
  const ratios = { plain: ratio(best), d3: ratio("d3-random"), relaxed: medians.relaxed ? 1 / ratio("relaxed") : null };
  return { name, unit, node, medians, best, ratios, nanoseconds };
}

function time(ns) {
  return ns >= 1000 ? `${(ns / 1000).toFixed(2)} µs` : `${ns.toFixed(2)} ns`;
}

function print({ name, unit, node, medians, best, ratios, nanoseconds }) {
  console.log(`\n${name}   (${node}, a ${unit}: median of ${nanoseconds.simd.length})`);
  for (const [key, ns] of Object.entries(medians)) {
    console.log(`  ${key.padEnd(28)} ${time(ns).padStart(10)}   ${(ns / medians.simd).toFixed(2).padStart(7)} × simd`);
  }
  const versus = ratios.d3 ? `, ${ratios.d3.toFixed(1)} × as fast as d3-random` : "";
  const fused = ratios.relaxed ? `, relaxed ${ratios.relaxed.toFixed(2)} × as fast as simd` : "";
  console.log(`  simd is ${ratios.plain.toFixed(1)} × as fast as the best plain variant (${best})${versus}${fused}`);
}

// The same case under the same major version of Node.
function sameCase(one, other) {
  const major = (key) => key.replace(/ \| v(\d+)\..*$/, " | v$1");
  return major(one) === major(other);
}

function writeDocs() {
  const rows = results.map(({ name, node, unit, medians, best, ratios }) => {
    const cells = [
      name,
      node,
      `${time(medians.simd)} a ${unit}`,
      `${ratios.plain.toFixed(1)} × (${best})`,
      ratios.d3 ? `${ratios.d3.toFixed(1)} ×` : "",
      ratios.relaxed ? `${ratios.relaxed.toFixed(2)} ×` : "",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const file = path.join(root, "docs/performance.md");
  const [before, rest] = readFileSync(file, "utf8").split("<!-- bench -->\n");
  const [old, after] = rest.split("<!-- /bench -->");
  // with --only, the rows of the other cases stay as they are
  const keyOf = (row) => row.split(" | ", 2).join(" | ");
  const fresh = new Map(rows.map((row) => [keyOf(row), row]));
  const kept = options.only === undefined ? [] : old.split("\n").filter((row) => /^\| .*\bv\d+\./.test(row));
  const merged = kept.map((row) => {
    const key = [...fresh.keys()].find((one) => sameCase(one, keyOf(row)));
    const found = key === undefined ? row : fresh.get(key);
    fresh.delete(key);
    return found;
  });
  const table = [
    `Machine: ${machine}.`,
    "",
    "| case | Node | simd | simd : best plain variant | simd : d3-random | relaxed : simd |",
    "| --- | --- | --- | --- | --- | --- |",
    ...merged,
    ...fresh.values(),
  ].join("\n");
  writeFileSync(file, `${before}<!-- bench -->\n\n${table}\n\n<!-- /bench -->${after}`);
}
