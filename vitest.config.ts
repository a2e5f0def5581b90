import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig } from "vitest/config";

// Chromium as Debian packages it; Playwright's own download is not needed.
const chromium = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const report = process.env["TEST_REPORT"];

export default defineConfig({
  // as in tsconfig.json: what the playground imports under its public name is the source
  resolve: { alias: [{ find: /^meanfield$/, replacement: fileURLToPath(new URL("src/index.ts", import.meta.url)) }] },
  test: {
    globalSetup: "test/globalSetup.ts",
    // CI adds up the counts of its parts from these reports
    ...(report ? { reporters: ["default", ["json", { outputFile: report }]] } : {}),
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/e2e/**"],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        // named here, or Vite finds them in the middle of a run and reloads
        optimizeDeps: {
          include: [
            "workerpool",
            "valibot",
            "@noble/hashes/sha256",
            "@noble/hashes/utils",
            "fast-check",
            "ml-matrix",
            "munkres",
            "d3-dsv",
            "hyparquet",
            "hyparquet-writer/src/write.js",
            "fflate",
            "npyjs",
            "hyparquet/src/datapage.js",
            "hyparquet/src/thrift.js",
          ],
        },
        test: {
          name: "browser",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/node/**", "test/e2e/**"],
          testTimeout: 120_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: chromium, args: flags } }),
            instances: [{ browser: "chromium" }],
          },
        },
      },
      {
        extends: true,
        test: { name: "slow", include: ["test/slow/**/*.test.ts"], testTimeout: 1_200_000 },
      },
      {
        extends: true,
        // the built pages in Chromium and Firefox, one file at a time: frame times are taken
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
