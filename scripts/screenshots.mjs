// Pictures of the built playground for looking at: three sizes, light and dark, into test/e2e/out. After `npm run build:playground`.
// Arguments are links, as in "#problem=peaks"; without any it is the default problem, after a second of its time.

import { mkdirSync } from "node:fs";
import { browsers, launch } from "./browsers.mjs";
import { serve } from "./serve.mjs";

const sizes = [
  [390, 844],
  [1024, 768],
  [1920, 1080],
];
const links = process.argv.length > 2 ? process.argv.slice(2) : ["#t=1"];
const folder = "test/e2e/out";
mkdirSync(folder, { recursive: true });
const site = await serve("site/playground");
for (const name of browsers) {
  const browser = await launch(name);
  for (const [k, link] of links.entries()) {
    for (const [width, height] of sizes) {
      const page = await browser.newPage();
      await page.setViewport({ width, height });
      await page.goto(`${site.address}${link}`);
      await page.waitForFunction(`document.querySelector('[data-testid="digest"]')?.textContent.length === 8 &&
        !document.querySelector(".transport").textContent.includes("opening")`);
      for (const theme of ["light", "dark"]) {
        await page.select('[data-testid="theme"]', theme);
        // drawn anew
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        const file = `${folder}/${name}-${k}-${width}-${theme}.png`;
        await page.screenshot({ path: file, fullPage: width < 1000 });
        console.log(`${file}: ${link}`);
      }
      await page.close();
    }
  }
  await browser.close();
}
await site.close();
