// How packages are bundled, so that one bundle runs in Node and in a browser. workerpool: Node's own modules are asked for when
// it runs, so the user's bundler meets no name that it cannot resolve, and the worker that it brings along, unused here, stays
// away. hyparquet: the part that every platform has, without its readers of files.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** Plugin of esbuild. */
export const builtins = {
  name: "builtins",
  setup(build) {
    build.onResolve({ filter: /^workerpool$/ }, () => ({ path: require.resolve("workerpool") }));
    build.onResolve({ filter: /\/embeddedWorker$/ }, ({ path }) => ({ path, namespace: "unused" }));
    build.onLoad({ filter: /.*/, namespace: "unused" }, () => ({ contents: "" }));
    build.onResolve({ filter: /^hyparquet$/ }, () => ({ path: require.resolve("hyparquet/src/index.js") }));
    build.onResolve({ filter: /^(child_process|os|worker_threads)$/ }, ({ path }) => ({ path, namespace: "builtin" }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = globalThis.process?.getBuiltinModule?.("node:${path}");`,
    }));
  },
};
