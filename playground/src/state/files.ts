// A file that was opened or dropped becomes the problem of the page, or a message that says what is wrong with it and where.

import { type Dropped, defaults, type Experiment, limitsFor } from "../experiment";
import { experimentOf } from "../runFile";
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
    if (dropped) {
      const found = taken(dropped);
      load({ ...found.experiment, tour: experiment.peek().tour }, found.dropped);
    }
    notify("information", message, "file");
  } catch (error) {
    notifyError(error, `${file.name} was not taken`);
  }
}

// A run file that is one of the page's problems opens as that; its numbers stand on the page either way.
function taken(file: Dropped): { experiment: Experiment; dropped: Dropped | null } {
  if (file.kind === "dataset") return { experiment: defaults("file"), dropped: file };
  const { experiment: found, dropped } = experimentOf(file.run, file.name);
  const fits = limitsFor(found, dropped).some((choice) => choice.fits && choice.kind === found.limit);
  return { experiment: { ...found, limit: fits ? found.limit : "none", time: 0 }, dropped };
}
