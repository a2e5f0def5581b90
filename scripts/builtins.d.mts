import type { Plugin } from "esbuild";

export const builtins: Plugin;
