// Tests the package as it would be published: packs dist/, looks at what is in it, installs it in an empty folder, and runs
// test/package/use.js there in Node (ESM, CJS, thread), and in Chromium and Firefox with no bundler and as esbuild, Vite, webpack
// and Rollup bundle it with nothing configured but entry and output. All must come to the same bits.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build, transformSync } from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import { browsers, launch } from "./browsers.mjs";
import { serve } from "./serve.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const app = mkdtempSync(path.join(tmpdir(), "meanfield-package-"));
const inApp = (...parts) => path.join(app, ...parts);
const run = async (file, args, cwd = app) =>
  (await promisify(execFile)(file, args, { cwd, maxBuffer: 1 << 26 })).stdout;
const binary = (name, file) => path.join(root, "node_modules", name, file);

// the needed checks, and those whose name holds the argument, if there is one
const [, , wanted = ""] = process.argv;
const checks = [];
let tarball = "";
let expected = null;
/**
 * Adds a check; its function gives the results of one or more runs of use.js, or nothing. Those that are `needed` by the others
 * come first, one after the other; of the others two run at a time.
 */
const check = (name, body, { needed = false } = {}) => {
  if (needed || name.includes(wanted)) checks.push({ name, body, needed });
};

check(
  "pack: what is in it, and nothing else",
  async () => {
    const [{ filename, files, size, unpackedSize }] = JSON.parse(
      await run("npm", ["pack", "--silent", "--json", "--pack-destination", app], root),
    );
    const foreign = [root, homedir(), tmpdir()].filter((place) => place.length > 1);
    for (const { path: file } of files) {
      const known = /^(dist\/[\w-]+\.(js|cjs|d\.ts|d\.cts|txt)|(package\.json|[A-Z]+(\.md|\.cff)?))$/.test(file);
      assert.ok(known, `${file} is not meant to be published`);
      const text = readFileSync(path.join(root, file), "utf8");
      for (const place of foreign) assert.ok(!text.includes(place), `${file} names ${place}`);
      assert.ok(!/sourceMappingURL=|"sourcesContent"/.test(text), `${file} names a source map`);
    }
    for (const file of ["LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "dist/cli.js", "dist/licenses.txt"]) {
      assert.ok(
        files.some((one) => one.path === file),
        `${file} is missing`,
      );
    }
    console.log(`   ${files.length} files, ${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked`);
    tarball = inApp(filename);
  },
  { needed: true },
);

check(
  "install, with nothing else",
  async () => {
    writeFileSync(inApp("package.json"), JSON.stringify({ private: true, type: "module" }));
    await run("npm", ["install", "--silent", "--offline", "--no-audit", "--no-fund", tarball]);
    assert.deepEqual(
      readdirSync(inApp("node_modules")).filter((name) => !name.startsWith(".")),
      ["meanfield"],
    );
    cpSync(path.join(root, "test/package"), app, { recursive: true });
    const text = readFileSync(inApp("use.js"), "utf8");
    const cjs = transformSync(text, { format: "cjs" }).code;
    const main = `use().then(async (here) => console.log(JSON.stringify({ here, file: await use({ worker: require.resolve("meanfield/worker") }) })));`;
    writeFileSync(inApp("node.cjs"), `${cjs}\n${main}\n`);
    page(".", '<script type="module" src="/page.js"></script>');
  },
  { needed: true },
);

check(
  "Node: ESM, worker thread, worker as a file",
  async () => {
    const results = JSON.parse(await run(process.execPath, ["node.mjs"]));
    assert.ok(Object.values(results.here).every((value) => typeof value === "string" || value > 0));
    return results;
  },
  { needed: true },
);

check("webpack, also with the worker as a file", async () => {
  const entry = JSON.stringify({ page: "./page.js", address: "./address.js" });
  await run(process.execPath, [path.join(root, "scripts/webpack.mjs"), entry, "webpack"]);
  page("webpack", '<script src="./page.js"></script>');
  page("webpack/address", '<script src="../address.js"></script>');
  return { ...(await opened("webpack")), ...(await opened("webpack", { from: "address/" })) };
});

check("Node: CJS", async () => JSON.parse(await run(process.execPath, ["node.cjs"])));

check("Node 24: ESM, worker thread, worker as a file, CJS", async () => {
  const node24 = async (file) => JSON.parse(await run("npx", ["-y", "-p", "node@24", "node", file]));
  const cjs = await node24("node.cjs");
  return { ...(await node24("node.mjs")), cjs: cjs.here, "cjs, file": cjs.file };
});

check("types: node16 and nodenext in both module systems, bundler", async () => {
  const tsc = (...options) =>
    run(process.execPath, [
      binary("typescript", "bin/tsc"),
      ...["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022"],
      ...options,
    ]);
  const files = ["types.mts", "types.cts"];
  for (const file of files) copyFileSync(inApp("types.ts"), inApp(file));
  for (const module of ["node16", "nodenext"]) await tsc("--module", module, ...files);
  await tsc("--module", "esnext", "--moduleResolution", "bundler", "types.ts");
  await tsc("--module", "preserve", "types.ts");
});

check("publint", async () => {
  await run(process.execPath, [binary("publint", "src/cli.js"), "run", tarball, "--strict"]);
});

// the worker is an address, imported by nobody
check("attw", async () => {
  const attw = binary("@arethetypeswrong/cli", "dist/index.js");
  await run(process.execPath, [attw, tarball, "--exclude-entrypoints", "worker", "--no-color"]);
});

check("command line: a run and its pictures", async () => {
  const cli = inApp("node_modules/.bin/meanfield");
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  assert.equal((await run(cli, ["--version"])).trim(), version);
  const problem = {
    law: { kind: "anisotropicGaussians", dimension: 8, delta: 0.5 },
    unit: { kind: "ridge", activation: { kind: "relu" } },
    start: { kind: "gaussian", radius: 1 },
  };
  const edges = [0, 0.5, 1, 1.5, 2];
  const spec = {
    version: 1,
    process: { kind: "sgd", problem, neurons: 20, stepSize: 1e-3 },
    times: [0, 0.1, 0.2],
    observe: { risk: { kind: "risk" }, radii: { kind: "histogram", coordinate: "r1", edges } },
    replicas: 2,
  };
  writeFileSync(inApp("spec.json"), JSON.stringify(spec));
  assert.match(await run(cli, ["run", "spec.json", "--out", "run"]), /0\.2/);
  for (const file of ["trajectory.json", "risk.svg", "density.svg"]) {
    assert.ok(readFileSync(inApp("run", file), "utf8").length > 1000, file);
  }
});

check("esbuild", async () => {
  // esbuild does not follow `new Worker(new URL(…))`, so the app's worker is an entry of its own, by the same name
  const options = { absWorkingDir: app, bundle: true, minify: true, format: "esm", logLevel: "warning" };
  await build({ ...options, entryPoints: ["page.js", "task.js"], outdir: "esbuild" });
  page("esbuild", '<script type="module" src="./page.js"></script>');
  return opened("esbuild");
});

check("Rollup", async () => {
  // nor does Rollup, which needs its plugin to find packages at all
  const bundle = await rollup({
    input: [inApp("page.js"), inApp("task.js")],
    plugins: [nodeResolve({ browser: true })],
    onwarn(warning) {
      throw new Error(`Rollup warns: ${warning.message}`);
    },
  });
  await bundle.write({ dir: inApp("rollup") });
  page("rollup", '<script type="module" src="./page.js"></script>');
  return opened("rollup");
});

check("Vite, built", async () => {
  await vite.build({ root: app, logLevel: "warn", configFile: false, build: { outDir: "vite" } });
  return opened("vite");
});

check("Vite, worker as a file", async () => {
  writeFileSync(inApp("address.html"), html('<script type="module" src="/address.js"></script>'));
  const build = { outDir: "vite-address", rollupOptions: { input: inApp("address.html") } };
  await vite.build({ root: app, logLevel: "warn", configFile: false, build });
  return opened("vite-address", { from: "address.html" });
});

check("Vite, developing", async () => {
  const server = await vite.createServer({ root: app, logLevel: "warn", configFile: false, server: { port: 0 } });
  await server.listen();
  try {
    return await visited(`http://localhost:${server.httpServer.address().port}/`);
  } finally {
    await server.close();
  }
});

check("no bundler: a page and its web worker", () => {
  // no import map: it would not hold in the worker
  mkdirSync(inApp("plain"), { recursive: true });
  const use = readFileSync(inApp("use.js"), "utf8");
  writeFileSync(inApp("plain/use.js"), use.replace('"meanfield"', '"../node_modules/meanfield/dist/index.js"'));
  for (const file of ["page.js", "task.js"]) copyFileSync(inApp(file), inApp("plain", file));
  page("plain", '<script type="module" src="./page.js"></script>');
  return opened(".", { from: "plain/" });
});

check("no bundler: an import map", () => {
  const map = JSON.stringify({ imports: { meanfield: "../node_modules/meanfield/dist/index.js" } });
  const script = 'import { use } from "../use.js"; globalThis.results = use().then((here) => ({ here }));';
  page("map", `<script type="importmap">${map}</script><script type="module">${script}</script>`);
  return opened(".", { from: "map/" });
});

check("no bundler: examples/page.html", async () => {
  const text = readFileSync(path.join(root, "examples/page.html"), "utf8");
  assert.ok(text.includes('"../dist/index.js"'));
  writeFileSync(inApp("example.html"), text.replace('"../dist/index.js"', '"./node_modules/meanfield/dist/index.js"'));
  const output = "document.querySelector('output').textContent";
  await opened(".", { from: "example.html", until: `parseFloat(${output}.slice(4)) >= 0.5`, found: output });
});

// What a page needs: the builds of the kernels are WebAssembly, and replicas run on workers.
const strict = "default-src 'none'; script-src 'self'";
const policy = (rest) => ({ headers: { "content-security-policy": `${strict}${rest}` } });

check("strict content-security policy", async () => {
  await build({
    ...{ absWorkingDir: app, bundle: true, outdir: "strict", logLevel: "warning" },
    entryPoints: ["strict.js", "inline.js", "refused.js"],
  });
  copyFileSync(inApp("node_modules/meanfield/dist/worker.js"), inApp("strict/worker.js"));
  for (const name of ["strict", "inline", "refused"]) {
    writeFileSync(inApp("strict", `${name}.html`), html(`<script src="./${name}.js"></script>`));
  }
  const file = await opened("strict", { from: "strict.html", ...policy(" 'wasm-unsafe-eval'; worker-src 'self'") });
  for (const [where, refused] of Object.entries(file).filter(([where]) => /refused/.test(where))) {
    assert.match(refused, /worker/, `${where}: an inline worker that is refused is told how to go on`);
    assert.match(refused, /meanfield\/worker/);
    delete file[where];
  }
  const inline = await opened("strict", { from: "inline.html", ...policy(" 'wasm-unsafe-eval'; worker-src blob:") });
  // without 'wasm-unsafe-eval' the error says so, and the plain build runs where it is asked for
  const without = await opened("strict", { from: "refused.html", ...policy("; worker-src 'self'") });
  for (const [where, result] of Object.entries(without)) {
    if (/plain/.test(where)) assert.deepEqual(result, { sgd: expected.plain, replica: expected.plain }, where);
    else assert.match(result, /^SpecError: backend.*'wasm-unsafe-eval'.*backend js/s, where);
  }
  return { ...file, ...renamed(inline, (where) => `${where}, inline worker`) };
});

check("size", async () => {
  const names = "anisotropicGaussians compare gaussian piecewiseLinear radialFlow ridge sgd solve".split(" ");
  const few = await sizes(`export { ${names.join(", ")} } from "meanfield";`);
  const all = await sizes('export * from "meanfield";');
  const total = few.core + few.later.sgd + few.later.radialFlow + few.later.simd;
  console.log(
    `   minified and compressed; all exports ${kilobytes(all.core)}, those of the README ${kilobytes(few.core)};`,
  );
  console.log(
    `   on demand ${Object.entries(few.later)
      .map(([name, size]) => `${name} ${kilobytes(size)}`)
      .join(", ")};`,
  );
  console.log(`   a page of SGD and its limit: ${kilobytes(total)}`);
  assert.ok(total < 90_000, "a page of SGD and its limit is at most 90 kB");
});

/** Compressed bytes of what a module loads at once, and of what it loads when it is needed, by name. */
async function sizes(contents) {
  const { metafile, outputFiles } = await build({
    absWorkingDir: app,
    stdin: { contents, resolveDir: app },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    outdir: "size",
    write: false,
    metafile: true,
  });
  const bytes = new Map(
    outputFiles.map(({ path: file, contents }) => [path.basename(file), gzipSync(contents).length]),
  );
  const sum = (files) => [...files].reduce((total, file) => total + bytes.get(path.basename(file)), 0);
  const closure = (file, seen = new Set()) => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const { path: next, kind } of metafile.outputs[file].imports)
      if (kind === "import-statement") closure(next, seen);
    return seen;
  };
  const entries = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint);
  const core = closure(entries.find(([, { entryPoint }]) => entryPoint.includes("stdin"))[0]);
  const later = entries
    .filter(([file]) => !core.has(file))
    .map(([file, { entryPoint }]) => [
      path.basename(entryPoint).replace(/-[A-Z0-9]{8}\.js$/, ""),
      sum([...closure(file)].filter((one) => !core.has(one))),
    ]);
  return { core: sum(core), later: Object.fromEntries(later) };
}

