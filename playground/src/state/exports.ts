// What can be taken away: specification, trajectory, neurons, pictures, and the link. All are made when they are asked for.

import { computed, signal } from "@preact/signals";
import { runSpecToJson } from "meanfield";
import { runSpecOf } from "../runFile";
import { limitNames, networkNames, problemNames } from "../ui/words";
import { curvesOf, picturePng, pictureSvg } from "../views";
import { address } from "./links";
import { notify, notifyError, spoken } from "./notices";
import {
  band,
  dropped,
  experiment,
  exportAs,
  frame,
  opened,
  type Picture,
  pictures,
  present,
  shortNumber,
  time,
} from "./store";

const chosen = signal<Picture | null>(null);

/** The picture that is exported: the one that was chosen, while it is shown. */
export const picture = computed(() =>
  chosen.value !== null && pictures.value.includes(chosen.value) ? chosen.value : (pictures.value[0] ?? null),
);

/** Chooses the picture that is exported. */
export function choosePicture(which: Picture): void {
  chosen.value = which;
}

/** What `download` makes. */
export type Export = "spec" | "svg" | "png" | Parameters<typeof exportAs>[0];

/** Makes a file and hands it to the browser; never throws. */
export async function download(what: Export): Promise<void> {
  try {
    if (what === "spec") save("run.json", "application/json", specification());
    else if (what === "svg" || what === "png") await savePicture(what);
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
    if (experiment.peek().problem === "file")
      notify("warning", "The link is copied. It does not hold the file; who opens it needs the file too.", "link");
    else notify("information", "The link is copied: the same run, at the same time, on any machine.", "link");
  } catch {
    const file = experiment.peek().problem === "file" ? " It does not hold the file." : "";
    notify("information", `The browser does not let the page copy.${file} The link: ${link}`, "link");
  }
}

// The run file of the command line, which takes one process from its start: the present values, and the limit to compare with.
function specification(): string {
  if (!opened.peek()) throw new Error("Nothing runs yet.");
  const one = experiment.peek();
  if (one.changes.length > 0) {
    notify(
      "information",
      "A run file has no changes on the way: it holds the present values from the start. The link has the changes.",
    );
  }
  return runSpecToJson(runSpecOf(one, dropped.peek(), time.peek()));
}

async function savePicture(format: "svg" | "png"): Promise<void> {
  const which = picture.peek();
  const shown = frame.peek();
  if (!which || !shown) throw new Error("No picture is shown.");
  const input = { frame: shown, curves: curvesOf(frame), band: band.peek()?.band ?? null, description: description() };
  if (format === "svg") save(`${which}.svg`, "image/svg+xml", await pictureSvg(which, input));
  else save(`${which}.png`, "image/png", await picturePng(which, input));
}

// What stands under an exported picture: what was run.
function description(): string {
  const { problem, network, limit, neurons, radius, seed } = experiment.peek();
  const { stepSize } = present.peek();
  const file = dropped.peek();
  const on = problem === "file" && file ? file.name : problemNames[problem];
  const over = limit === "none" ? "" : `, over it ${limitNames[limit]}`;
  return `${networkNames[network]} on ${on}${over}; N = ${neurons}, ε = ${shortNumber(stepSize)}, κ = ${shortNumber(radius)}, seed ${seed}`;
}

function save(name: string, mediaType: string, content: string | Uint8Array<ArrayBuffer> | Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: mediaType }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  spoken.value = `${name} saved`;
}
