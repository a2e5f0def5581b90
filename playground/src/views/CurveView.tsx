// Curves against time, drawn from the records of frames: what the risk's and the sharpness's picture share.

import { type ReadonlySignal, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Frame, RiskBand } from "../run/protocol";
import type { CurveKind } from "./curvePicture";
import { CurvePlot } from "./curvePlot";
import type { Curves } from "./curves";
import { curvesOf } from "./history";
import { bandEntry, type Entry } from "./keys";
import { readable } from "./names";
import { pageTheme } from "./pageTheme";
import { between } from "./range";
import { Figure, useSize, useSummary } from "./stage";
import { logTime } from "./timeAxis";

interface CurveViewProps {
  frame: ReadonlySignal<Frame | null>;
  /** "risk" or "sharpness" */
  name: string;
  kind: CurveKind;
  band?: ReadonlySignal<RiskBand | null>;
  /** a band is being computed, and nothing of it is there yet */
  awaited?: ReadonlySignal<boolean>;
  /** the numbers at a record, in words */
  words(curves: Curves, index: number): string;
}

/** Curves with key, crosshair and a choice of the time's axis. */
export function CurveView({ frame, name, kind, band, awaited, words }: CurveViewProps) {
  const theme = pageTheme();
  const curves = curvesOf(frame);
  const plot = useRef<CurvePlot | null>(null);
  const shownLog = useRef<boolean | null>(null);
  const read = useRef(0);
  const sized = useSignal(0);
  // record under the crosshair; null: the last
  const index = useSignal<number | null>(null);
  const moved = useSignal(0);
  const { host, size } = useSize(() => {
    sized.value++;
  });

  // one plot for each kind of axis; uPlot has no way to change it
  useSignalEffect(() => {
    sized.value;
    const { value: logarithmic } = logTime;
    if (!size.current || !host.current) return;
    const { width, height } = size.current;
    if (plot.current && shownLog.current === logarithmic) plot.current.resize(width, height);
    else {
      plot.current?.destroy();
      shownLog.current = logarithmic;
      plot.current = new CurvePlot(host.current, width, height, {
        curves,
        kind,
        log: logarithmic,
        theme: () => theme.peek(),
        band: () => band?.peek() ?? null,
        onCursor: (found) => {
          index.value = found;
        },
      });
    }
  });
  useSignalEffect(() => {
    const { value } = frame;
    band?.value;
    sized.value;
    curves.take(value);
    if (value?.restart ?? true) plot.current?.restart();
    if (size.current?.inSight || !value?.playing) plot.current?.update();
    const now = performance.now();
    if (now - read.current > 150 || !value?.playing) {
      read.current = now;
      moved.value++;
    }
  });
  useSignalEffect(() => {
    theme.value;
    plot.current?.repaint();
  });
  useEffect(() => () => plot.current?.destroy(), []);

  const at = useComputed(() => {
    moved.value;
    return Math.min(index.value ?? curves.length - 1, curves.length - 1);
  });
  const time = useComputed(() => (at.value < 0 ? "" : `t = ${readable(curves.times[at.value]!)}`));
  const bandNow = useComputed(() => {
    const known = band?.value;
    if (!known || at.value < 0) return "";
    const t = curves.times[at.value]!;
    const [low, high] = [between(known.times, known.lower, t), between(known.times, known.upper, t)];
    return Number.isNaN(low) ? "" : `${readable(low)} to ${readable(high)}`;
  });
  // which curves there are, as one text, so that the key changes when that does
  const known = useComputed(() => {
    moved.value;
    return kind.series.map(({ field }) => (curves.length === 0 || curves.knows(field) ? "1" : "0")).join("");
  }).value;
  const values = [0, 1].map((k) =>
    useComputed(() => {
      const one = kind.series[k];
      return one && at.value >= 0 ? readable(curves.values(one.field)[at.value]!) : "";
    }),
  );
  const entries = kind.series
    .map(({ of, label, dash }, k): Entry => ({ glyph: dash ? "dashes" : "line", of, label, value: values[k]! }))
    .filter((_, k) => known[k] === "1");
  if (band?.value) {
    entries.push({ ...bandEntry(band.value.name), value: bandNow });
  } else if (awaited?.value) entries.push(bandEntry("computing the band …"));
  const summary = useSummary(frame, () => (curves.length > 0 ? words(curves, curves.length - 1) : ""));

  const walk = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || curves.length === 0) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(curves.length - 1, at.peek() + step));
    plot.current?.point(next);
    index.value = next;
  };
  const spoken = useComputed(() => (index.value === null || at.value < 0 ? summary.value : words(curves, at.value)));
  const last = useComputed(() => {
    summary.value;
    return Math.max(0, curves.length - 1);
  });
  const now = useComputed(() => index.value ?? last.value);
  return (
    <Figure
      name={name}
      title={kind.title}
      about={kind.about}
      entries={entries}
      summary={summary}
      controls={
        <label class="view-choice">
          <input
            type="checkbox"
            checked={logTime}
            onChange={({ currentTarget }) => (logTime.value = currentTarget.checked)}
          />
          log time
        </label>
      }
      note={time}
    >
      <div
        class="view-stage view-curves"
        ref={host}
        role="slider"
        tabIndex={0}
        aria-label="Time to read the curves at"
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={now}
        aria-valuetext={spoken}
        onKeyDown={walk}
        onBlur={() => (index.value = null)}
      />
    </Figure>
  );
}
