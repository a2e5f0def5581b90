// The theme of the page: CSS custom properties, read when it changes and never in a frame.

import { type ReadonlySignal, signal } from "@preact/signals";
import { hex, lightness, type Rgb } from "./colours";
import { LIGHT, type Theme } from "./theme";

const NAMES = ["ink", "paper", "muted", "line", "network", "limit", "band"] as const;

const present = signal<Theme>(LIGHT);
let watched = false;

/**
 * The theme of the page as it is now. Pictures that read it are drawn anew when the system's scheme or an attribute of the root
 * changes.
 */
export function pageTheme(): ReadonlySignal<Theme> {
  if (!watched) {
    watched = true;
    readTheme();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readTheme);
    new MutationObserver(readTheme).observe(document.documentElement, {
      attributes: true,
      attributeFilter: ["class", "data-theme", "style"],
    });
    // style sheets may come later than the first picture
    if (document.readyState !== "complete") addEventListener("load", readTheme, { once: true });
  }
  return present;
}

function readTheme(): void {
  // custom properties come as they are written, light-dark() and all; as a colour of something they are resolved
  const probe = document.createElement("span");
  probe.hidden = true;
  // where the system forces its colours pictures keep theirs: curves have to differ
  probe.style.setProperty("forced-color-adjust", "none");
  document.body.append(probe);
  const read = { ...LIGHT };
  for (const name of NAMES) {
    probe.style.color = `var(--${name}, ${LIGHT[name]})`;
    const found = numbers(getComputedStyle(probe).color);
    if (found) read[name] = hex(found);
  }
  probe.remove();
  read.dark = lightness(read.paper) < lightness(read.ink);
  if (JSON.stringify(read) !== JSON.stringify(present.peek())) present.value = read;
}

// A computed colour as numbers: nearly always rgb(…); a wider one, as color-mix() gives, is asked of a canvas, which browsers that guard
// against fingerprints let answer falsely.
function numbers(colour: string): Rgb | null {
  const plain = /^rgba?\((\d+), (\d+), (\d+)/.exec(colour);
  if (plain) return [Number(plain[1]), Number(plain[2]), Number(plain[3])];
  const pixel = document.createElement("canvas");
  pixel.width = pixel.height = 1;
  const context = pixel.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha! > 0 ? [r!, g!, b!] : null;
}
