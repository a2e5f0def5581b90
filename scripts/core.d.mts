import type { Plugin } from "esbuild";

export function core(entry: string): Plugin;
