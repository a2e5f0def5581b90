// Builds dist/: `--quick` leaves out the type declarations, which `npm start` does not need.

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const quick = process.argv.includes("--quick");
rmSync(path.join(root, "dist"), { recursive: true, force: true });
const tsup = path.join(path.dirname(createRequire(import.meta.url).resolve("tsup/package.json")), "dist/cli-default.js");
execFileSync(process.execPath, [tsup, "--silent", ...(quick ? ["--no-dts"] : [])], { cwd: root, stdio: ["ignore", 2, 2] });
