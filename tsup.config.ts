import { defineConfig, type Options } from "tsup";
import { builtins } from "./scripts/builtins.mjs";
import { core } from "./scripts/core.mjs";

const shared = {
  target: "es2022",
  platform: "neutral",
  external: [/^node:/],
  removeNodeProtocol: false,
  splitting: true,
  // all packages come along, so that a page and its workers import dist/index.js with neither bundler nor import map. Besides, as it
  // stands, Vite alone of the bundlers takes workerpool without configuration.
  noExternal: [
    "@assemblyscript/loader",
    "@noble/hashes",
    "valibot",
    "workerpool",
    "d3-dsv",
    "hyparquet",
    "hyparquet-writer",
    "fflate",
  ],
  esbuildPlugins: [builtins, core("src/index.ts")],
  // numbers that are constants become literals: looked up one by one they slow the plain numerics by a quarter
  esbuildOptions(options) {
    options.minifySyntax = true;
  },
} satisfies Options;

// The library in both module systems, and the command line on the same chunks. It carries its plotting libraries with it,
// so that an app that embeds the library does not install them.
export default defineConfig((options): Options[] => [
  {
    ...shared,
    entry: { index: "src/index.ts", cli: "src/cli/main.ts" },
    format: ["esm"],
    noExternal: [...shared.noExternal, "@observablehq/plot", "linkedom"],
    dts:
      options.dts === false
        ? false
        : {
            entry: { index: "src/index.ts" },
            resolve: ["@assemblyscript/loader"],
            compilerOptions: { ignoreDeprecations: "6.0" },
          },
  },
  {
    ...shared,
    entry: { index: "src/index.ts" },
    format: ["cjs"],
    dts: false,
    plugins: [
      {
        // sucrase, by which tsup makes CJS of chunks, reads no yield without a value inside an expression
        name: "yields",
        renderChunk: (code) => ({ code: code.replace(/\byield(?=[),\]])/g, "yield void 0") }),
      },
    ],
  },
]);
