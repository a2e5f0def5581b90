// The files that an entry imports at once become a few of dist/. esbuild puts files into one chunk where the same entries reach them,
// and every import() makes an entry, so each part that is loaded on demand cuts the core once more: into 34 pieces, which an app's
// bundler keeps apart, and which are 65 kB compressed where the whole is 54. So the parts are made to import all of the core that is as
// deep as what they import of it: what is 0 deep has no import() of a part that imports the core, what is 1 deep has one of parts that
// import what is 0 deep, and so on. One chunk for all would import() what imports it, and of such a circle Vite makes no worker.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { build as bundle } from "esbuild";

/**
 * Plugin of esbuild for a bundle with splitting; imports and import() of the sources go round in no circle.
 *
 * @param entry  its file, from the working directory
 */
export const core = (entry) => ({
  name: "core",
  async setup(build) {
    const { entryPoints, platform } = build.initialOptions;
    const { metafile } = await bundle({
      entryPoints,
      platform,
      bundle: true,
      splitting: true,
      format: "esm",
      packages: "external",
      outdir: "unused",
      write: false,
      metafile: true,
    });
    const depths = depthsOf(metafile.inputs, entry);
    const deepest = (files) => Math.max(-1, ...[...files].map((file) => depths.get(file) ?? -1));
    build.onResolve({ filter: /^core:/ }, ({ path: name }) => ({ path: name, namespace: "core" }));
    build.onLoad({ filter: /^core:/, namespace: "core" }, ({ path: name }) => {
      const depth = Number(name.slice("core:".length));
      const files = [...depths.keys()].filter((file) => depths.get(file) <= depth);
      return { contents: files.map((file) => `import "./${file}";\n`).join(""), resolveDir: path.resolve() };
    });
    build.onLoad({ filter: /\.ts$/ }, async ({ path: file }) => {
      const here = path.relative("", file).replaceAll(path.sep, "/");
      if (!(here in metafile.inputs) || depths.has(here)) return undefined;
      const depth = deepest(reached(metafile.inputs, here, isAtOnce));
      if (depth < 0) return undefined;
      return { contents: `${await readFile(file, "utf8")}\nimport "core:${depth}";\n`, loader: "ts" };
    });
  },
});

const isAtOnce = ({ kind }) => kind === "import-statement";

/** Depths of the files that an entry imports at once. */
function depthsOf(inputs, entry) {
  const core = reached(inputs, entry, isAtOnce);
  const depths = new Map();
  const depthOf = (file) => {
    if (!depths.has(file)) {
      const above = inputs[file].imports.map((one) => {
        if (!(one.path in inputs)) return 0;
        if (isAtOnce(one)) return depthOf(one.path);
        const files = [...reached(inputs, one.path, () => true)].filter((next) => core.has(next));
        return Math.max(-1, ...files.map(depthOf)) + 1;
      });
      depths.set(file, Math.max(0, ...above));
    }
    return depths.get(file);
  };
  core.forEach(depthOf);
  return depths;
}

/** A file, and those reached from it by imports of a kind. */
function reached(inputs, file, kind, found = new Set()) {
  if (!found.has(file)) {
    found.add(file);
    for (const one of inputs[file]?.imports ?? [])
      if (one.path in inputs && kind(one)) reached(inputs, one.path, kind, found);
  }
  return found;
}
