// The files that the entry of the package imports at once become one file of dist/. esbuild puts files into one chunk where the same
// entries reach them, and every import() is an entry, so each part that is loaded on demand cuts the core once more: 30 pieces, which
// an app's bundler keeps apart, and which are 67 kB compressed where the whole is 58. So all parts are made to import the entry. It is
// there before them anyway.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { build as bundle } from "esbuild";

/**
 * Plugin of esbuild for a bundle with splitting.
 *
 * @param entry  its file, from the working directory
 */
export const core = (entry) => ({
  name: "core",
  async setup(build) {
    const { platform } = build.initialOptions;
    const { metafile } = await bundle({
      entryPoints: [entry],
      bundle: true,
      splitting: true,
      format: "esm",
      platform,
      packages: "external",
      outdir: "unused",
      write: false,
      metafile: true,
    });
    const inside = new Set();
    const visit = (file) => {
      if (inside.has(file)) return;
      inside.add(file);
      for (const { kind, path: next } of metafile.inputs[file]?.imports ?? []) {
        if (kind === "import-statement") visit(next);
      }
    };
    visit(entry);
    build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      const here = path.relative("", file).replaceAll(path.sep, "/");
      if (inside.has(here) || !here.startsWith("src/")) return undefined;
      const contents = `${await readFile(file, "utf8")}\nimport ${JSON.stringify(path.resolve(entry))};\n`;
      return { contents, loader: "ts" };
    });
  },
});
