// Ensembles that were interrupted go on from the folder they were kept in, to the same bits as unbroken ones.

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  anisotropicGaussians,
  CheckpointError,
  ensemble,
  gaussian,
  moments,
  ridge,
  risk,
  sgd,
  solve,
  tanh,
} from "../../src/index";

const process = sgd(
  {
    law: anisotropicGaussians({ dimension: 6, signal: 3, delta: 0.5 }),
    unit: ridge(tanh()),
    start: gaussian({ radius: 1 }),
  },
  { neurons: 100, stepSize: 1e-4, seed: 3 },
);
const times = [0.01, 0.5, 1];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "meanfield-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([0, 2])(
  "an ensemble stopped half-way and started again ends as an unbroken one (%i workers)",
  async (workers) => {
    const whole = await ensemble(process, { replicas: 3, times, workers });
    const controller = new AbortController();
    const stopped = ensemble(process, {
      replicas: 3,
      times,
      workers,
      checkpoint: folder,
      signal: controller.signal,
      onProgress: ({ finished }) => {
        if (finished > 0) controller.abort(new Error("stopped"));
      },
    });
    await expect(stopped).rejects.toThrow("stopped");
    expect(readdirSync(folder).filter((name) => name.endsWith(".state")).length).toBeGreaterThan(0);
    const resumed = await ensemble(process, { replicas: 3, times, workers, checkpoint: folder });
    expect(resumed.observables).toEqual(whole.observables);
  },
);

it("a checkpoint file is written whole, read back, and left as it was where it is damaged", async () => {
  const file = path.join(folder, "run.state");
  const first = await solve(process, { times, checkpoint: file });
  expect(readdirSync(folder)).toEqual(["run.state"]);
  const again = await solve(process, { times, checkpoint: file });
  expect(again.observables).toEqual(first.observables);
  writeFileSync(file, new Uint8Array([1, 2, 3]));
  await expect(solve(process, { times, checkpoint: file })).rejects.toBeInstanceOf(CheckpointError);
  expect(readdirSync(folder)).toEqual(["run.state"]);
});

it("a saved run goes on where the same statistics are named in another order, and not where there are others", async () => {
  const file = path.join(folder, "run.state");
  const radius = moments("r1");
  const whole = await solve(process, { times, observe: { risk: risk(), a: radius } });
  await solve(process, { times: times.slice(0, 2), observe: { risk: risk(), a: radius }, checkpoint: file });
  const resumed = await solve(process, { times, observe: { a: radius, risk: risk() }, checkpoint: file });
  expect(resumed.observables).toEqual(whole.observables);
  const again = await solve(process, { times, observe: { risk: risk(), a: radius }, checkpoint: file });
  expect(again.observables).toEqual(whole.observables);
  const other = solve(process, { times, observe: { b: radius, risk: risk() }, checkpoint: file });
  await expect(other).rejects.toThrow("recorded other observables");
});
