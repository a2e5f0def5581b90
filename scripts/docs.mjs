// Builds the site of the guide into site/: the reference by typedoc, the pages by VitePress, then every link and anchor of what came
// out is followed. Fails on a link that leads nowhere, and on an export without a docstring.
//
// VitePress empties its output folder, so it builds beside, and only then takes the place of what was in site/; the playground, which
// its own script builds to site/playground, stays.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

const built = "docs/.vitepress/dist";
const site = "site";
const base = process.env["SITE_BASE"] ?? "/";

/** Paths of the files below a folder that end so. */
function filesOf(folder, ending) {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return found.filter((file) => file.endsWith(ending)).map((file) => file.replaceAll(path.sep, "/"));
}

/** Links of the built pages that lead nowhere, "page: link" each: to a file that is not there, or to an id that its page has not. */
function deadLinks(folder) {
  const pages = new Map();
  for (const page of filesOf(folder, ".html")) {
    const html = readFileSync(path.join(folder, page), "utf8").replaceAll(/<script[\s\S]*?<\/script>/g, "");
    const values = (name) =>
      Array.from(html.matchAll(new RegExp(`<[a-z][^>]*? ${name}="([^"]*)"`, "g")), ([, value]) => value);
    pages.set(page, { ids: new Set(values("id")), links: [...values("href"), ...values("src")] });
  }
  const dead = [];
  for (const [page, { links }] of pages) {
    for (const link of new Set(links)) {
      if (/^(https?|mailto|data):/.test(link) || link.startsWith(`${base}playground/`)) continue;
      const [address, anchor = ""] = decodeURIComponent(link.replaceAll("&amp;", "&")).split("#");
      const absolute = address.startsWith("/");
      if (absolute && !address.startsWith(base)) {
        dead.push(`${page}: ${link}`);
        continue;
      }
      const place = absolute ? address.slice(base.length) : path.posix.join(path.posix.dirname(page), address);
      const file = address === "" ? page : place === "" || place.endsWith("/") ? `${place}index.html` : place;
      const there = pages.has(file)
        ? anchor === "" || pages.get(file).ids.has(anchor)
        : existsSync(path.join(folder, file));
      if (!there) dead.push(`${page}: ${link}`);
    }
  }
  return dead;
}

const run = (command, ...args) =>
  execFileSync(process.execPath, [`node_modules/${command}`, ...args], { stdio: ["ignore", "inherit", "inherit"] });

run("typedoc/bin/typedoc", "--options", "docs/.vitepress/typedoc.json");
run("vitepress/bin/vitepress.js", "build", "docs");
// the gallery links to the pictures and records themselves
cpSync("docs/figures", path.join(built, "figures"), { recursive: true });

const dead = deadLinks(built);
if (dead.length > 0) {
  console.error(`links that lead nowhere:\n  ${dead.join("\n  ")}`);
  process.exit(1);
}

mkdirSync(site, { recursive: true });
for (const name of readdirSync(site)) if (name !== "playground") rmSync(path.join(site, name), { recursive: true });
cpSync(built, site, { recursive: true });
console.log(`${filesOf(site, ".html").length} pages in ${site}/, no dead link`);
