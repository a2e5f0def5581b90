// What `npm run docs` refuses: links of the built site that lead nowhere, and names of the reference without a word about them.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { deadLinks } from "../../scripts/deadLinks.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "meanfield-site-"));
afterAll(() => rmSync(folder, { recursive: true }));

function site(pages: Record<string, string>): string {
  const place = mkdtempSync(path.join(folder, "site-"));
  for (const [name, text] of Object.entries(pages)) {
    mkdirSync(path.dirname(path.join(place, name)), { recursive: true });
    writeFileSync(path.join(place, name), text);
  }
  return place;
}

describe("links of a built site", () => {
  it("lead to pages, folders, files and ids, here and under a base", () => {
    const pages = (base: string) => ({
      "index.html": `<a href="${base}guide/">guide</a> <a class="x" href="${base}guide/one.html#a-b">one</a> <img src="a.svg">`,
      "guide/index.html": `<a href="one.html">one</a> <a href="${base}playground/">play</a> <a href="#here">here</a> <p id="here">`,
      "guide/one.html": '<h2 id="a-b" tabindex="-1">A, b</h2> <a href="https://example.org/nothing">elsewhere</a>',
      "a.svg": "<svg/>",
    });
    expect(deadLinks(site(pages("/")), "/", ["playground"])).toEqual([]);
    expect(deadLinks(site(pages("/base/")), "/base/", ["playground"])).toEqual([]);
  });

  it("are named with their page where page, file, id or base is missing", () => {
    const dead = deadLinks(
      site({
        "index.html":
          '<a href="/two.html">two</a> <img src="/b.svg"> <a href="/index.html#none">none</a> <a href="#no">no</a> <a href="/playground/">play</a>',
      }),
    );
    expect(dead).toEqual([
      "index.html: /two.html",
      "index.html: /index.html#none",
      "index.html: #no",
      "index.html: /playground/",
      "index.html: /b.svg",
    ]);
    expect(deadLinks(site({ "index.html": '<a href="/index.html">home</a>' }), "/base/")).toHaveLength(1);
  });
});

describe("the reference", () => {
  const typedoc = (text: string) => {
    const options = { entryPoints: ["index.ts"], tsconfig: "tsconfig.json", out: "api" };
    const place = site({
      "index.ts": text,
      "tsconfig.json": '{ "files": ["index.ts"] }',
      "typedoc.json": JSON.stringify({ extends: [path.resolve("docs/.vitepress/typedoc.json")], ...options }),
    });
    const args = ["node_modules/typedoc/bin/typedoc", "--options", path.join(place, "typedoc.json")];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    return { status, text: stdout + stderr };
  };

  // one run of typedoc, which takes seconds; that it passes where nothing is wrong, `npm run docs` shows
  it("refuses an export without a docstring, and a link to no name", { timeout: 120_000 }, () => {
    const found = typedoc("export const one = 1;\n/** A number, see {@link three}. */\nexport const two = 2;\n");
    expect(found.text).toMatch(/one .*does not have any documentation/);
    expect(found.text).toMatch(/link.*three/);
    expect(found.status).not.toBe(0);
  });
});
