// Every process gives its memory back when it is stopped; two hundred times of it are in test/slow/abortedRuns.test.ts.

import { describe, it } from "vitest";
import { processes, staysFlat } from "./abortedRuns";

describe.each(["simd", "js"] as const)("aborted runs keep the memory of the %s build flat", (backend) => {
  it.each(processes)("%s", (_, process) => staysFlat(process, backend, 30));
});
