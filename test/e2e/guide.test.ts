// The built site of the guide in Chromium and Firefox: pages load without a complaint, the search finds, axe finds nothing serious.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browsers, launch } from "../../scripts/browsers.mjs";
import { type Served, serve } from "../../scripts/serve.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pages = ["", "guide/radial-flow.html", "api/process/sgd.html", "conventions.html", "gallery.html"];

let site: Served;
beforeAll(async () => {
  if (!existsSync("site/index.html")) execFileSync("npm", ["run", "--silent", "docs"], { stdio: "inherit" });
  site = await serve("site");
});
afterAll(() => site?.close());

describe.each(browsers)("the guide in %s", (name) => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch(name);
  });
  afterAll(() => browser?.close());

  /** Opens a page, once it is alive, and what it complains of. */
  const visit = async (place: string) => {
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 900 });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("request", (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(site.address))
        complaints.push(request.url());
    });
    await page.goto(`${site.address}${place}`);
    await page.waitForFunction("document.querySelector('#app')?.__vue_app__ !== undefined");
    return { page, complaints };
  };

  it.each(pages)("/%s loads, and axe finds nothing serious, light and dark", async (place) => {
    const { page, complaints } = await visit(place);
    expect(await page.$eval("h1", (heading) => heading.textContent)).not.toBe("");
    await page.evaluate(axe);
    for (const dark of [false, true]) {
      await page.evaluate(`document.documentElement.classList.toggle("dark", ${dark})`);
      await page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))");
      expect(await serious(page), dark ? "dark" : "light").toEqual([]);
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("the search finds a word and leads to its page", async () => {
    const { page, complaints } = await visit("");
    await page.click(".DocSearch-Button");
    await page.waitForSelector(".VPLocalSearchBox input");
    await page.type(".VPLocalSearchBox input", "Fokker");
    await page.waitForSelector(".VPLocalSearchBox .result");
    await page.keyboard.press("Enter");
    await page.waitForFunction("location.pathname.length > 1 && document.querySelector('h1') !== null");
    await page.waitForFunction("/Fokker/.test(document.querySelector('main').textContent)");
    expect(complaints).toEqual([]);
    await page.close();
  });
});

async function serious(page: Page): Promise<unknown> {
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations.filter(({ impact }) => impact === "serious" || impact === "critical").flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 200) + " " + failureSummary)))`);
}
