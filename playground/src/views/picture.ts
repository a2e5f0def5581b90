// A picture that stands alone, for a file: title, what was run, key and axes, drawn as on the page.

import { textWidth, wrap } from "../../../src/plot/text";
import type { Frame, RiskBand } from "../run/protocol";
import { CanvasPen } from "./canvasPen";
import { cloudSummary, cloudTitle, drawCloud, heat } from "./cloud";
import { ramp } from "./colours";
import { type CurveKind, drawCurves, RISK, SHARPNESS } from "./curvePicture";
import type { Curves } from "./curves";
import { decisionKind, decisionSummary, decisionTitle, drawDecision, signedThrough } from "./decision";
import { bandEntry, cloudKey, colourOf, decisionKey, type Entry, lawKey } from "./keys";
import { drawLaw, lawSummary, lawTitle } from "./law";
import { readable } from "./names";
import type { Box, Pen } from "./pen";
import { SvgPen } from "./svgPen";
import { LIGHT, type Theme } from "./theme";

/** Which picture. */
export type PictureKind = "law" | "cloud" | "risk" | "decision" | "sharpness";

/** What a picture is made from. */
export interface PictureState {
  frame: Frame;
  curves: Curves;
  band: RiskBand | null;
  /** what was run, in a line: problem, N, ε, …; time, step and digest are added */
  description: string;
  /** whether the axis of time is logarithmic */
  log: boolean;
  /** on paper if left out */
  theme?: Theme;
}

interface Content {
  title: string;
  words: string;
  key: Entry[];
  height: number;
  draw(pen: Pen, box: Box): void;
}

const WIDTH = 720;
const MARGIN = 18;

/**
 * A picture as SVG.
 *
 * @param which  picture
 * @param state  what it shows
 * @throws {Error} in words where there is nothing to show
 */
export function svgOf(which: PictureKind, state: PictureState): string {
  const theme = state.theme ?? LIGHT;
  const pen = new SvgPen(theme.paper);
  const content = contentOf(which, state, theme);
  const height = drawSheet(pen, content, described(state), theme);
  return pen.svg(WIDTH, height, content.title, `${described(state)}. ${content.words}`);
}

/**
 * A picture as PNG of twice its size.
 *
 * @param which  picture
 * @param state  what it shows
 * @throws {Error} in words where there is nothing to show
 */
export async function pngOf(which: PictureKind, state: PictureState): Promise<Blob> {
  const theme = state.theme ?? LIGHT;
  const content = contentOf(which, state, theme);
  const canvas = document.createElement("canvas");
  const pen = new CanvasPen(canvas);
  // once for its height
  const height = drawSheet(new SvgPen(theme.paper), content, described(state), theme);
  pen.begin(WIDTH, height, 2);
  pen.rectangle({ x: 0, y: 0, width: WIDTH, height }, theme.paper);
  drawSheet(pen, content, described(state), theme);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
  if (!blob) throw new Error("The browser made no PNG.");
  return blob;
}

function described({ description, frame }: PictureState): string {
  return `${description}; t = ${readable(frame.time)} after ${frame.step} steps, state ${frame.digest}`;
}

function contentOf(which: PictureKind, state: PictureState, theme: Theme): Content {
  const { frame, curves, band, log } = state;
  switch (which) {
    case "law": {
      const { law } = frame;
      if (!law) throw nothing("law");
      return {
        title: lawTitle(law.name),
        words: lawSummary(law),
        key: lawKey(law.limit !== null),
        height: 320,
        draw: (pen, box) => void drawLaw(pen, box, law, theme),
      };
    }
    case "cloud": {
      const { cloud } = frame;
      if (!cloud) throw nothing("cloud");
      return {
        title: cloudTitle(cloud.density !== null),
        words: cloudSummary(cloud),
        key: cloudKey(cloud.density !== null),
        height: 460,
        draw: (pen, box) => drawCloud(pen, box, cloud, theme),
      };
    }
    case "decision": {
      const { decision } = frame;
      if (!decision) throw nothing("decision boundary");
      const kind = decisionKind(decision);
      return {
        title: decisionTitle(kind),
        words: decisionSummary(decision),
        key: decisionKey(kind, decision.outputs, decision.limit !== null),
        height: decision.limit ? 344 : 480,
        draw: (pen, box) => void drawDecision(pen, box, decision, theme),
      };
    }
    case "risk":
      return curveContent(RISK, curves, band, log, theme);
    case "sharpness":
      return curveContent(SHARPNESS, curves, null, log, theme);
  }
}

