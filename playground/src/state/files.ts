// A file that was opened or dropped becomes the problem of the page, or a message that says what is wrong with it and where.

import { type Dropped, defaults, type Experiment, type LimitKind, limitsFor } from "../experiment";
import { notify, notifyError } from "./notices";
import { experiment, load } from "./store";

/** More than this would only be read to be refused. */
const LARGEST = 256;

/** Opens a file; never throws. */
export async function openFile(file: File): Promise<void> {
  try {
    if (file.size > LARGEST * 2 ** 20) {
      throw new Error(`It has ${Math.round(file.size / 2 ** 20)} MiB; the page takes files up to ${LARGEST}.`);
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    // loaded with the first file, so that the page itself stays small
    const { understand } = await import("./readFile");
    const { dropped, message } = await understand(file.name, bytes);
    if (dropped) load({ ...experimentOf(dropped), tour: experiment.peek().tour }, dropped);
    notify("information", message);
  } catch (error) {
    notifyError(error, `${file.name} was not taken`);
  }
}

// The numbers of a run file stand on the page; what is left alone there is run as the file says.
function experimentOf(file: Dropped): Experiment {
  const one = defaults("file");
  if (file.kind === "dataset") return one;
  const { process, compareWith } = file.run;
  const found: Record<string, unknown> = { ...one };
  for (const name of ["neurons", "stepSize", "batchSize", "temperature", "precision", "seed"] as const) {
    if (name in process) found[name] = process[name as never];
  }
  const { start } = process.problem;
  if (start.kind === "gaussian" && typeof start.radius === "number") found["radius"] = start.radius;
  const next = { ...(found as unknown as Experiment), limit: (compareWith?.kind ?? "none") as LimitKind };
  const fits = limitsFor(next, file).filter((choice) => choice.fits);
  return fits.some(({ kind }) => kind === next.limit) ? next : { ...next, limit: "none" };
}
