// Two hundred aborted runs of every process leave the kernels' memory as it was.

import { describe, it } from "vitest";
import { processes, staysFlat } from "../study/abortedRuns";

describe.each(["simd", "js"] as const)("two hundred aborted runs keep the memory of the %s build flat", (backend) => {
  it.each(processes)("%s", (_, process) => staysFlat(process, backend, 200));
});