function curveContent(kind: CurveKind, curves: Curves, band: RiskBand | null, log: boolean, theme: Theme): Content {
  const known = { ...kind, series: kind.series.filter(({ field }) => curves.knows(field)) };
  if (known.series.length === 0) throw nothing(kind.title.toLowerCase());
  const key = known.series.map(({ of, label, dash }): Entry => ({ glyph: dash ? "dashes" : "line", of, label }));
  const last = curves.length - 1;
  const now = known.series.map(({ label, field }) => `${label} ${readable(curves.values(field)[last]!)}`);
  return {
    title: kind.title,
    words: `At the end: ${now.join(", ")}.`,
    key: [...key, ...(band ? [bandEntry(band.name)] : [])],
    height: 320,
    draw: (pen, box) => drawCurves(pen, box, curves, known, band, log, theme),
  };
}

function nothing(name: string): Error {
  return new Error(`There is no ${name} to draw yet: show its picture, and let the run go on.`);
}

// Returns the height.
function drawSheet(pen: Pen, { title, key, height, draw }: Content, description: string, theme: Theme): number {
  let y = MARGIN + 16;
  pen.text(title, MARGIN, y, { colour: theme.ink, size: 17, bold: true });
  for (const line of wrap(description, WIDTH - 2 * MARGIN, 12.5)) {
    y += 18;
    pen.text(line, MARGIN, y, { colour: theme.muted, size: 12.5 });
  }
  y += 26;
  let x = MARGIN;
  for (const entry of key) {
    const length = 32 + textWidth(entry.label, 12) + 24;
    if (x > MARGIN && x + length > WIDTH - MARGIN) {
      x = MARGIN;
      y += 19;
    }
    drawGlyph(pen, entry, x, y - 4, theme);
    pen.text(entry.label, x + 32, y, { colour: theme.ink });
    x += length;
  }
  y += 8;
  draw(pen, { x: MARGIN, y, width: WIDTH - 2 * MARGIN, height });
  return y + height + MARGIN - 6;
}

function drawGlyph(pen: Pen, { glyph, of, mark }: Entry, x: number, y: number, theme: Theme): void {
  const colour = colourOf(of, theme);
  switch (glyph) {
    case "line":
    case "dashes": {
      const dash = glyph === "dashes" ? { dash: [5, 4] } : {};
      pen.lines(Float32Array.of(x, y, x + 24, y), 4, { colour, width: glyph === "dashes" ? 1.25 : 2, ...dash });
      break;
    }
    case "band":
      pen.rectangle({ x, y: y - 5, width: 24, height: 10 }, colour, 0.55);
      break;
    case "bars":
      pen.rectangle({ x, y: y - 2, width: 8, height: 8 }, colour, 0.35);
      pen.rectangle({ x: x + 8, y: y - 6, width: 8, height: 12 }, colour, 0.35);
      pen.rectangle({ x: x + 16, y: y + 1, width: 8, height: 5 }, colour, 0.35);
      break;
    case "dots":
      pen.marks(Float32Array.of(x + 5, y + 2, x + 12, y - 3, x + 19, y + 1), 6, "disc", 4, colour, theme.paper);
      break;
    case "mark":
      pen.marks(Float32Array.of(x + 12, y), 2, mark!, 7, colour, theme.paper);
      break;
    case "heat":
    case "signed": {
      const palette = glyph === "heat" ? heat(theme) : ramp(signedThrough(theme), 24);
      const count = palette.length / 4;
      const colours = Uint8Array.from({ length: 24 }, (_, i) => Math.round((i * (count - 1)) / 23));
      pen.cells({ x, y: y - 5, width: 24, height: 10 }, { columns: 24, rows: 1, colours, palette, smooth: false });
      break;
    }
  }
}
