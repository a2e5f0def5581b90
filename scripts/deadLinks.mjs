// Follows every link of a built site: to a page, a file, and to the id that an anchor names.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Paths of the files below a folder that end so. */
export function filesOf(folder, ending) {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return found.filter((file) => file.endsWith(ending)).map((file) => file.replaceAll(path.sep, "/"));
}

/**
 * Links of the built pages that lead nowhere, "page: link" each: to a file that is not there, or to an id that its page has not.
 *
 * @param folder  of the site
 * @param base    the path that it is served under, with a slash at both ends
 * @param others  folders of the site that something else builds, as in "playground"
 */
export function deadLinks(folder, base = "/", others = []) {
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
      if (/^(https?|mailto|data):/.test(link) || others.some((name) => link.startsWith(`${base}${name}/`))) continue;
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
