// Compiles assembly/ to WebAssembly and writes each build, base64, into a generated TypeScript module.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync, globSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "..");
const asc = path.join(path.dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")), "bin/asc.js");
