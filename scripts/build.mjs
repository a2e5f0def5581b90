// Builds dist/. `--quick` leaves out what `npm start` does not need: type declarations and the licenses of what is bundled.

import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const quick = process.argv.includes("--quick");
rmSync(path.join(root, "dist"), { recursive: true, force: true });
const tsup = path.join(
  path.dirname(createRequire(import.meta.url).resolve("tsup/package.json")),
  "dist/cli-default.js",
);
execFileSync(process.execPath, [tsup, "--silent", ...(quick ? ["--no-dts"] : ["--metafile"])], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
const dist = path.join(root, "dist");
copyFileSync(path.join(root, "build/worker.js"), path.join(dist, "worker.js"));
if (!quick) {
  copyFileSync(path.join(dist, "index.d.ts"), path.join(dist, "index.d.cts"));
  writeFileSync(path.join(dist, "licenses.txt"), licenses());
}

// The licenses of the packages whose code stands in dist/: those that esbuild's metafiles tell of. The worker carries no others.
function licenses() {
  const names = new Set();
  for (const file of readdirSync(dist).filter((name) => /^metafile-.*\.json$/.test(name))) {
    const { outputs } = JSON.parse(readFileSync(path.join(dist, file), "utf8"));
    for (const { inputs } of Object.values(outputs)) {
      for (const [input, { bytesInOutput }] of Object.entries(inputs)) {
        const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
        if (name && bytesInOutput > 0) names.add(name);
      }
    }
    rmSync(path.join(dist, file));
  }
  const texts = [...names].sort().map((name) => {
    const folder = path.join(root, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file ? readFileSync(path.join(folder, file), "utf8").trim() : `License: ${license}`;
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  // a table of numbers, whose notice stands above it
  const table = readFileSync(path.join(root, "src/model/sobolDirections.ts"), "utf8");
  const notice = /\/\*!\n([\s\S]*?)\*\//.exec(table)[1];
  texts.push(`Direction numbers of Sobol's sequence (BSD-3-Clause)\n\n${notice}`);
  return ["dist/ contains code and data of the following packages and authors.\n", ...texts].join(
    `\n${"-".repeat(80)}\n\n`,
  );
}
