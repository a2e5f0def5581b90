// Chromium and Firefox as Debian packages them, without a window, for scripts and tests; both by puppeteer.

import puppeteer from "puppeteer-core";

/** Names that `launch` takes. */
export const browsers = ["chromium", "firefox"];

const chromiumFlags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

/**
 * Starts a browser; the caller closes it. The variables CHROMIUM and FIREFOX name binaries at other places.
 *
 * @param name  one of `browsers`
 */
export function launch(name) {
  const shared = { headless: true, protocolTimeout: 120_000 };
  if (name === "firefox") {
    return puppeteer.launch({
      ...shared,
      browser: "firefox",
      executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    });
  }
  return puppeteer.launch({
    ...shared,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: chromiumFlags,
  });
}
