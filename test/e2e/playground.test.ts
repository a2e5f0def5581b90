// The playground in Chromium and Firefox: what a visitor does with it, and that both come to the same bits, which are Node's.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg } from "node:os";
import type { Browser } from "puppeteer-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../playground/src/run/digest";
import { browsers, launch } from "../../scripts/browsers.mjs";
import type { Served } from "../../scripts/serve.mjs";
import { open, parseRunSpec, tensor, tensorsToNpz } from "../../src/index";
import { openTab, servePlayground, type Tab } from "./playground";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let site: Served;
beforeAll(async () => {
  site = await servePlayground();
});
afterAll(() => site?.close());

/** What each browser comes to, by what was done. */
const digests: Record<string, Record<string, string>> = {};
const frameTimes: Record<string, object> = {};

/** ε of the tests that step, and the links that say so. */
const STEP = 1e-3;
const EPS = "#eps=0.001";

describe.each(browsers)("the playground in %s", (name) => {
  let browser: Browser;
  const tabs: Tab[] = [];
  beforeAll(async () => {
    browser = await launch(name);
    digests[name] = {};
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const tab of tabs.splice(0)) await tab.close();
  });

  const visit = async (link = "", size?: { width: number; height: number }) => {
    const tab = await openTab(browser, site.address, link, size);
    tabs.push(tab);
    return tab;
  };
  const note = (what: string, digest: string) => {
    digests[name]![what] = digest;
    return digest;
  };

  it("plays, pauses, and rewinds to the same start, from which the same steps lead to the same bits", async () => {
    const tab = await visit(EPS);
    const start = note("start", await tab.digestAt(0));
    const steps = await tab.step(3, STEP);
    note("three steps", steps[2]!);
    // a first example of small x may meet flat units only, and then moves nothing
    expect(new Set([start, ...steps]).size).toBeGreaterThan(2);
    await tab.play();
    const early = await tab.time();
    await tab.until(`Number(document.querySelector('[data-testid="time"]').textContent) > ${early + 10 * STEP}`);
    await tab.pause();
    await tab.press("rewind");
    expect(await tab.digestAt(0)).toBe(start);
    expect(await tab.step(3, STEP)).toEqual(steps);
    expect(tab.complaints).toEqual([]);
  });

  it("changes N, and back", async () => {
    const tab = await visit();
    const start = await tab.digestAt(0);
    await tab.type("neurons", 300);
    await tab.until(`document.querySelector('[data-testid="digest"]').textContent !== "${start}"`);
    note("N = 300", await tab.digestAt(0));
    // the address is what says what runs
    await tab.until("/\\bN=300\\b/.test(location.hash)");
    await tab.type("neurons", 800);
    await tab.until(`document.querySelector('[data-testid="digest"]').textContent === "${start}"`);
    expect(tab.complaints).toEqual([]);
  });

  it("another ε holds from the state reached on, and a deep link leads there", async () => {
    const tab = await visit(`${EPS}&N=300`);
    const [, , third] = await tab.step(3, STEP);
    await tab.type("stepSize", 2 * STEP);
    await tab.until("/changes=/.test(location.hash)");
    expect(await tab.digestAt(3 * STEP)).toBe(third);
    const [, last] = await tab.step(2, 2 * STEP);
    const end = 7 * STEP;
    // written a moment later
    await tab.until(`/\\bt=${end}\\b/.test(location.hash)`);
    const link = await tab.page.evaluate("location.hash");

    const other = await visit(String(link));
    expect(await other.digestAt(end)).toBe(note("changed", last!));
    // after a rewind the new ε holds from the start
    await other.press("rewind");
    await other.digestAt(0);
    await other.step(1, 2 * STEP);
    const far = await visit(`${EPS}&t=1`);
    note("t = 1", await far.digestAt(1));
    expect([...tab.complaints, ...other.complaints, ...far.complaints]).toEqual([]);
  });

  it("a link with wrong values says so, and takes the defaults", async () => {
    const tab = await visit("#N=-5&eps=fast");
    const words = await tab.notice();
    expect(words).toMatch(/N\b.*-5|-5/);
    expect(words).toMatch(/fast/);
    expect(await tab.digestAt(0)).toBe(digests[name]!["start"]);
  });

  it("exports a specification that Node runs to the same bits, and the page takes back", async () => {
    const tab = await visit(`${EPS}&N=100&kappa=1.5`);
    const start = await tab.digestAt(0);
    const steps = await tab.step(4, STEP);
    const { bytes } = await tab.saved("export-spec");
    const spec = parseRunSpec(JSON.parse(bytes.toString()));
    const simulation = await open(spec.process);
    await simulation.advance(4 * STEP);
    expect(digestOf(simulation.measure())).toBe(steps[3]);
    simulation.free();

    const other = await visit();
    await other.drop("run.json", bytes);
    expect(await other.notice()).toMatch(/run\.json/);
    // recognised as the page's own problem, so that its numbers can be moved there
    await other.until("document.querySelector('[data-testid=\"neurons\"]').value === '100'");
    expect(await other.page.$eval("[data-testid=problem]", (select) => (select as HTMLSelectElement).value)).toBe(
      "gaussians",
    );
    if ((await other.time()) > 0) await other.press("rewind");
    expect(await other.digestAt(0)).toBe(start);
    expect(await other.step(4, STEP)).toEqual(steps);
    expect([...tab.complaints, ...other.complaints]).toEqual([]);
  });

  it("exports the trajectory and the pictures", async () => {
    const tab = await visit(`${EPS}&N=50`);
    await tab.step(2, STEP);
    const json = await tab.saved("export-trajectory-json");
    expect(JSON.parse(json.bytes.toString())).toMatchObject({ provenance: { backend: "simd" } });
    const csv = await tab.saved("export-trajectory-csv");
    expect(csv.bytes.toString().split("\n")[0]).toMatch(/time/);
    const svg = await tab.saved("export-picture-svg");
    expect(svg.bytes.toString()).toMatch(/^<svg|^<\?xml/);
    const png = await tab.saved("export-picture-png");
    expect(png.bytes.subarray(1, 4).toString()).toBe("PNG");
    expect(tab.complaints).toEqual([]);
  });

  it("takes a dataset, as CSV and as npz", async () => {
    const tab = await visit();
    await tab.drop("points.csv", text("x1,x2,y\n0,1,1\n1,0,-1\n0,-1,1\n-1,0,-1\n"));
    await tab.notice();
    await tab.until("document.querySelector('[data-testid=\"problem\"]').value === 'file'");
    await tab.play();
    const x = tensor([0, 1, 1, 0, 0, -1, -1, 0], [4, 2]);
    const npz = await tensorsToNpz({ x, y: tensor([1, -1, 1, -1]) });
    await tab.drop("points.npz", npz);
    await tab.until(
      "/points\\.npz/.test(document.querySelector('[data-testid=\"problem\"]').selectedOptions[0].textContent)",
    );
    await tab.notice();
    await tab.play();
    expect(tab.complaints).toEqual([]);
  });

  it("says what is wrong with a file, and where, and goes on", async () => {
    const tab = await visit();
    const start = await tab.digestAt(0);
    const cube = await tensorsToNpz({ x: tensor(new Float64Array(8), [2, 2, 2]), y: tensor([1, -1]) });
    const later = { version: 99, process: { kind: "sgd" }, times: [1] };
    const files: [string, Uint8Array, RegExp[]][] = [
      ["notes.txt", text("Dear diary,\nnothing to report.\n"), [/notes\.txt/]],
      ["missing.csv", text("x1,x2,y\n1,2,1\n3,,-1\n"), [/missing\.csv/, /x2/, /row 2|line 3/]],
      ["cube.npz", cube, [/cube\.npz/, /\bx\b/, /2, ?2, ?2|2 ?× ?2 ?× ?2|three|3/]],
      ["later.json", text(JSON.stringify(later)), [/later\.json/, /version/, /99/]],
    ];
    for (const [file, bytes, words] of files) {
      await tab.drop(file, bytes);
      const said = await tab.notice();
      for (const word of words) expect(said, file).toMatch(word);
    }
    expect(await tab.digestAt(0)).toBe(start);
    await tab.play();
    // through the dialogue's input too, while it plays
    const input = (await tab.page.$('[data-testid="open-file"]'))!;
    const place = `${import.meta.dirname}/playground.ts`;
    await (input as unknown as { uploadFile(file: string): Promise<void> }).uploadFile(place);
    expect(await tab.notice()).toMatch(/playground\.ts/);
    const now = await tab.time();
    await tab.until(`Number(document.querySelector('[data-testid="time"]').textContent) > ${now}`);
    expect(tab.complaints).toEqual([]);
  });

  it("runs every problem, with every process", async () => {
    const tab = await visit();
    for (const select of ["problem", "network"]) {
      const values = await tab.page.$$eval(`[data-testid="${select}"] option:not(:disabled)`, (options) =>
        options.map((option) => (option as HTMLOptionElement).value),
      );
      expect(values.length).toBeGreaterThan(3);
      for (const value of values) {
        await tab.choose(select, value);
        await tab.until("Number(document.querySelector('[data-testid=\"time\"]').textContent) === 0");
        await tab.play();
        await tab.press("rewind");
        await tab.digestAt(0);
      }
    }
    expect(tab.complaints).toEqual([]);
  });

  it("has a tour of six stops", async () => {
    const tab = await visit();
    await tab.press("tour");
    const stops = new Set<string>();
    for (let k = 0; k < 6; k++) {
      await tab.page.waitForSelector('[data-testid="tour-close"]');
      stops.add(
        await tab.page.$eval(
          "[data-testid='tour-close']",
          (button) => button.closest("section, aside, div[role]")?.querySelector("h2, h3")?.textContent ?? "",
        ),
      );
      if (k < 5) {
        const last = [...stops].at(-1);
        await tab.press("tour-next");
        await tab.until(`!document.body.innerText.includes(${JSON.stringify(last)})`);
      }
    }
    expect(stops.size).toBe(6);
    await tab.press("tour-close");
    await tab.until("document.querySelector('[data-testid=\"tour-close\"]') === null");
    expect(tab.complaints).toEqual([]);
  });

  it("is used by the keyboard alone", async () => {
    const tab = await visit(EPS);
    await tab.page.keyboard.press("ArrowRight");
    const first = await tab.digestAt(STEP);
    await tab.page.keyboard.press(" ");
    await tab.until("document.querySelector('[data-testid=\"play\"]').ariaPressed === 'true'");
    await tab.page.keyboard.press(" ");
    await tab.until("document.querySelector('[data-testid=\"play\"]').ariaPressed === 'false'");
    await tab.page.keyboard.press("Home");
    await tab.digestAt(0);
    await tab.page.keyboard.press("ArrowRight");
    expect(await tab.digestAt(STEP)).toBe(first);

    // all that can be clicked, typed in or chosen is reached by Tab, in the order of the page
    await tab.page.evaluate(() => {
      const able = "a[href], button, input, select, summary, [tabindex='0']";
      const seen = [...document.querySelectorAll<HTMLElement>(able)].filter(
        (one) => !(one as HTMLInputElement).disabled && one.checkVisibility({ checkVisibilityCSS: true }),
      );
      for (const [index, one] of seen.entries()) one.dataset["order"] = String(index);
      (document.activeElement as HTMLElement).blur();
      document.body.dataset["controls"] = String(seen.length);
    });
    const controls = Number(await tab.page.$eval("body", (body) => body.dataset["controls"]));
    expect(controls).toBeGreaterThan(20);
    const reached: number[] = [];
    for (let k = 0; k < controls; k++) {
      await tab.page.keyboard.press("Tab");
      reached.push(Number(await tab.page.evaluate("document.activeElement.dataset.order ?? NaN")));
    }
    expect(reached).toEqual(Array.from({ length: controls }, (_, k) => k));
    expect(tab.complaints).toEqual([]);
  });

  it.each([
    ["phone", { width: 390, height: 844 }],
    ["wide", { width: 1920, height: 1080 }],
  ])("axe finds nothing serious on a %s, light and dark", async (_, size) => {
    const tab = await visit("#tour=1", size);
    await tab.page.evaluate(axe);
    for (const theme of ["light", "dark"]) {
      await tab.choose("theme", theme);
      await tab.until(`document.documentElement.dataset.theme === "${theme}"`);
      // colours that are still under way are not what is read
      await tab.page.evaluate("Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))");
      const found = (await tab.page.evaluate(`axe.run().then(({ violations }) =>
        violations.filter(({ impact }) => impact === "serious" || impact === "critical").flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 200) + " " + failureSummary)))`)) as string[];
      expect(found, theme).toEqual([]);
      const wider = await tab.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(wider, "nothing sticks out").toBeLessThanOrEqual(0);
    }
  });

  it("holds its frames while stepping", async () => {
    const tab = await visit();
    await tab.play();
    const { intervals, shown } = (await tab.page.evaluate(`new Promise((done) => {
      const intervals = [];
      const clock = document.querySelector('[data-testid="time"]');
      const shown = new Set();
      let last = performance.now();
      const look = (now) => {
        intervals.push(now - last);
        shown.add(clock.textContent);
        last = now;
        if (intervals.length < 300) requestAnimationFrame(look);
        else done({ intervals: intervals.slice(2), shown: shown.size });
      };
      requestAnimationFrame(look);
    })`)) as { intervals: number[]; shown: number };
    const sorted = intervals.sort((a, b) => a - b);
    const quantile = (q: number) => Number(sorted[Math.floor(q * (sorted.length - 1))]!.toFixed(1));
    const record = { median: quantile(0.5), p95: quantile(0.95), longest: quantile(1), frames: sorted.length, shown };
    frameTimes[name] = { ...record, browser: await browser.version(), processors: cpus().length, load: loadavg()[0] };
    console.log(`frames in ${name}: ${JSON.stringify(record)}`);
    // what the page promises, 17 and 34 ms, holds on a machine that does nothing else, which CI's is not: there these bounds only find
    // a page whose main thread is held up
    const quiet = process.env["QUIET"] === "1";
    expect(record.median).toBeLessThanOrEqual(quiet ? 17 : 60);
    expect(record.p95).toBeLessThanOrEqual(quiet ? 34 : 250);
    expect(tab.complaints).toEqual([]);
  });
});

describe("the playground", () => {
  it("comes to the same bits in all browsers", () => {
    const [first, ...others] = browsers.map((name) => digests[name]);
    expect(Object.keys(first!)).toEqual(["start", "three steps", "N = 300", "changed", "t = 1"]);
    for (const other of others) expect(other).toEqual(first);
  });

  it("its frame times are kept", () => {
    mkdirSync("test/e2e/out", { recursive: true });
    writeFileSync("test/e2e/out/frames.json", `${JSON.stringify(frameTimes, null, 2)}\n`);
    expect(Object.keys(frameTimes)).toEqual(browsers);
  });
});

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}
