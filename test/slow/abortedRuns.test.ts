// A thousand aborted runs of every process leave the kernels' memory as it was.

import { describe, it } from "vitest";
import { processes, staysFlat } from "../study/abortedRuns";

describe.each(["simd", "js"] as const)("a thousand aborted runs keep the memory of the %s build flat", (backend) => {
  it.each(processes)("%s", (_, process) => staysFlat(process, backend, 1000));
});
