import type { Browser } from "puppeteer-core";

export type BrowserName = "chromium" | "firefox";

export const browsers: BrowserName[];

export function launch(name: BrowserName): Promise<Browser>;
