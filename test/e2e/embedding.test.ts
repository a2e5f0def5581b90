// The programs of docs/guide/embedding.md that need a page, in Chromium and Firefox: no bundler, and a worker of the page's own.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browsers, launch } from "../../scripts/browsers.mjs";
import { builtins } from "../../scripts/builtins.mjs";
import { type Served, serve } from "../../scripts/serve.mjs";

const text = readFileSync("docs/guide/embedding.md", "utf8");

/** A block of the page, by its language and the file it is said to be. */
function block(fence: string): string {
  const start = text.indexOf(`\`\`\`${fence}\n`) + fence.length + 4;
  return text.slice(start, text.indexOf("```", start));
}

const folder = mkdtempSync(path.join(tmpdir(), "meanfield-guide-"));
let programs: Served;

beforeAll(async () => {
  const place = (...parts: string[]) => path.join(folder, ...parts);
  const dist = place("node_modules/meanfield/dist");
  mkdirSync(dist, { recursive: true });
  writeFileSync(place("index.html"), block("html"));
  writeFileSync(place("favicon.ico"), "");
  for (const file of ["run.js", "page.js"]) writeFileSync(place(`source-${file}`), block(`js [${file}]`));
  writeFileSync(place("worker.html"), '<!doctype html><output></output><script type="module" src="page.js"></script>');
  await build({
    entryPoints: {
      [path.join(dist, "index")]: "src/index.ts",
      [place("run")]: place("source-run.js"),
      [place("page")]: place("source-page.js"),
    },
    outdir: "/",
    alias: { meanfield: path.resolve("src/index.ts") },
    bundle: true,
    splitting: true,
    format: "esm",
    external: ["node:*"],
    chunkNames: path.join(folder, "chunk-[hash]"),
    plugins: [builtins],
    logLevel: "error",
  });
  programs = await serve(folder);
});
afterAll(async () => {
  await programs?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(browsers)("embedding in %s", (name) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(name);
  });
  afterAll(() => browser?.close());

  /** Opens a page; what is wrong with it is collected until the tab is closed. */
  async function visit(address: string, look: (page: Page) => Promise<void>): Promise<void> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol === "http:" && origin !== new URL(address).origin) complaints.push(`asks ${origin}`);
    });
    try {
      await page.goto(address, { waitUntil: "load" });
      await look(page);
      expect(complaints).toEqual([]);
    } finally {
      await page.close();
    }
  }

  const says = (page: Page, pattern: string) =>
    page.waitForFunction(`/${pattern}/.test(document.querySelector("output").textContent)`, { timeout: 60_000 });

  it("the page without a bundler shows its risks", async () => {
    await visit(programs.address, async (page) => void (await says(page, "^\\d\\.\\d{3} → 0\\.\\d{3}$")));
  });

  it("the page with a worker of its own shows what the worker sends", async () => {
    await visit(
      `${programs.address}worker.html`,
      async (page) => void (await says(page, "^t = 3: 100 × 3 parameters$")),
    );
  });
});
