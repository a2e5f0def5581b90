// A recorded run as a table and as pictures.

import { type Activation, unscaled } from "../model/activation";
import type { Problem } from "../model/problem";
import { outputsOf } from "../model/unit";
import type { Process } from "../process/schema";
import { compare } from "../study/compare";
import type { Ensemble } from "../study/ensemble";
import type { Table } from "../study/figures/figure";
import type { Axis, Curve, Picture, Series, SpreadSeries } from "../study/figures/picture";
import type { Observable } from "../study/observables";
import type { Trajectory } from "../study/solve";

type Run = Trajectory | Ensemble;

/** What was recorded of one statistic: values over time, row-major, and their standard errors. */
interface Recorded {
  values: Float64Array;
  standardError: Float64Array | null;
  /** Numbers a time. */
  width: number;
}

/**
 * A table of every statistic that is one number a time; of those that both runs recorded, the other and the gap too.
 *
 * @param run    the run
 * @param other  what it is compared with, or null
 */
export function runTable(run: Run, other: Run | null): Table {
  const columns: Table["columns"] = [{ name: "t", digits: 4 }];
  const series: (Float64Array | null)[] = [run.times];
  const add = (name: string, values: Float64Array | null) => {
    columns.push({ name, digits: 5 });
    series.push(values);
  };
  const gaps = other ? commonGaps(run, other) : {};
  for (const name of Object.keys(run.observables)) {
    const { values, standardError, width } = recorded(run, name);
    if (width !== 1) continue;
    add(name, values);
    if (standardError) add("± s.e.", standardError);
    const second = other?.observables[name] ? recorded(other, name) : null;
    if (second?.width === 1) {
      add(`${name} (${limitName(other!)})`, second.values);
      add("gap", gaps[name] ?? null);
    }
  }
  return {
    columns,
    rows: Array.from(run.times, (_, i) => series.map((values) => values?.[i] ?? null)),
  };
}

/**
 * Pictures of what was recorded: the risk, single numbers, moments and quantiles against time, histograms and densities
 * at up to six times.
 *
 * @param run      the run
 * @param other    what it is compared with, or null
 * @param observe  what was recorded, by name
 */
export function runPictures(
  run: Run,
  other: Run | null,
  observe: Readonly<Record<string, Observable>>,
): { file: string; picture: Picture }[] {
  const pictures: { file: string; picture: Picture }[] = [];
  const { kind, problem } = run.process;
  const outputs = outputsOf(problem.unit);
  const isSquared = problem.loss === "squared";
  const word = isSquared ? "Risk" : "Loss";
  const symbol = isSquared ? "R" : "F";
  const replicas = "replicas" in run ? run.replicas : 1;
  const subtitle = describe(run);
  const x = timeAxis(run);
  const key = {
    network: replicas > 1 ? `${kind}, mean of ${replicas}` : kind,
    ...(other && { limit: limitName(other) }),
    ...(replicas > 1 && { spread: "± standard error" }),
  };
  const curve = (name: string, component: number, label: string): Curve => ({
    label,
    network: spreadSeries(run, name, component),
    limit: other?.observables[name] ? plainSeries(other, name, component) : null,
  });
  const names = Object.keys(run.observables);

  if (names.includes("risk")) {
    const both = curve("risk", 0, "");
    const positive = [...both.network!.y, ...(both.limit?.y ?? [])].filter((y) => y > 0);
    const wide = positive.length > 0 && Math.max(...positive) > 50 * Math.min(...positive);
    const gap = other ? gapSeries(run, other) : null;
    pictures.push({
      file: "risk.svg",
      picture: {
        kind: "risk",
        title: other ? `${word}: ${kind} and ${other.process.kind}` : `${word} of ${kind}`,
        subtitle,
        x,
        y: { label: isSquared ? "risk R = E|y − f(x)|²" : "loss F = E ℓ(f(x), y)", scale: wide ? "log" : "linear" },
        curves: [both],
        levels: [],
        key,
        gap: gap && { label: `${symbol}(${kind}) − ${symbol}(${other!.process.kind})`, curves: [{ series: gap }] },
      },
    });
  }

  const panels = names
    .filter((name) => name !== "risk" && !["histogram", "density"].includes(observe[name]?.kind ?? ""))
    .map((name) => {
      const { width } = recorded(run, name);
      const shown = Array.from({ length: Math.min(width, 6) }, (_, k) => k);
      return {
        title: name,
        y: { label: `${labelOf(observe[name])}${width > 6 ? ", the first six" : ""}`, scale: "linear" as const },
        levels: [],
        curves: shown.map((k) => curve(name, k, width === 1 ? "" : componentName(observe[name], k, outputs))),
      };
    });
  if (panels.length > 0) {
    pictures.push({
      file: "statistics.svg",
      picture: { kind: "statistics", title: `Statistics of ${kind}`, subtitle, x, key, panels },
    });
  }

  for (const name of names) {
    const spec = observe[name];
    if (spec?.kind !== "histogram" && spec?.kind !== "density") continue;
    const points = spec.kind === "histogram" ? spec.edges : spec.points;
    const { values, width } = recorded(run, name);
    const second = other?.observables[name] ? recorded(other, name).values : null;
    const row = (all: Float64Array, i: number) => Array.from(all.slice(i * width, (i + 1) * width));
    const heights = (masses: number[]) => masses.map((m, j) => m / (points[j + 1]! - points[j]!));
    pictures.push({
      file: `density${pictures.some(({ file }) => file === "density.svg") ? `-${name}` : ""}.svg`,
      picture: {
        kind: "density",
        title: `The law of ${spec.coordinate}`,
        subtitle,
        x: { label: spec.coordinate, scale: "linear", domain: [points[0]!, points[points.length - 1]!] },
        y: "density",
        key: { histogram: kind, density: spec.kind === "density" ? kind : (other?.process.kind ?? "") },
        panels: pick(run.times.length, 6).map((i) => ({
          title: `t = ${Number(run.times[i]!.toPrecision(4))}`,
          histogram: spec.kind === "histogram" ? { edges: points, heights: heights(row(values, i)) } : null,
          density:
            spec.kind === "density"
              ? { x: points, y: row(values, i) }
              : second && outline(points, heights(row(second, i))),
        })),
      },
    });
  }
  return pictures;
}