function kilobytes(bytes) {
  return `${(bytes / 1000).toFixed(1)} kB`;
}

function html(script) {
  return `<!doctype html><meta charset="utf-8"><title>meanfield</title>${script}\n`;
}

function page(folder, script) {
  mkdirSync(inApp(folder), { recursive: true });
  writeFileSync(inApp(folder, "index.html"), html(script));
}

const started = new Map();

/** A browser, started when it is first asked for. */
function browser(name) {
  if (!started.has(name)) started.set(name, launch(name));
  return started.get(name);
}

let visits = Promise.resolve({});

/**
 * Opens a page in each browser, waits until something holds there, and gives what is then found, by browser. One at a time: a tab that
 * lies behind another draws no frames.
 */
function visited(address, until = "globalThis.results !== undefined", found = "results") {
  const visit = async () => {
    const results = {};
    for (const name of browsers) {
      const result = await seen(name, address, until, found);
      if (typeof result === "object")
        Object.assign(
          results,
          renamed(result, (where) => `${name}, ${where}`),
        );
    }
    return results;
  };
  const next = visits.catch(() => {}).then(visit);
  visits = next;
  return next;
}

/** What one browser finds on a page. */
async function seen(name, address, until, found) {
  const tab = await (await browser(name)).newPage();
  const errors = [];
  tab.on("pageerror", (error) => errors.push(String(error)));
  tab.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  try {
    await tab.goto(address);
    await tab.waitForFunction(until, { timeout: 60_000 });
    return await tab.evaluate(found);
  } catch (error) {
    throw new Error([`${name}: ${error.message}`, ...errors].join("\n"));
  } finally {
    await tab.close();
  }
}

