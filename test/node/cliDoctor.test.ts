// `meanfield doctor`, whose answers are known here as everywhere, and the scripts of `meanfield completion`.

import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { options } from "../../src/cli/commands";
import { answerChecks } from "../../src/cli/doctor";
import { type BuildReport, KNOWN } from "../../src/cli/selfTest";
import { version } from "../../src/version";
import { command, testFolder } from "./commandLine";

describe("meanfield doctor", () => {
  it("finds the bits of the reference, says what runs and what is chosen, and returns 0 or what is wrong", async () => {
    const { code, out } = await command(["doctor", "--json"]);
    const report = JSON.parse(out);
    expect(report).toMatchObject({ version, node: process.version, chosen: "simd" });
    const wrong = report.checks.filter(({ ok }: { ok: boolean | null }) => ok === false);
    expect(wrong).toEqual([]);
    expect([code, report.ok]).toEqual([0, true]);
    const builds = report.builds as BuildReport[];
    expect(builds.map(({ backend }) => backend)).toEqual(["simd", "relaxed", "js"]);
    for (const { runs, philox, normals, sgd, backend } of builds.filter((build) => build.runs)) {
      expect({ runs, philox, normals }).toEqual({ runs: true, philox: KNOWN.philox, normals: KNOWN.normals });
      if (backend !== "relaxed") expect(sgd).toBe(KNOWN.sgd[backend]);
    }
    const named = (name: string) => report.checks.find((check: { name: string }) => check.name === name);
    expect(named("cores").found).toContain(`${availableParallelism()} of`);
    expect(named("worker threads")).toMatchObject({ ok: true, found: expect.stringContaining("the same bits") });
    expect(named("relaxed").found).toMatch(/only by --backend relaxed/);
    expect(named("speed").found).toMatch(/simd makes [\d.]+ times as many steps as js/);

    // a machine on which the bits of js are others, and simd draws other numbers
    const broken = builds.map((build) => ({
      ...build,
      ...(build.backend === "js" && { sgd: "0000" }),
      ...(build.backend === "simd" && { normals: "0000", difference: 0.1 }),
    }));
    const bad = answerChecks(broken, KNOWN).filter(({ ok }) => ok === false);
    expect(bad.map(({ name, found }) => [name, found])).toEqual([
      ["random streams", "not those of the reference by simd"],
      ["SGD, 100 steps", "not those of the reference by js"],
      ["builds agree", "not those of the reference by simd"],
    ]);
    for (const { remedy } of bad) expect(remedy).toMatch(/Install the package again/);
  });

  it("takes no words", async () => {
    expect(await command(["doctor", "who"])).toMatchObject({ code: 2, out: "" });
  });
});

describe("meanfield completion", () => {
  it.each(["bash", "zsh", "fish"])("%s knows all commands and their options", async (shell) => {
    const { code, out } = await command(["completion", shell]);
    expect(code).toBe(0);
    for (const [name, kinds] of Object.entries(options)) {
      expect(out).toContain(name);
      for (const option of Object.keys(kinds)) expect(out).toMatch(new RegExp(`(--|-l )${option}\\b`));
    }
    for (const word of ["radial-density", "sgd-vs-radial", "relaxed"]) expect(out).toContain(word);
  });

  it("of another shell is a wrong command line", async () => {
    expect(await command(["completion", "tcsh"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("bash, zsh, fish"),
    });
  });

  it("completes in bash", async () => {
    const { place, put, remove } = testFolder();
    put("completion.sh", (await command(["completion", "bash"])).out);
    const complete = (...words: string[]) =>
      execFileSync(
        "bash",
        [
          "--norc",
          "-c",
          `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _meanfield; printf "%s\\n" "\${COMPREPLY[@]}"`,
          "-",
          place("completion.sh"),
          "meanfield",
          ...words,
        ],
        { encoding: "utf8" },
      ).split("\n");
    expect(complete("fi")).toContain("figure");
    expect(complete("run", "--ba")).toContain("--backend");
    expect(complete("run", "--backend", "s")).toEqual(["simd", ""]);
    expect(complete("figure", "radial")).toContain("radial-density");
    remove();
  });
});
