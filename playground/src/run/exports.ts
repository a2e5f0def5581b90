// What the worker writes: the run as a trajectory or a table, and the network's neurons.
//
// A run without changes is a trajectory of the library, risk, limitRisk and sharpness where they are known. One with changes is
//   { version: 1, kind: "legs", changes, legs: [{ from, trajectory }, …] }
// with a trajectory a leg: its process starts at the particles that the leg before had reached, and its times count from `from`.

import {
  type DataTable,
  measureToNpz,
  type Observed,
  SpecError,
  solve,
  type Trajectory,
  tableToCsv,
  trajectoryToJson,
  trajectoryToNpz,
} from "meanfield";
import { riskOf } from "../experiment";
import type { Leg } from "./course";
import type { Request, Sample } from "./protocol";
import type { Recorded } from "./session";

/** A file. */
export interface Exported {
  file: string;
  mediaType: string;
  bytes: Uint8Array;
}

/** The file that was asked for. */
export async function exported(
  what: Extract<Request, { type: "export" }>["what"],
  recorded: Recorded,
): Promise<Exported> {
  const { network, sampler } = recorded;
  const text = (content: string) => new TextEncoder().encode(content);
  switch (what) {
    case "trajectoryJson": {
      const legs = await trajectories(recorded);
      const json =
        legs.length === 1
          ? trajectoryToJson(legs[0]!.trajectory)
          : {
              version: 1,
              kind: "legs",
              changes: network.changes,
              legs: legs.map(({ from, trajectory }) => ({ from, trajectory: trajectoryToJson(trajectory) })),
            };
      return { file: "trajectory.json", mediaType: "application/json", bytes: text(JSON.stringify(json)) };
    }
    case "trajectoryCsv":
      return {
        file: "trajectory.csv",
        mediaType: "text/csv",
        bytes: text(await tableToCsv(tableOf(network.legs, sampler.samples))),
      };
    case "trajectoryNpz": {
      const legs = await trajectories(recorded);
      if (legs.length > 1) {
        throw new SpecError(
          "changes",
          network.changes.length,
          "a run without changes for one npz",
          "JSON and CSV take a run with changes.",
        );
      }
      return {
        file: "trajectory.npz",
        mediaType: "application/octet-stream",
        bytes: await trajectoryToNpz(legs[0]!.trajectory),
      };
    }
    case "measureNpz":
      return {
        file: "neurons.npz",
        mediaType: "application/octet-stream",
        bytes: await measureToNpz(network.measure()),
      };
  }
}

// The records of a leg: from its beginning to that of the next, where both have the same state.
function samplesOf(legs: readonly Leg[], k: number, samples: readonly Sample[]): Sample[] {
  const from = legs[k]!.from;
  const to = legs[k + 1]?.from ?? Number.POSITIVE_INFINITY;
  return samples.filter(({ time }) => time >= from && time < to);
}

async function trajectories({ network, sampler }: Recorded): Promise<{ from: number; trajectory: Trajectory }[]> {
  const { legs } = network;
  return await Promise.all(
    legs.map(async ({ from, process }, k) => {
      const own = samplesOf(legs, k, sampler.samples);
      // what the library says of where a run comes from
      const { provenance } = await solve(process, { times: [0], observe: {} });
      const risk = riskOf(process);
      const observables: Record<string, Observed> = {
        risk: { observable: risk, ...column(own.map((one) => one.risk)), method: methodOf(risk.method) },
      };
      for (const name of ["limitRisk", "sharpness"] as const) {
        const values = own.map((one) => one[name]);
        if (values.some((x) => !Number.isNaN(x))) observables[name] = column(values);
      }
      const trajectory: Trajectory = {
        process,
        times: Float64Array.from(own, ({ time }) => time - from),
        observables,
        measures: null,
        status: "done",
        warnings: k === legs.length - 1 ? [...network.warnings] : [],
        provenance,
      };
      return { from, trajectory };
    }),
  );
}

function column(values: number[]): { shape: number[]; values: Float64Array } {
  return { shape: [values.length], values: Float64Array.from(values) };
}

function methodOf(asked: string): string {
  return asked === "sample" ? "sample" : "exact or series";
}

/** A row a record. */
function tableOf(legs: readonly Leg[], samples: readonly Sample[]): DataTable {
  const number = (name: string) => ({ name, type: "number" as const });
  const columns = ["time", "N", "epsilon", "B", "tau", "risk", "limitRisk", "sharpness", "edge"].map(number);
  const rows = legs.flatMap(({ process }, k) => {
    const {
      neurons = null,
      stepSize = null,
      batchSize = null,
      temperature = null,
    } = process as Partial<Record<"neurons" | "stepSize" | "batchSize" | "temperature", number>>;
    const known = (x: number) => (Number.isNaN(x) ? null : x);
    return samplesOf(legs, k, samples).map((one) => [
      one.time,
      neurons,
      stepSize,
      batchSize,
      temperature,
      known(one.risk),
      known(one.limitRisk),
      known(one.sharpness),
      known(one.edge),
    ]);
  });
  return { columns, rows, notes: {} };
}
