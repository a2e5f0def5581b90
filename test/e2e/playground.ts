// The playground as its visitors meet it: the built page, served under its content-security policy, in a tab of a browser. What is awaited
// is a state of the page, never a while.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { serve } from "../../scripts/serve.mjs";

/** Nothing inline, nothing from elsewhere; WebAssembly, and workers from files. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
].join("; ");

/** Builds the page, apart from the site's so that neither is changed under the other, and serves it. */
export function servePlayground() {
  const folder = path.resolve("test/e2e/out/playground");
  execFileSync("npm", ["run", "--silent", "build:playground", "--", "--logLevel", "error", "--outDir", folder], {
    stdio: "inherit",
  });
  return serve(folder, { "content-security-policy": policy });
}

/** A tab with the playground in it. */
export interface Tab {
  page: Page;
  /** errors of the page, of its console, and requests that leave its origin */
  complaints: string[];
  /** text of an element by its test id */
  text(id: string): Promise<string>;
  time(): Promise<number>;
  /** digest at a time, once the page is there */
  digestAt(time: number): Promise<string>;
  press(id: string): Promise<void>;
  choose(id: string, value: string): Promise<void>;
  /** types a number and Enter */
  type(id: string, value: number | string): Promise<void>;
  /** waits for an expression in the page */
  until(expression: string): Promise<void>;
  /** presses play, until the time is past the present one */
  play(): Promise<void>;
  /** presses pause, until the time stands */
  pause(): Promise<void>;
  /** steps, until each has come, and the digests */
  step(times: number, stepSize: number): Promise<string[]>;
  /** presses a button that saves a file, and reads the file */
  saved(id: string): Promise<{ name: string; bytes: Buffer }>;
  /** drops a file on the page as a hand would */
  drop(name: string, bytes: Uint8Array): Promise<void>;
  /** the notice that has come, which is then put away */
  notice(): Promise<string>;
  close(): Promise<void>;
}

const slowly = { timeout: 40_000, polling: 30 };
const at = (id: string) => `[data-testid="${id}"]`;
const shown = (id: string) => `document.querySelector('${at(id)}')?.textContent`;
const timeShown = `Number(${shown("time")})`;

/**
 * Opens a tab and waits for the first frame.
 *
 * @param link  what stands behind the address, as in "#N=100"
 */
export async function openTab(
  browser: Browser,
  address: string,
  link = "",
  size = { width: 1280, height: 900 },
): Promise<Tab> {
  const folder = mkdtempSync(path.join(tmpdir(), "meanfield-e2e-"));
  const context = await browser.createBrowserContext({ downloadBehavior: { policy: "allow", downloadPath: folder } });
  const page = await context.newPage();
  await page.setViewport(size);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(`page: ${error instanceof Error ? error.message : error}`));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !/^(blob|data):/.test(url)) complaints.push(`request: ${url}`);
  });
  await page.goto(`${address}${link}`);

  const until = async (expression: string) => {
    try {
      await page.waitForFunction(expression, slowly);
    } catch (error) {
      const words = await page.evaluate("document.body.innerText.slice(0, 600)").catch(() => "");
      throw new Error(`waited in vain for ${expression}: ${error}\n${complaints.join("\n")}\n${words}`);
    }
  };
  const text = (id: string) => page.$eval(at(id), (element) => element.textContent ?? "");
  const press = async (id: string) => {
    const button = await page.waitForSelector(at(id), { timeout: 60_000 });
    await button!.click();
  };
  const tab: Tab = {
    page,
    complaints,
    text,
    press,
    until,
    time: async () => Number(await text("time")),
    async digestAt(time) {
      // the page rounds what it shows
      await until(`Math.abs(${timeShown} - ${time}) < 1e-9 && ${shown("digest")}.length === 8`);
      return text("digest");
    },
    async choose(id, value) {
      await page.select(at(id), value);
    },
    async type(id, value) {
      const field = (await page.waitForSelector(at(id)))!;
      await field.click({ count: 3 });
      await page.keyboard.type(String(value));
      await page.keyboard.press("Enter");
    },
    async play() {
      const from = await tab.time();
      if ((await page.$eval(at("play"), (button) => button.ariaPressed)) === "false") await press("play");
      await until(`${timeShown} > ${from}`);
    },
    async pause() {
      await press("play");
      await until(`document.querySelector('${at("play")}').ariaPressed === "false"`);
      // a frame that was under way may still come: the time stands when none has for thirty frames of the display
      await until(`new Promise((done) => {
        const before = ${shown("time")};
        let frames = 0;
        const look = () => frames++ < 30 ? requestAnimationFrame(look) : done(before === ${shown("time")});
        look();
      })`);
    },
    async step(times, stepSize) {
      const digests: string[] = [];
      const from = await tab.time();
      for (let k = 1; k <= times; k++) {
        await press("step");
        digests.push(await tab.digestAt(Number((from + k * stepSize).toFixed(9))));
      }
      return digests;
    },
    async saved(id) {
      const before = new Set(readdirSync(folder));
      await press(id);
      const began = performance.now();
      for (;;) {
        const name = readdirSync(folder).find((one) => !before.has(one) && !/\.(crdownload|part|tmp)$/.test(one));
        const bytes = name ? readFileSync(path.join(folder, name)) : null;
        // Firefox makes the file first, then fills it
        if (name && bytes && bytes.length > 0) return { name, bytes };
        if (performance.now() - began > 30_000) throw new Error(`${id} saved nothing\n${complaints.join("\n")}`);
        await new Promise((done) => setTimeout(done, 30));
      }
    },
    async drop(name, bytes) {
      await page.evaluate(
        (name, base64) => {
          const content = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([content], name));
          const drop = (type: string) =>
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
          drop("dragover");
          drop("drop");
        },
        name,
        Buffer.from(bytes).toString("base64"),
      );
    },
    async notice() {
      await until(`${shown("notice")}?.length > 0`);
      const words = await text("notice");
      for (;;) {
        const button = await page.$(`${at("notice")} button`);
        if (!button) return words;
        await button.evaluate((one) => (one as HTMLElement).click());
      }
    },
    async close() {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await until(`${shown("digest")}?.length === 8`);
  return tab;
}
