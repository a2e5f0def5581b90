import { defineConfig, type Options } from "tsup";

const shared = {
  target: "es2022",
  platform: "neutral",
  removeNodeProtocol: false,
  sourcemap: false,
  noExternal: ["@assemblyscript/loader"],
} satisfies Options;

// The library in both module systems, the worker as a file for strict content-security policies, and the command line,
// which carries its plotting libraries with it so that an app that embeds the library does not install them.
export default defineConfig((options): Options[] => [
  {
    ...shared,
    entry: { index: "src/index.ts" },
    format: ["esm", "cjs"],
    splitting: true,
    clean: false,
    dts:
      options["dts"] === false
        ? false
        : { resolve: ["@assemblyscript/loader"], compilerOptions: { ignoreDeprecations: "6.0" } },
  },
  {
    ...shared,
    entry: { worker: "src/study/workerEntry.ts" },
    format: ["esm"],
    splitting: false,
    noExternal: [/.*/],
  },
  {
    ...shared,
    entry: { cli: "src/cli/main.ts" },
    format: ["esm"],
    platform: "node",
    splitting: true,
    noExternal: ["@assemblyscript/loader", "@observablehq/plot", "linkedom"],
    banner: { js: "#!/usr/bin/env node" },
  },
]);
