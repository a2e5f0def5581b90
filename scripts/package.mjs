// Tests the package as it would be published: packs dist/, looks at what is in it, installs it in an empty folder, and runs
// test/package/use.js there in Node (ESM, CJS, thread), and in Chromium as esbuild, Vite and webpack bundle it with nothing
// configured but entry and output. All must come to the same bits.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
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
import { createServer } from "node:http";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transformSync } from "esbuild";
import { chromium } from "playwright";
import * as vite from "vite";
import webpack from "webpack";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const app = mkdtempSync(path.join(tmpdir(), "meanfield-package-"));
const inApp = (...parts) => path.join(app, ...parts);
const run = (file, args, cwd = app) =>
  execFileSync(file, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", 2] });
const node = (...args) => run(process.execPath, args);
const binary = (name, file) => path.join(root, "node_modules", name, file);

const checks = [];
let tarball = "";
let expected = null;
/** Adds a check; its function gives the results of one or more runs of use.js, or nothing. */
const check = (name, body, options = {}) => checks.push({ name, body, ...options });

check(
  "pack: what is in it, and nothing else",
  () => {
    const [{ filename, files, size, unpackedSize }] = JSON.parse(
      run("npm", ["pack", "--silent", "--json", "--pack-destination", app], root),
    );
    const foreign = [root, homedir(), tmpdir()].filter((place) => place.length > 1);
    for (const { path: file } of files) {
      const known = /^(dist\/[\w-]+\.(js|cjs|d\.ts|d\.cts|txt)|(package\.json|[A-Z]+(\.md|\.cff)?))$/.test(file);
      assert.ok(known, `${file} is not meant to be published`);
      const text = readFileSync(path.join(root, file), "utf8");
      for (const place of foreign) assert.ok(!text.includes(place), `${file} names ${place}`);
      assert.ok(!/sourceMappingURL=/.test(text), `${file} names a source map`);
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

check("publint", () => void run(process.execPath, [binary("publint", "src/cli.js"), "run", tarball, "--strict"]));
// the worker is an address, imported by nobody
check("attw", () => {
  const attw = binary("@arethetypeswrong/cli", "dist/index.js");
  run(process.execPath, [attw, tarball, "--exclude-entrypoints", "worker", "--no-color"]);
});

check(
  "install",
  () => {
    writeFileSync(inApp("package.json"), JSON.stringify({ private: true, type: "module" }));
    run("npm", ["install", "--silent", "--prefer-offline", "--no-audit", "--no-fund", tarball]);
    cpSync(path.join(root, "test/package"), app, { recursive: true });
    const text = readFileSync(inApp("use.js"), "utf8");
    const cjs = transformSync(text, { format: "cjs" }).code;
    const main = `use().then(async (here) => console.log(JSON.stringify({ here, file: await use({ worker: require.resolve("meanfield/worker") }) })));`;
    writeFileSync(inApp("node.cjs"), `${cjs}\n${main}\n`);
  },
  { needed: true },
);

check("types", () => {
  const tsc = binary("typescript", "bin/tsc");
  copyFileSync(inApp("types.ts"), inApp("types.mts"));
  for (const module of ["node16", "nodenext", "preserve"]) {
    node(tsc, "--noEmit", "--strict", "--target", "es2022", "--module", module, "types.mts");
  }
});

check("Node: ESM, worker thread, worker as a file", () => JSON.parse(node("node.mjs")));
check("Node: CJS", () => JSON.parse(node("node.cjs")));
check("command line: a run and its pictures", () => {
  const cli = inApp("node_modules/.bin/meanfield");
  assert.equal(
    run(cli, ["--version"]).trim(),
    JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version,
  );
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
  assert.match(run(cli, ["run", "spec.json", "--out", "run"]), /0\.2/);
  for (const file of ["trajectory.json", "risk.svg", "density.svg"]) {
    assert.ok(readFileSync(inApp("run", file), "utf8").length > 1000, file);
  }
});

check("esbuild", async () => {
  // esbuild does not follow `new Worker(new URL(…))`, so the app's worker is an entry of its own, by the same name
  const options = { absWorkingDir: app, bundle: true, minify: true, format: "esm", logLevel: "warning" };
  await build({ ...options, entryPoints: ["page.js", "task.js"], outdir: "esbuild" });
  page("esbuild", '<script type="module" src="./page.js"></script>');
  return inChromium("esbuild");
});

check("Vite, built", async () => {
  page(".", '<script type="module" src="/page.js"></script>');
  await vite.build({ root: app, logLevel: "warn", configFile: false, build: { outDir: "vite" } });
  return inChromium("vite");
});

check("Vite, worker as a file", async () => {
  page("address", '<script type="module" src="/address.js"></script>');
  copyFileSync(inApp("address/index.html"), inApp("address.html"));
  const build = { outDir: "vite-address", rollupOptions: { input: inApp("address.html") } };
  await vite.build({ root: app, logLevel: "warn", configFile: false, build });
  copyFileSync(inApp("vite-address/address.html"), inApp("vite-address/index.html"));
  return inChromium("vite-address");
});

check("webpack, worker as a file", async () => {
  await pack("./address.js", "webpack-address");
  page("webpack-address", '<script src="./main.js"></script>');
  return inChromium("webpack-address");
});

check("Vite, developing", async () => {
  const server = await vite.createServer({ root: app, logLevel: "warn", configFile: false, server: { port: 0 } });
  await server.listen();
  try {
    return await visit(`http://localhost:${server.httpServer.address().port}/`);
  } finally {
    await server.close();
  }
});

check("webpack", async () => {
  await pack("./page.js", "webpack");
  page("webpack", '<script src="./main.js"></script>');
  return inChromium("webpack");
});

check("strict content-security policy", async () => {
  await build({ absWorkingDir: app, bundle: true, entryPoints: ["strict.js"], outdir: "strict", logLevel: "warning" });
  copyFileSync(inApp("node_modules/meanfield/dist/worker.js"), inApp("strict/worker.js"));
  page("strict", '<script src="./strict.js"></script>');
  const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";
  const { refused, ...results } = await inChromium("strict", { "content-security-policy": policy });
  assert.match(refused, /worker/, "an inline worker that is refused is told how to go on");
  assert.match(refused, /meanfield\/worker/);
  return results;
});

check("a page without a bundler", () =>
  serving(root, {}, async (address) => {
    const text = "document.querySelector('output').textContent";
    await visit(`${address}examples/page.html`, `parseFloat(${text}.slice(4)) >= 1`, text);
  }),
);

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

function page(folder, script) {
  mkdirSync(inApp(folder), { recursive: true });
  writeFileSync(
    inApp(folder, "index.html"),
    `<!doctype html><meta charset="utf-8"><title>meanfield</title>${script}\n`,
  );
}

/** Bundles an entry with webpack, which may warn of nothing but sizes. */
async function pack(entry, folder) {
  const stats = await new Promise((done, failed) => {
    const options = { context: app, mode: "production", entry, output: { path: inApp(folder) } };
    webpack(options, (error, result) => (error ? failed(error) : done(result)));
  });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  const messages = [...errors, ...warnings].map(({ message }) => message);
  assert.deepEqual(
    messages.filter((message) => !/size limit|code splitting/.test(message)),
    [],
  );
}

let browser = null;

/** Opens a page, waits until something holds there, and gives what is then found. */
async function visit(address, until = "globalThis.results !== undefined", found = "results") {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
  });
  const tab = await browser.newPage();
  const errors = [];
  tab.on("pageerror", (error) => errors.push(String(error)));
  try {
    await tab.goto(address);
    await tab.waitForFunction(until, null, { timeout: 60_000 });
    const result = await tab.evaluate(found);
    assert.deepEqual(errors, []);
    return result;
  } catch (error) {
    throw new Error([error.message, ...errors].join("\n"));
  } finally {
    await tab.close();
  }
}

/** Serves a folder while a page of it is visited. */
async function serving(folder, headers, body) {
  const types = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
  const server = createServer(({ url }, response) => {
    const { pathname } = new URL(url, "http://here");
    const file = path.join(folder, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    try {
      const text = readFileSync(file);
      response.writeHead(200, { "content-type": types[path.extname(file)] ?? "application/octet-stream", ...headers });
      response.end(text);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "localhost", done));
  try {
    return await body(`http://localhost:${server.address().port}/`);
  } finally {
    server.close();
  }
}

/** Opens the page of a folder of the app. */
function inChromium(folder, headers = {}) {
  return serving(inApp(folder), headers, (address) => visit(address));
}

/** All runs of use.js come to the same bits; the first one, in Node, is what the others are held to. */
function compareRuns(runs) {
  for (const [where, result] of Object.entries(runs)) {
    assert.equal(result.error, undefined, `${where}: ${result.error}`);
    expected ??= result;
    assert.deepEqual(result, expected, where);
  }
}

let failures = 0;
try {
  for (const { name, body, needed } of checks) {
    const began = performance.now();
    try {
      const runs = await body();
      if (runs) compareRuns(runs);
      console.log(`ok  ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failures++;
      console.error(`NO  ${name}\n${error.stdout ?? ""}${error.message}\n`);
      if (needed) break;
    }
  }
  assert.ok(expected === null || Object.values(expected).every((value) => typeof value === "string" || value > 0));
} finally {
  await browser?.close();
  rmSync(app, { recursive: true, force: true });
}
console.log(
  `${readdirSync(path.join(root, "dist")).length} files in dist/; ${checks.length - failures} of ${checks.length} checks passed`,
);
process.exit(failures === 0 ? 0 : 1);
