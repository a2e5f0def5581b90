// The repository's own order: who imports whom, one version, a lock that any machine can install from, nothing of the
// machine it was written on.

import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { version } from "../../src/version";

// without git, as a machine that runs the tests may have none
const ignored = new Set([
  ".git",
  ...readFileSync(".gitignore", "utf8")
    .split("\n")
    .filter(Boolean)
    .map((one) => one.replace(/\/$/, "")),
]);

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(folder, entry.name);
    if (ignored.has(entry.name) || ignored.has(file) || /\.(tgz|tsbuildinfo)$/.test(file)) return [];
    return entry.isDirectory() ? filesIn(file) : [file];
  });
}

const files = filesIn(".");
const read = (file: string): string => readFileSync(file, "utf8");
const json = (file: string) => JSON.parse(read(file));

const sources = files.filter((file) => /^(src|assembly)\/.*\.ts$/.test(file));
const imports = new Map(sources.map((file) => [file, targets(file, /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"\n]+)"/g)]));

/** Files whose place a pattern finds in a file. */
function targets(file: string, pattern: RegExp): string[] {
  return Array.from(read(file).matchAll(pattern), ([, target]) => path.posix.join(path.dirname(file), target!))
    .filter((target) => !target.startsWith("src/generated/"))
    .map((target) => {
      const found = [`${target}.ts`, `${target}/index.ts`].find((one) => sources.includes(one));
      if (!found) throw new Error(`${file} imports ${target}, which is not there`);
      return found;
    });
}

// Rooms from the ground up. A file of io/ stands as high as what it reads and writes.
const rooms = [
  "assembly",
  "engine",
  "random",
  "model",
  "measure",
  "process",
  "kernel",
  "landscape",
  "study",
  "plot",
  "cli",
];
const roots = ["src/index.ts", "src/version.ts"];

function level(file: string): number {
  const room = file.startsWith("assembly/") ? "assembly" : file.split("/")[1]!;
  if (room === "io") return Math.max(...imports.get(file)!.map(level), 0);
  return rooms.indexOf(room);
}

describe("imports", () => {
  it("every source stands in a room", () => {
    const homeless = sources.filter((file) => level(file) < 0 && !roots.includes(file));
    expect(homeless).toEqual([]);
  });

  it("point down the rooms", () => {
    const upward: string[] = [];
    for (const [file, found] of imports) {
      if (file === "src/index.ts") continue;
      for (const target of found) {
        if (target === "src/version.ts") continue;
        if (target === "src/index.ts" || level(target) > level(file)) upward.push(`${file} imports ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it("go round in no circle", () => {
    const done = new Set<string>();
    const circle = (file: string, trail: string[]): string[] | null => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
      if (done.has(file)) return null;
      for (const target of imports.get(file)!) {
        const found = circle(target, [...trail, file]);
        if (found) return found;
      }
      done.add(file);
      return null;
    };
    for (const file of sources) expect(circle(file, [])).toBeNull();
  });

  it("a page loads only the processes that it runs: the registry alone imports them, and when they are needed", () => {
    const registered = targets("src/process/registry.ts", /import\("(\.[^"]+)"\)/g);
    expect(registered).toContain("src/process/sgd.ts");
    const atOnce = (file: string) => targets(file, /^(?:import|export) (?!type )[^;"]*from "(\.[^"]+)"/gm);
    const importers = sources.filter((file) => atOnce(file).some((target) => registered.includes(target)));
    expect(importers).toEqual([]);
  });
});

describe("package", () => {
  const manifest = json("package.json");
  const lock = json("package-lock.json");

  it("has one version", () => {
    expect(version).toBe(manifest.version);
    expect(lock.version).toBe(manifest.version);
    expect(lock.packages[""].version).toBe(manifest.version);
    expect(read("CITATION.cff")).toMatch(new RegExp(`^version: ${version.replaceAll(".", "\\.")}$`, "m"));
    expect(read("CHANGELOG.md")).toMatch(new RegExp(`^## \\[(Unreleased|${version.replaceAll(".", "\\.")})\\]`, "m"));
  });

  it("has no dependencies, so that a page imports it without a bundler, and the tools it is built with are pinned", () => {
    expect(manifest.dependencies ?? {}).toEqual({});
    for (const [name, range] of Object.entries(manifest.devDependencies)) {
      expect(range, name).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it("the lock names no registry", () => {
    expect(read(".npmrc")).toMatch(/^omit-lockfile-registry-resolved=true$/m);
    expect(read("package-lock.json")).not.toMatch(/"resolved"/);
  });

  it("the lock has the packages of every platform, or npm ci refuses it (scripts/lock.mjs adds them)", () => {
    const missing = Object.entries(lock.packages as Record<string, { optionalDependencies?: object }>).flatMap(
      ([place, { optionalDependencies = {} }]) =>
        Object.keys(optionalDependencies).filter(
          (name) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${place}/node_modules/${name}`],
        ),
    );
    expect(missing).toEqual([]);
  });
});

describe("files", () => {
  const texts = files.filter((file) => !/\.(png|ico|woff2?)$/.test(file));

  it("name no place of the machine they were written on", () => {
    const places = [path.resolve("."), homedir()].filter((place) => place !== "/");
    const naming = texts.filter((file) => {
      const text = read(file);
      return places.some((place) => text.includes(`${place}/`)) || /(^|[\s"'`(=])\/(home|Users|root)\/\w/m.test(text);
    });
    expect(naming).toEqual([]);
  });

  it("name no host of a registry", () => {
    const naming = texts.filter((file) =>
      /https?:\/\/[\w.-]*(registry|npmjs|artifactory|nexus)[\w.-]*/.test(read(file)),
    );
    expect(naming).toEqual([]);
  });
});
