// The playground's page: served by `npm run playground`, built into site/playground by `npm run build:playground`.

import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const file = (address: string) => fileURLToPath(new URL(address, import.meta.url));

/**
 * What the built page may load: itself, its workers and its WebAssembly, nothing inline and nothing from elsewhere. Not in the dev
 * server, whose reloading is an inline script.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const contentSecurityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
  ],
};

export default defineConfig({
  root: file("."),
  base: "./",
  resolve: {
    alias: [
      { find: /^meanfield$/, replacement: file("../src/index.ts") },
      // the part that every platform has, as scripts/builtins.mjs takes it for the package
      { find: /^hyparquet$/, replacement: file("../node_modules/hyparquet/src/index.js") },
    ],
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [contentSecurityPolicy],
  worker: { format: "es" },
  server: { fs: { allow: [file("..")] } },
  build: { outDir: file("../site/playground"), emptyOutDir: true, target: "es2022" },
});
