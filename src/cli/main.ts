#!/usr/bin/env node
// Entry of the command line in Node.

import { cli } from "./cli";
import { EXIT } from "./terminal";

const stopper = new AbortController();
process.on("SIGINT", () => {
  // the second one does not wait for anything
  if (stopper.signal.aborted) process.exit(EXIT.interrupted);
  stopper.abort(new Error("Interrupted."));
});
// `meanfield … | head` ends quietly
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

process.exitCode = await cli(process.argv.slice(2), {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  rewrites: process.stderr.isTTY === true,
  signal: stopper.signal,
  async input() {
    let text = "";
    process.stdin.setEncoding("utf8");
    for await (const part of process.stdin) text += part;
    return text;
  },
});
