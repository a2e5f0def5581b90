// Where a picture stands: a figure with title, key and words for those who do not see it, and the size it has.

import { type ReadonlySignal, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import type { Frame } from "../run/protocol";
import { CanvasPen } from "./canvasPen";
import type { Entry } from "./keys";
import { Legend } from "./legend";
import { pageTheme } from "./pageTheme";
import type { Theme } from "./theme";

/** CSS pixels of a picture, and pixels of the screen a CSS pixel. */
export interface Size {
  width: number;
  height: number;
  ratio: number;
  /** on the screen: what is not need not be drawn while the run plays */
  inSight: boolean;
}

/** Pixels of the screen a CSS pixel that are drawn: more than two cost more than they show. */
export function pixelRatio(): number {
  return Math.min(2, devicePixelRatio || 1);
}

interface FigureProps {
  /** which picture, for style sheets */
  name: string;
  title: string | ReadonlySignal<string>;
  /** what the symbols stand for, in a sentence: a tooltip of the title, and the first of the words */
  about?: string | undefined;
  entries: readonly Entry[];
  summary: ReadonlySignal<string>;
  /** controls beside the title */
  controls?: ComponentChildren;
  /** a word after the key's entries */
  note?: ReadonlySignal<string>;
  children: ComponentChildren;
}

/** A figure with its title, key and words. */
export function Figure({ name, title, about, entries, summary, controls, note, children }: FigureProps) {
  const id = useId();
  return (
    <figure class={`view view-${name}`} aria-labelledby={`${id}-title`} aria-describedby={`${id}-words`}>
      <figcaption class="view-head">
        <h3 class="view-title" id={`${id}-title`} title={about}>
          {title}
        </h3>
        {controls}
        <Legend entries={entries} note={note} />
      </figcaption>
      {children}
      <p class="view-words" id={`${id}-words`}>
        {about} {summary}
      </p>
    </figure>
  );
}

/**
 * Follows the size of an element and whether it is on the screen.
 *
 * @param onSize  called after layout when the size changes, and when the element comes into sight or leaves it
 * @returns the element's reference, and its size; null while it has none
 */
export function useSize(onSize: () => void) {
  const host = useRef<HTMLDivElement>(null);
  const size = useRef<Size | null>(null);
  const call = useRef(onSize);
  call.current = onSize;
  useLayoutEffect(() => {
    const element = host.current!;
    let inSight = true;
    let box: Pick<Size, "width" | "height"> | null = null;
    const settle = () => {
      size.current = box && box.width > 40 && box.height > 40 ? { ...box, ratio: pixelRatio(), inSight } : null;
      if (size.current) call.current();
    };
    const sizes = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      box = { width: Math.floor(width), height: Math.floor(height) };
      settle();
    });
    const sight = new IntersectionObserver(([entry]) => {
      if (entry!.isIntersecting === inSight) return;
      inSight = entry!.isIntersecting;
      settle();
    });
    sizes.observe(element);
    sight.observe(element);
    return () => {
      sizes.disconnect();
      sight.disconnect();
    };
  }, []);
  return { host, size };
}

interface CanvasProps {
  frame: ReadonlySignal<Frame | null>;
  /** draws a frame on an empty canvas */
  draw(pen: CanvasPen, size: Size, frame: Frame, theme: Theme): void;
}

/** A canvas that is drawn at once when the frame changes, and when its size or the theme does. */
export function Canvas({ frame, draw }: CanvasProps) {
  const theme = pageTheme();
  const canvas = useRef<HTMLCanvasElement>(null);
  const pen = useRef<CanvasPen | null>(null);
  // raised when there is a size to draw at
  const sized = useSignal(0);
  const { host, size } = useSize(() => {
    sized.value++;
  });
  useSignalEffect(() => {
    sized.value;
    const { value } = frame;
    const colours = theme.value;
    if (!canvas.current || !size.current) return;
    const { width, height, ratio, inSight } = size.current;
    if (value?.playing && !inSight) return;
    pen.current ??= new CanvasPen(canvas.current);
    pen.current.begin(width, height, ratio);
    if (value) draw(pen.current, size.current, value, colours);
  });
  return (
    <div class="view-stage" ref={host}>
      <canvas class="view-canvas" ref={canvas} />
    </div>
  );
}

const PAUSE = 2000;

/**
 * Words about the frames that change at most every two seconds while the run plays, so that nobody is talked over.
 *
 * @param frame  the frames
 * @param words  about one of them
 */
export function useSummary(
  frame: ReadonlySignal<Frame | null>,
  words: (frame: Frame) => string,
): ReadonlySignal<string> {
  const summary = useSignal("");
  const last = useRef(Number.NEGATIVE_INFINITY);
  const later = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useSignalEffect(() => {
    const { value } = frame;
    clearTimeout(later.current);
    if (!value) {
      summary.value = "";
      return;
    }
    const now = performance.now();
    const say = () => {
      last.current = performance.now();
      summary.value = words(value);
    };
    if (now - last.current > PAUSE) say();
    // the last frame before a pause is always said
    else later.current = setTimeout(say, PAUSE);
  });
  useEffect(() => () => clearTimeout(later.current), []);
  return summary;
}