const renamed = (results, name) => Object.fromEntries(Object.entries(results).map(([key, one]) => [name(key), one]));

/** Serves a folder of the app while a page of it is visited. */
async function opened(folder, { from = "", headers = {}, until, found } = {}) {
  const server = await serve(inApp(folder), headers);
  try {
    return await visited(`${server.address}${from}`, until, found);
  } finally {
    await server.close();
  }
}

/** All runs of use.js come to the same bits; the first one, in Node, is what the others are held to. */
function compareRuns(runs) {
  for (const [where, result] of Object.entries(runs)) {
    assert.equal(result.error, undefined, `${where}: ${result.error}`);
    expected ??= result;
    assert.deepEqual(result, expected, where);
  }
}

let passed = 0;

/** Whether a check passes. */
async function passes({ name, body }) {
  const began = performance.now();
  try {
    const runs = await body();
    if (runs) compareRuns(runs);
    passed++;
    console.log(`ok  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    console.error(`NO  ${name}\n${error.stdout ?? ""}${error.stderr ?? ""}${error.message}\n`);
    return false;
  }
}

try {
  const waiting = [...checks];
  while (waiting[0]?.needed) if (!(await passes(waiting.shift()))) waiting.length = 0;
  const lane = async () => {
    while (waiting.length > 0) await passes(waiting.shift());
  };
  await Promise.all([lane(), lane()]);
} finally {
  for (const one of started.values()) await (await one).close();
  rmSync(app, { recursive: true, force: true });
}
const failed = checks.length - passed;
if (process.env.TEST_REPORT) {
  writeFileSync(process.env.TEST_REPORT, JSON.stringify({ numPassedTests: passed, numFailedTests: failed }));
}
console.log(
  `${readdirSync(path.join(root, "dist")).length} files in dist/; ${passed} of ${checks.length} checks passed`,
);
process.exit(failed === 0 ? 0 : 1);
