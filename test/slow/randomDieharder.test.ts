// Named dieharder tests (Debian's package) on the streams as the library reads them: along an index, step by step, across
// replicas, and normals taken back to words by their distribution function. Fixed seeds; only FAILED (p < 1e-6) fails.

import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Engine, loadEngine } from "../../src/engine/engine";
import { normalCdf } from "../../src/engine/math";

/** Fills a chunk of words; `k` counts the chunks. */
type Feed = (chunk: Uint32Array, k: number) => void;

const CHUNK = 1 << 16;

async function dieharder(test: number, feed: Feed): Promise<string> {
  const child = spawn("dieharder", ["-g", "200", "-d", String(test), "-S", "1"]);
  let output = "";
  let closed = false;
  child.stdout.on("data", (text: Buffer) => {
    output += text.toString();
  });
  // the test stops reading when it has enough
  child.stdin.on("error", () => {
    closed = true;
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on("error", (error) => {
      reject(new Error(`dieharder cannot be run; on Debian: apt-get install dieharder (${error.message})`));
    });
    child.on("close", () => {
      closed = true;
      resolve();
    });
  });
  ended.catch(() => {
    closed = true;
  });
  for (let k = 0; !closed; k++) {
    const chunk = new Uint32Array(CHUNK);
    feed(chunk, k);
    const ready = child.stdin.write(new Uint8Array(chunk.buffer));
    const drained = ready ? new Promise(setImmediate) : new Promise((resolve) => child.stdin.once("drain", resolve));
    await Promise.race([drained, ended]);
  }
  await ended;
  return output;
}

const ways = loadEngine({ backend: "simd" }).then(feeds);

function feeds(engine: Engine): Record<string, Feed> {
  const { kernels } = engine;
  const room = engine.memory();
  const at = room.allocate(CHUNK * 8);
  const words = (n: number) => room.u32(at, n);
  return {
    "along the index": (chunk, k) => {
      kernels.words(at, CHUNK, 1, 0, 0, 0, 0, 0, k * CHUNK);
      chunk.set(words(CHUNK));
    },
    "forty words a step": (chunk, k) => {
      const steps = Math.floor(CHUNK / 40);
      for (let j = 0; j <= steps; j++) {
        const n = Math.min(40, CHUNK - 40 * j);
        kernels.words(at + 160 * j, n, 2, 0, 4, 0, k * (steps + 1) + j, 0, 0);
      }
      chunk.set(words(CHUNK));
    },
    "four words a replica": (chunk, k) => {
      for (let j = 0; j < CHUNK / 4; j++) kernels.words(at + 16 * j, 4, 3, 0, 1, (k * CHUNK) / 4 + j, 0, 0, 0);
      chunk.set(words(CHUNK));
    },
    "normals, taken back to words": (chunk, k) => {
      kernels.normals_f64(at, CHUNK, 4, 0, 0, 0, k, 0, 0);
      const x = room.f64(at, CHUNK);
      for (let i = 0; i < CHUNK; i++) chunk[i] = Math.floor(normalCdf(x[i]!) * 2 ** 32);
    },
  };
}

const names: Record<number, string> = {
  0: "birthdays",
  1: "OPERM5",
  2: "32x32 binary rank",
  4: "bitstream",
  8: "count the 1s, stream",
  9: "count the 1s, byte",
  12: "3d sphere",
  13: "squeeze",
  15: "runs",
  16: "craps",
  102: "STS serial",
  205: "byte distribution",
  206: "DCT",
  207: "fill tree",
};

describe.each([
  ["along the index", [0, 1, 2, 4, 8, 9, 12, 13, 15, 16, 102, 205, 206, 207]],
  ["forty words a step", [0, 4, 9, 13, 102, 206]],
  ["four words a replica", [0, 4, 9, 12, 206]],
  ["normals, taken back to words", [0, 8, 12, 15, 206]],
] as const)("words %s", (way, tests) => {
  it.each(tests.map((test) => [names[test]!, test] as const))("do not fail dieharder's %s", async (_, test) => {
    const output = await dieharder(test, (await ways)[way]!);
    const verdicts = output.match(/PASSED|WEAK|FAILED/g) ?? [];
    expect(verdicts.length, `dieharder gave no verdict:\n${output}`).toBeGreaterThan(0);
    expect(verdicts, output).not.toContain("FAILED");
  });
});
