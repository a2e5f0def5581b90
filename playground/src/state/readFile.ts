// What a file is, told by its contents, and what the page makes of it.

import { datasetFromFile, type Process, readDataFile } from "meanfield";
import type { Dropped } from "../experiment";
import { networkNames } from "../ui/words";

/** What to run, if there is something to run in it, and what to say. */
export interface Understood {
  dropped: Dropped | null;
  message: string;
}

/**
 * Reads a file: examples become a problem, a run file a run, a recorded run the run that it is a record of.
 *
 * @throws {SpecError} whose path names the place in the file
 */
export async function understand(name: string, bytes: Uint8Array): Promise<Understood> {
  const file = await readDataFile(name, bytes);
  switch (file.kind) {
    case "spec": {
      const { process } = file.spec;
      return {
        dropped: { kind: "run", name, run: file.spec },
        message: `${name} is a run file: ${inWords(process)}. It is open at t = 0.`,
      };
    }
    case "trajectory": {
      const { process, times, status } = file.trajectory;
      const end = times[times.length - 1] ?? 0;
      const from = `${name} is a recorded run: ${inWords(process)}, ${times.length} times up to t = ${end}${status === "done" ? "" : ", broken off"}.`;
      return {
        dropped: { kind: "run", name, run: { process, times } },
        message: `${from} What it is a record of is open at t = 0, and comes to the same bits.`,
      };
    }
    case "ensemble": {
      const { process } = file.ensemble;
      return {
        dropped: { kind: "run", name, run: { process, times: file.ensemble.times } },
        message: `${name} is a recorded ensemble: ${inWords(process)}. One run of it is open at t = 0.`,
      };
    }
    case "measure":
      return {
        dropped: null,
        message: `${name} holds a law of parameters (${file.measure.kind}), which has no problem to run on. Drop a run file or a dataset.`,
      };
    case "table":
    case "arrays": {
      const law = await datasetFromFile(file);
      const [rows = 0, inputs = 0] = law.x.shape;
      const outputs = law.y.shape[1] ?? 1;
      return {
        dropped: { kind: "dataset", name, law, rows },
        message: `${name} has ${rows} ${rows === 1 ? "example" : "examples"} of ${inputs} ${inputs === 1 ? "input" : "inputs"}${outputs > 1 ? ` and ${outputs} labels` : ""}. It stays in this page.`,
      };
    }
  }
}

function inWords(process: Process): string {
  const name = (networkNames as Partial<Record<string, string>>)[process.kind] ?? process.kind;
  return "neurons" in process ? `${name} of ${process.neurons} neurons` : name;
}
