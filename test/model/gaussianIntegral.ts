// Integrals over the standard normal law in one and two variables, for tests: composite Gauss–Legendre between given breaks.
// Independent of src/model: its own nodes (Golub–Welsch would do; here Newton), Math's own functions, no series.

/** Nodes and weights on [0, 1]. */
const RULE = legendre(16);

/** Longest piece: 16 points resolve a pole at a distance of a tenth of it or more to 1e-15. */
const PIECE = 0.75;
const REACH = 9;

function legendre(n: number): { x: number; w: number }[] {
  return Array.from({ length: n }, (_, i) => {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 0;
    for (let step = 0; step < 20; step++) {
      let [p, before] = [1, 0];
      for (let k = 1; k <= n; k++) [p, before] = [((2 * k - 1) * x * p - (k - 1) * before) / k, p];
      slope = (n * (x * p - before)) / (x * x - 1);
      x -= p / slope;
    }
    return { x: (1 + x) / 2, w: 1 / ((1 - x * x) * slope * slope) };
  });
}

/** Points and masses of the standard normal law, with breaks where an integrand has a kink. */
export function normalNodes(breaks: number[], piece = PIECE): { g: number; mass: number }[] {
  const ends = [-REACH, ...breaks.filter((x) => Math.abs(x) < REACH), REACH].sort((p, q) => p - q);
  const out: { g: number; mass: number }[] = [];
  for (let k = 0; k + 1 < ends.length; k++) {
    const count = Math.ceil((ends[k + 1]! - ends[k]!) / piece);
    const width = (ends[k + 1]! - ends[k]!) / count;
    for (let panel = 0; panel < count; panel++) {
      for (const { x, w } of RULE) {
        const g = ends[k]! + width * (panel + x);
        out.push({ g, mass: (w * width * Math.exp(-0.5 * g * g)) / Math.sqrt(2 * Math.PI) });
      }
    }
  }
  return out;
}

/** A line u g + v h = c of the plane, across which an integrand has a kink. */
export type Line = { u: number; v: number; c: number };

/**
 * Calls `visit` at the points of a rule for the standard normal law of the plane that is broken at every line: g from piece
 * to piece between the crossings of the lines, h between the lines.
 */
export function visitPlane(
  lines: Line[],
  visit: (g: number, h: number, mass: number) => void,
  { piece = PIECE, extra = [] as number[] } = {},
): void {
  const steep = lines.filter(({ v }) => v !== 0);
  const breaks = [...extra, ...lines.filter(({ u, v }) => v === 0 && u !== 0).map(({ u, c }) => c / u)];
  steep.forEach((p, i) => {
    for (const q of steep.slice(0, i)) {
      const det = p.u * q.v - q.u * p.v;
      if (det !== 0) breaks.push((p.c * q.v - q.c * p.v) / det);
    }
  });
  for (const { g, mass } of normalNodes(breaks, piece)) {
    const across = normalNodes(
      steep.map(({ u, v, c }) => (c - u * g) / v),
      piece,
    );
    for (const { g: h, mass: other } of across) visit(g, h, mass * other);
  }
}
