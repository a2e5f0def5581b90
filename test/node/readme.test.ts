// What the documents say is true: every ts or js block runs (the blocks of a page are one program, in their order) and prints
// what its comments with an arrow say; every json block is a run file or JSON; every sh block has commands that are
// there, and the cheap ones run; every link within the repository, and its anchor, leads somewhere. Blocks without a language are not
// code. The pages of the site that are made (docs/api) are followed by `npm run docs`.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtins } from "../../scripts/builtins.mjs";
import { cli } from "../../src/cli/cli";
import { parseRunSpec } from "../../src/io/spec";
import { figureNames } from "../../src/study/figures/registry";

interface Block {
  language: string;
  /** The file that a block is, as in ```js [run.js]: of a program in a browser, which test/e2e/embedding.test.ts runs. */
  title: string;
  text: string;
}

const documents = [
  ...readdirSync(".").filter((file) => file.endsWith(".md")),
  ...["docs", "docs/guide"].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".md"))
      .map((file) => `${folder}/${file}`),
  ),
];
const examples = readdirSync("examples")
  .filter((file) => file.endsWith(".js"))
  .map((file) => `examples/${file}`);
const folder = mkdtempSync(path.join(tmpdir(), "meanfield-readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

function blocksOf(file: string): Block[] {
  const found = readFileSync(file, "utf8").matchAll(/^```(\w*)(?: \[(.*)\])?\n([\s\S]*?)^```$/gm);
  return Array.from(found, ([, language, title, text]) => ({ language: language!, title: title ?? "", text: text! }));
}

/** Runs a program against the sources, in a process of its own; returns what it prints. */
async function printed(name: string, contents: string): Promise<string[]> {
  const outfile = path.join(folder, `${name.replaceAll(/\W/g, "-")}.mjs`);
  await build({
    stdin: { contents, resolveDir: ".", loader: "ts", sourcefile: name },
    alias: { meanfield: path.resolve("src/index.ts") },
    bundle: true,
    format: "esm",
    platform: "node",
    outfile,
    plugins: [builtins],
    logLevel: "silent",
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile], { cwd: folder, timeout: 100_000 });
  return stdout.trim().split("\n");
}

/** What a program says that it prints: the comments with an arrow. */
function promised(program: string): string[] {
  return Array.from(program.matchAll(/\/\/ → (.*)$/gm), ([, text]) => text!);
}

const programs = [
  ...documents.map((file) => {
    const blocks = blocksOf(file).filter(({ language, title }) => /^[tj]s$/.test(language) && title === "");
    return { file, program: blocks.map(({ text }) => text).join("\n") };
  }),
  ...examples.map((file) => ({ file, program: readFileSync(file, "utf8") })),
].filter(({ program }) => program !== "");

describe("programs run, and print what they say", () => {
  it.concurrent.each(programs)(
    "$file",
    async ({ file, program }) => {
      const lines = await printed(file, program);
      const expected = promised(program);
      expect(expected.length, "a program prints something, and says what").toBeGreaterThan(0);
      expect(lines).toEqual(expected);
    },
    120_000,
  );
});

describe("programs are well typed", () => {
  const written = programs.filter(({ file }) => file.endsWith(".md"));
  const placeOf = (file: string) => path.join(folder, `${file.replaceAll(/\W/g, "-")}.ts`);
  let compiled: ts.Program;
  // one compilation: most of its time goes into the library
  beforeAll(() => {
    // each page a module of its own
    for (const { file, program } of written) writeFileSync(placeOf(file), `${program}\nexport {};\n`);
    const config = JSON.parse(readFileSync("tsconfig.json", "utf8"));
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, path.resolve("."));
    options.paths = { meanfield: [path.resolve("src/index.ts")] };
    const places = written.map(({ file }) => placeOf(file));
    compiled = ts.createProgram(places, { ...options, noUnusedLocals: false });
  }, 60_000);
  it.each(written)("$file", ({ file }) => {
    const source = compiled.getSourceFile(placeOf(file))!;
    const found = [...compiled.getSyntacticDiagnostics(source), ...compiled.getSemanticDiagnostics(source)];
    expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
  });
});

describe("json blocks are run files", () => {
  const blocks = documents.flatMap((file) => blocksOf(file).map((block) => ({ file, ...block })));
  it.each(blocks.filter(({ language }) => language === "json"))("$file", ({ text }) => {
    const json = JSON.parse(text);
    if ("process" in json) parseRunSpec(json);
  });
});

describe("commands are there", () => {
  const scripts = Object.keys(JSON.parse(readFileSync("package.json", "utf8")).scripts);
  const known = [
    /^npm (ci|cit|install meanfield|test|start( -- --\w+)?)$/,
    ...scripts.map((name) => new RegExp(`^npm run ${name}$`)),
  ];
  const lines = documents.flatMap((file) =>
    blocksOf(file)
      .filter(({ language }) => language === "sh")
      .flatMap(({ text }) => text.trim().split(/\n| && /))
      .map((line) => ({ file, line })),
  );
  it.each(lines)("$file: $line", async ({ file, line }) => {
    if (!line.startsWith("npx meanfield ")) {
      expect(
        known.some((pattern) => pattern.test(line)),
        line,
      ).toBe(true);
      return;
    }
    // a figure takes up to minutes: the gallery runs it
    const [, figure] = /^npx meanfield figure (\w[\w-]*)( --out \S+)?$/.exec(line) ?? [];
    if (figure) return expect(figureNames).toContain(figure);
    const place = placeOf(file);
    let piped: Uint8Array | undefined;
    for (const part of line.split(" | ")) {
      const [, words, input, output] = /^npx meanfield (.*?)(?: < (\S+))?(?: > (\S+))?$/.exec(part)!;
      const given = input === undefined ? piped : new Uint8Array(readFileSync(place(input)));
      const { code, out } = await run(argumentsOf(words!, place), given);
      expect(code, part).toBe(0);
      const [, made] = /^convert \S+ (\w\S*)$/.exec(words!) ?? [];
      if (made) expect(existsSync(place(made)), part).toBe(true);
      else expect(out.length, part).toBeGreaterThan(0);
      if (output !== undefined) writeFileSync(place(output), out);
      piped = out;
    }
  });

  // a page has a folder of its own, with the files that it shows: those with a name, and the run file
  function placeOf(file: string): (name: string) => string {
    const own = path.join(folder, "pages", file.replaceAll(/\W/g, "-"));
    if (!existsSync(own)) {
      mkdirSync(own, { recursive: true });
      for (const { language, title, text } of blocksOf(file)) {
        if (language === "csv") writeFileSync(path.join(own, title), text);
        if (language === "json") writeFileSync(path.join(own, title || "spec.json"), text);
      }
    }
    return (name) => path.join(own, name);
  }

  // files and folders of the page: by their endings, and after --out; the default folder likewise
  function argumentsOf(words: string, place: (name: string) => string): string[] {
    const list = words.split(" ");
    const args = list.map((word, i) => {
      const isFile = /\.(json|csv|npz|parquet)$/.test(word) || (list[i - 1] === "--out" && word !== "-");
      return isFile ? place(word) : word;
    });
    const writes = ["run", "sweep"].includes(list[0]!) && !list.includes("--out");
    return writes ? [...args, "--out", place("out")] : args;
  }

  async function run(args: string[], input: Uint8Array | undefined): Promise<{ code: number; out: Uint8Array }> {
    const parts: Buffer[] = [];
    const code = await cli(args, {
      out: (content) => void parts.push(Buffer.from(content as string)),
      err: () => {},
      rewrites: false,
      piped: input !== undefined,
      signal: new AbortController().signal,
      input: async () => input ?? "",
    });
    return { code, out: new Uint8Array(Buffer.concat(parts)) };
  }
});

it("the README lists what there is: every name in its list is exported", async () => {
  const [, list] = /^## What there is\n([\s\S]*?)^## /m.exec(readFileSync("README.md", "utf8"))!;
  const names = Array.from(list!.matchAll(/`(\w+)`/g), ([, name]) => name!);
  expect(names.length).toBeGreaterThan(30);
  const exported = Object.keys(await import("../../src/index"));
  expect(names.filter((name) => !exported.includes(name))).toEqual([]);
});

describe("files that are named are there", () => {
  it.each(documents)("%s", (file) => {
    const found = readFileSync(file, "utf8").matchAll(
      /`((?:src|assembly|test|scripts|bench|docs|examples)\/[\w./-]*\w)`/g,
    );
    const missing = Array.from(found, ([, name]) => name!).filter(
      (name) => !/\bname\./.test(name) && !existsSync(name),
    );
    expect(missing).toEqual([]);
  });
});

/** The id that a heading has on the site: VitePress's rule. */
function slug(heading: string): string {
  return heading
    .replaceAll(/`|\[([^\]]*)\]\([^)]*\)/g, "$1")
    .normalize("NFKD")
    .replaceAll(/[\u0300-\u036f]/g, "")
    .replaceAll(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .replace(/^(\d)/, "_$1")
    .toLowerCase();
}

function anchorsOf(file: string): string[] {
  const prose = readFileSync(file, "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");
  return Array.from(prose.matchAll(/^#{1,6} (.*)$/gm), ([, heading]) => slug(heading!));
}

describe("links lead somewhere", () => {
  // other scripts build these into the site; `npm run docs` follows the links to the reference
  const elsewhere = /^https?:|^\/(playground|api)\/|\/api\//;
  it.each(documents)("%s", (file) => {
    const found = readFileSync(file, "utf8").matchAll(/\]\(([^)\s]+)\)/g);
    const broken = Array.from(found, ([, target]) => target!)
      .filter((target) => !elsewhere.test(target))
      .filter((target) => {
        const [address, anchor] = target.split("#");
        const place = address === "" ? file : path.join(path.dirname(file), address!);
        return !existsSync(place) || (anchor !== undefined && !anchorsOf(place).includes(anchor));
      });
    expect(broken).toEqual([]);
  });
});
