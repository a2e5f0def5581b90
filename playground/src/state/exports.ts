// What can be taken away: specification, trajectory, neurons, pictures, and the link. All are made when they are asked for.

import { runSpecToJson } from "meanfield";
import { address } from "./links";
import { notify, notifyError, spoken } from "./notices";
import { experiment, exportAs, opened, time } from "./store";

/** What `download` makes. */
export type Export = "spec" | "svg" | "png" | Parameters<typeof exportAs>[0];

/** Makes a file and hands it to the browser; never throws. */
export async function download(what: Export): Promise<void> {
  try {
    if (what === "spec") save("run.json", "application/json", specification());
    else if (what === "svg" || what === "png") throw new Error("no picture yet");
    else {
      const { file, mediaType, bytes } = await exportAs(what);
      save(file, mediaType, bytes as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    notifyError(error, "Nothing was exported");
  }
}

/** Copies the address of this very state. */
export async function copyLink(): Promise<void> {
  const link = address();
  try {
    await navigator.clipboard.writeText(link);
    spoken.value = "link copied";
    notify("information", "The link is copied: the same run, at the same time, on any machine.");
  } catch {
    notify("information", `The browser does not let the page copy. The link: ${link}`);
  }
  if (experiment.peek().problem === "file")
    notify("warning", "The link does not hold the file; who opens it needs the file too.");
}

// The run file of the command line: the network with the present values from the start, at ten times up to now.
function specification(): string {
  const process = opened.peek()?.network;
  if (!process) throw new Error("nothing runs yet");
  const end = time.peek() || 1;
  const times = Array.from({ length: 11 }, (_, k) => (k * end) / 10);
  return runSpecToJson({ process, times } as never);
}

function save(name: string, mediaType: string, content: string | Uint8Array<ArrayBuffer>): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: mediaType }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  spoken.value = `${name} saved`;
}
