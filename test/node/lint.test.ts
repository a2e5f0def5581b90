// The rule that keeps functions which differ between engines out of results: every line below that should be refused is, and
// no other. Not covered: a function reached through a name given at run time.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";

const refused = [
  ..."exp expm1 log log1p log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh pow cbrt hypot"
    .split(" ")
    .map((name) => `export const ${name} = Math.${name}(0.5, 0.5);`),
  "export const handed = [1, 2].map(Math.exp);",
  "export const half = 2 ** 0.5;",
  "export const power = (x: number, y: number) => x ** y;",
  "export const grow = (x: number, y: number) => (x **= y);",
  'export const found = Math["exp"](1);',
  "export const { exp: taken } = Math;",
];
const accepted = [
  ..."sqrt abs min max floor ceil round fround imul clz32 trunc sign"
    .split(" ")
    .map((name) => `export const ${name} = Math.${name}(0.5, 0.5);`),
  "export const two32 = 2 ** 32;",
  "export const pi = Math.PI;",
  "export const own = { exp: (x: number) => x, log: (x: number) => x };",
  "export const called = own.exp(1) + own.log(1);",
];

/** Lines, from 1, that the rule refuses in a file. */
function refusedLines(file: string, lines: readonly string[]): number[] {
  const folder = mkdtempSync(path.join(tmpdir(), "meanfield-lint-"));
  try {
    mkdirSync(path.join(folder, "scripts"));
    for (const name of ["biome.json", "scripts/noTranscendental.grit"]) copyFileSync(name, path.join(folder, name));
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), lines.join("\n"));
    const report = lint(folder);
    const { diagnostics } = JSON.parse(report) as {
      diagnostics: { category: string; location: { start: { line: number } } }[];
    };
    const found = diagnostics
      .filter(({ category }) => category === "plugin")
      .map(({ location }) => location.start.line);
    return [...new Set(found)].sort((a, b) => a - b);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function lint(folder: string): string {
  const biome = path.resolve("node_modules/@biomejs/biome/bin/biome");
  const args = [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."];
  try {
    return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

const lines = [...refused, ...accepted];
const numbers = refused.map((_, i) => i + 1);

it.each(["src/measure/file.ts", "src/index.ts", "assembly/file.ts"])("results come from own functions: %s", (file) => {
  expect(refusedLines(file, lines)).toEqual(numbers);
});

it.each(["src/plot/file.ts", "src/cli/file.ts", "test/file.ts"])(
  "no result is made there, so any function may be used: %s",
  (file) => {
    expect(refusedLines(file, lines)).toEqual([]);
  },
);
