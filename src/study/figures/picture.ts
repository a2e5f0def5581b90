// Pictures as plain data: what is to be drawn, without how. `src/plot` draws them.

/** What stands above a picture. */
export interface Head {
  title: string;
  /** Parameters, in one line. */
  subtitle: string;
}

/** An axis. */
export interface Axis {
  /** With symbol and unit, as in `time t = kε`. */
  label: string;
  scale: "linear" | "log";
  /** Ends; those of the data if left out. */
  domain?: [number, number];
}

/** Values against x; points that are not finite, or not positive on a logarithmic axis, are left out. */
export interface Series {
  x: number[];
  y: number[];
}

/** A series with a spread. */
export interface SpreadSeries extends Series {
  /** Lower end of the spread at each x; null draws none. */
  low: number[] | null;
  high: number[] | null;
}

/** One quantity: a network's as dots with their spread, its limit as a line; the two share a colour. */
export interface Curve {
  /** Stands at the right end; an empty label leaves it out. */
  label: string;
  network: SpreadSeries | null;
  limit: Series | null;
  /** Number of the colour; the place in the list if left out. */
  hue?: number;
}

/** A horizontal line with a name. */
export interface Level {
  y: number;
  label: string;
}

/** A line to compare with, dashed and without a colour: a theorem's slope, a bound. */
export interface Reference extends Series {
  /** Stands at the right end; an empty label leaves it out. */
  label: string;
}

/** How dots, spreads and lines are called in the key. */
export interface Key {
  network?: string;
  spread?: string;
  limit?: string;
}

/** Risk against time, and the gap between network and limit below it. */
export interface RiskPicture extends Head {
  kind: "risk";
  x: Axis;
  y: Axis;
  curves: Curve[];
  levels: Level[];
  key: Key;
  /** A second panel with network − limit, or none. */
  gap: { label: string; curves: { hue?: number; series: SpreadSeries }[] } | null;
}

/** Laws of a radius at several times: histograms of the network under the density of its limit. */
export interface DensityPicture extends Head {
  kind: "density";
  x: Axis;
  y: string;
  panels: {
    title: string;
    /** Ends of the bins (one more than the heights) and heights. */
    histogram: { edges: number[]; heights: number[] } | null;
    density: Series | null;
  }[];
  key: { histogram: string; density: string };
}

/** Several quantities against time, a panel each. */
export interface StatisticsPicture extends Head {
  kind: "statistics";
  x: Axis;
  panels: {
    title: string;
    y: Axis;
    /** A note stands under the label, smaller. */
    curves: (Curve & { note?: string })[];
    levels: Level[];
    references?: Reference[];
  }[];
  key: Key & { reference?: string };
}

/** Results against a parameter of a sweep: lines through dots, a line of panels. */
export interface SweepPicture extends Head {
  kind: "sweep";
  x: Axis;
  y: Axis;
  panels: {
    title: string;
    curves: { label: string; series: SpreadSeries }[];
    /** A line that the curves are compared with, or none. */
    limit: Series | null;
    levels: Level[];
  }[];
  key: Key;
  /** Name of the limit's line. */
  limit: string;
}

/** Measured points and the power law fitted to them. */
export interface RateCurve {
  /** Stands at the right end. */
  label: string;
  /** Under the label: the measured slope with its interval, as `rateText` writes it; an empty one leaves it out. */
  slope: string;
  points: SpreadSeries;
  /** The ends of the fitted line; null draws none. */
  fit: Series | null;
  /** Number of the colour; the place in the list if left out. */
  hue?: number;
}

/** An error against what it falls with, both on logarithmic axes, where a power law is a line: measured, fitted, and the theorem's. */
export interface RatePicture extends Head {
  kind: "rate";
  panels: {
    title: string;
    x: Omit<Axis, "scale">;
    y: Omit<Axis, "scale">;
    curves: RateCurve[];
    references: Reference[];
  }[];
  /** `limit` names the fitted lines. */
  key: Key & { reference?: string };
}

/** Bands and the runs that should lie in them, a panel each. */
export interface BandsPicture extends Head {
  kind: "bands";
  panels: {
    title: string;
    x: Axis;
    y: Axis;
    /** The centre, and the ends of the band. */
    band: Series & { low: number[]; high: number[] };
    /** A row of values a run. */
    runs: { x: number[]; y: number[][] };
    /** Where the band ends before the runs do. */
    refusedFrom: number | null;
  }[];
  /** Names of the centre, the band, the runs, and the line where a band ends. */
  key: { limit: string; spread: string; runs: string; refused: string };
}

/** Which class is where in the plane: cells of a grid, and points over them, a panel each. */
export interface DecisionPicture extends Head {
  kind: "decision";
  /** Ends and names of the axes. */
  x: { label: string; domain: [number, number] };
  y: { label: string; domain: [number, number] };
  panels: {
    title: string;
    /** Cells in a row, and the class of each: rows from the lowest y up, each from the lowest x on. */
    columns: number;
    cells: number[];
    /** Points with their classes, or none. */
    points: { x: number[]; y: number[]; classes: number[] } | null;
  }[];
  /** Names of the classes 0, 1, …, six at most. */
  classes: string[];
}

/** Any picture. */
export type Picture =
  | RiskPicture
  | DensityPicture
  | StatisticsPicture
  | SweepPicture
  | RatePicture
  | BandsPicture
  | DecisionPicture;
