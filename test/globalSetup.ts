// Kernels and worker are generated before any test imports them.

import { execFileSync } from "node:child_process";

export default function setup(): void {
  execFileSync("npm", ["run", "--silent", "build:kernels"], { stdio: ["ignore", "ignore", "inherit"] });
}
