// Node's own modules as workerpool asks for them, found when they are needed: so one bundle runs in Node and in a browser,
// and the user's bundler meets no name that it cannot resolve.

/** Plugin of esbuild. */
export const builtins = {
  name: "builtins",
  setup(build) {
    build.onResolve({ filter: /^(child_process|os|worker_threads)$/ }, ({ path }) => ({ path, namespace: "builtin" }));
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = globalThis.process?.getBuiltinModule?.("node:${path}");`,
    }));
  },
};
