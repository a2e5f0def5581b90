// Builds the site of the guide into site/: the reference by typedoc, the pages by VitePress, then every link and anchor of what came
// out is followed. Fails on a link that leads nowhere, and on an export without a docstring.
//
// VitePress empties its output folder, so it builds beside, and only then takes the place of what was in site/; the playground, which
// its own script builds to site/playground, stays.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { deadLinks, filesOf } from "./deadLinks.mjs";

const built = "docs/.vitepress/dist";
const site = "site";
const base = process.env["SITE_BASE"] ?? "/";

const run = (command, ...args) =>
  execFileSync(process.execPath, [`node_modules/${command}`, ...args], { stdio: ["ignore", "inherit", "inherit"] });

run("typedoc/bin/typedoc", "--options", "docs/.vitepress/typedoc.json");
run("vitepress/bin/vitepress.js", "build", "docs");
// the gallery links to the pictures and records themselves
cpSync("docs/figures", path.join(built, "figures"), { recursive: true });

const dead = deadLinks(built, base, ["playground"]);
if (dead.length > 0) {
  console.error(`links that lead nowhere:\n  ${dead.join("\n  ")}`);
  process.exit(1);
}

mkdirSync(site, { recursive: true });
for (const name of readdirSync(site)) if (name !== "playground") rmSync(path.join(site, name), { recursive: true });
cpSync(built, site, { recursive: true });
console.log(`${filesOf(site, ".html").length} pages in ${site}/, no dead link`);