function describe({ process, provenance }: Run): string {
  const parts = [describeProblem(process.problem), describeProcess(process)];
  return `${parts.join("; ")}. Specification ${provenance.spec.slice(0, 12)}, meanfield ${provenance.version}.`;
}

// How wide the second network is says what it is a limit of; the PDEs have no width.
function limitName({ process }: Run): string {
  return "neurons" in process ? `${process.kind}, N = ${process.neurons}` : process.kind;
}

function recorded(run: Run, name: string): Recorded {
  const one = run.observables[name]!;
  const values = "mean" in one ? one.mean : one.values;
  const error = one.standardError ?? null;
  return {
    values,
    standardError: error?.some(Number.isFinite) ? error : null,
    width: run.times.length === 0 ? 1 : values.length / run.times.length,
  };
}

function commonGaps(run: Run, other: Run): Record<string, Float64Array> {
  const shared = Object.keys(run.observables).some((name) => name in other.observables);
  if (!shared) return {};
  return Object.fromEntries(
    Object.entries(compare(run, other).gaps).map(([name, { difference }]) => [name, difference]),
  );
}

function gapSeries(run: Run, other: Run): SpreadSeries | null {
  const gap = compare(run, other).gaps.risk;
  if (!gap) return null;
  const { difference, standardError } = gap;
  return {
    x: Array.from(run.times),
    y: Array.from(difference),
    low: standardError && Array.from(difference, (value, i) => value - standardError[i]!),
    high: standardError && Array.from(difference, (value, i) => value + standardError[i]!),
  };
}

function spreadSeries(run: Run, name: string, component: number): SpreadSeries {
  const { values, standardError, width } = recorded(run, name);
  const at = (all: Float64Array) => Array.from(run.times, (_, i) => all[i * width + component]!);
  const y = at(values);
  const error = standardError && at(standardError);
  return {
    x: Array.from(run.times),
    y,
    low: error && y.map((value, i) => value - error[i]!),
    high: error && y.map((value, i) => value + error[i]!),
  };
}

function plainSeries(run: Run, name: string, component: number): Series {
  const { x, y } = spreadSeries(run, name, component);
  return { x, y };
}

// A logarithmic axis where the times span more than a decade and a half.
function timeAxis({ times, process }: Run): Axis {
  const label = "stepSize" in process ? "time t = kε" : "time t";
  const positive = times.filter((t) => t > 0);
  const wide = positive.length > 1 && positive[positive.length - 1]! > 30 * positive[0]!;
  return { label, scale: wide ? "log" : "linear" };
}

function activationName(activation: Activation): string {
  const { factor, activation: plain } = unscaled(activation);
  return factor === 1 ? plain.kind : `${Number(factor.toPrecision(4))} × ${plain.kind}`;
}

function describeProblem({ law, unit, loss, confinement }: Problem): string {
  const parts = [
    ...(law.kind === "none" ? ["no examples"] : [law.kind, `${unit.kind} unit, ${activationName(unit.activation)}`]),
    ...(outputsOf(unit) > 1 ? [`${outputsOf(unit)} outputs`] : []),
    ...(loss === "squared" ? [] : [`loss ${loss}`]),
    ...(confinement ? [`confinement ${confinement.kind}`] : []),
  ];
  return parts.join(", ");
}

function describeProcess(process: Process): string {
  const parts = [
    ...("neurons" in process ? [`N = ${process.neurons}`] : []),
    ...("stepSize" in process ? [`ε = ${process.stepSize}`] : []),
    ...("temperature" in process ? [`τ = ${process.temperature}`] : []),
    ...("method" in process ? [process.method] : []),
    ...("limit" in process ? [`in the field of ${process.limit.kind}`] : []),
    ...("seed" in process ? [`seed ${process.seed}`] : []),
  ];
  return parts.join(", ");
}

function labelOf(spec: Observable | undefined): string {
  if (!spec) return "";
  return "coordinate" in spec ? `${spec.kind} of ${spec.coordinate}` : spec.kind;
}

function componentName(spec: Observable | undefined, k: number, outputs: number): string {
  if (spec?.kind === "predictions" && outputs > 1) return `input ${Math.floor(k / outputs)}, output ${k % outputs}`;
  if (spec?.kind === "quantiles") return `${Number((100 * spec.levels[k]!).toPrecision(6))} %`;
  if (spec?.kind === "moments") return `order ${k + 1}`;
  return `${k}`;
}

function pick(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: most }, (_, k) => Math.round((k * (count - 1)) / (most - 1)));
}

// The outline of bars, as a line.
function outline(edges: readonly number[], heights: readonly number[]): Series {
  return {
    x: heights.flatMap((_, i) => [edges[i]!, edges[i + 1]!]),
    y: heights.flatMap((height) => [height, height]),
  };
}
