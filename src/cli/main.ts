#!/usr/bin/env node
// Entry of the command line in Node.

import { cli } from "./cli";
import { EXIT, Stop } from "./terminal";

const stopper = new AbortController();
const stop = (exitCode: number) => {
  // the second one does not wait for anything
  if (stopper.signal.aborted) process.exit(exitCode);
  stopper.abort(new Stop(exitCode));
};
process.on("SIGINT", () => stop(EXIT.interrupted));
// what a cluster's queue sends before it kills
process.on("SIGTERM", () => stop(EXIT.terminated));
// `meanfield … | head` ends quietly
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await cli(process.argv.slice(2), {
  out: (content) => void process.stdout.write(content),
  err: (text) => void process.stderr.write(text),
  rewrites: process.stderr.isTTY === true,
  piped: process.stdin.isTTY !== true,
  signal: stopper.signal,
  async input() {
    const parts: Buffer[] = [];
    for await (const part of process.stdin) parts.push(part as Buffer);
    return new Uint8Array(Buffer.concat(parts));
  },
});
