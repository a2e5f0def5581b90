// The command line in this process, with streams that are kept: what the tests of `cli` share.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { cli } from "../../src/cli/cli";

/** What a command line did. */
export interface Outcome {
  code: number;
  /** Standard output, as text. */
  out: string;
  /** Standard output, as it was written. */
  bytes: Uint8Array;
  err: string;
}

/** Runs a command line; `input` is piped in, `stop` interrupts it. */
export async function command(
  args: readonly string[],
  { input, stop }: { input?: string | Uint8Array; stop?: AbortController } = {},
): Promise<Outcome> {
  const parts: Buffer[] = [];
  let err = "";
  const code = await cli(args, {
    out: (content) => void parts.push(Buffer.from(content as string)),
    err: (text) => void (err += text),
    rewrites: false,
    piped: input !== undefined,
    input: async () => input ?? "",
    signal: (stop ?? new AbortController()).signal,
  });
  const bytes = new Uint8Array(Buffer.concat(parts));
  return { code, out: Buffer.from(bytes).toString("utf8"), bytes, err };
}

/** A folder of a test file's own. */
export function testFolder(): {
  place: (...parts: string[]) => string;
  put: (name: string, content: string | Uint8Array | object) => string;
  remove: () => void;
} {
  const folder = mkdtempSync(path.join(tmpdir(), "meanfield-cli-"));
  const place = (...parts: string[]) => path.join(folder, ...parts);
  return {
    place,
    put(name, content) {
      const plain = typeof content === "string" || content instanceof Uint8Array;
      writeFileSync(place(name), plain ? content : JSON.stringify(content));
      return place(name);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A problem that takes milliseconds. */
export const problem = {
  law: { kind: "anisotropicGaussians", dimension: 8, delta: 0.5 },
  unit: { kind: "ridge", activation: { kind: "relu" } },
  start: { kind: "gaussian", radius: 1 },
};

/** A run of it. */
export const spec = {
  version: 1,
  process: { kind: "sgd", problem, neurons: 10, stepSize: 0.01, seed: 1 },
  times: [0, 0.1, 0.2],
  observe: {
    risk: { kind: "risk" },
    law: { kind: "histogram", coordinate: "r1", edges: [0, 0.5, 1, 1.5, 2] },
  },
};
