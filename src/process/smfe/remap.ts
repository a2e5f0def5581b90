// The image of a law on equal cells under a map of the line, put back on the same cells.                    docs/smfeGrid.md
//
// Cell i, of mass m_i and a density that rises by slope_i/h² · (w − c_i), is moved onto the interval between the images of its two
// edges, linearly in between. With v from 0 to 1 along the image, lower end first, the mass between v_1 and v_2 is
//
//   (v_2 − v_1) (m_i ± ½ slope_i (v_1 + v_2 − 1)),   − where the cell is turned over,
//
// which is not negative for |slope_i| ≤ 2 m_i, in floating point too.

/**
 * Differences of the mass across each cell, limited so that no new extremum arises (monotonised central); 0 at the walls.
 *
 * @param masses  non-negative
 * @param out     written over
 * @see van Leer, J. Comput. Phys. 23 (1977) 276
 */
export function limitedSlopes(masses: Float64Array, out: Float64Array): void {
  const n = masses.length;
  out[0] = out[n - 1] = 0;
  for (let i = 1; i < n - 1; i++) {
    const below = masses[i]! - masses[i - 1]!;
    const above = masses[i + 1]! - masses[i]!;
    if (below > 0 && above > 0) out[i] = Math.min(2 * below, 2 * above, (below + above) / 2);
    else if (below < 0 && above < 0) out[i] = Math.max(2 * below, 2 * above, (below + above) / 2);
    else out[i] = 0;
  }
}

/**
 * Differences of a signed mass across each cell by central differences, linear in it; 0 at the walls.
 *
 * @param masses  of any sign
 * @param out     written over
 */
export function centralSlopes(masses: Float64Array, out: Float64Array): void {
  const n = masses.length;
  out[0] = out[n - 1] = 0;
  for (let i = 1; i < n - 1; i++) out[i] = (masses[i + 1]! - masses[i - 1]!) / 2;
}

/**
 * Moves masses by a map. What would leave the box stays in the cell at its wall.
 *
 * @param edges   n + 1 ascending edges of equal cells
 * @param images  of the edges, finite, in any order
 * @param masses  of the cells
 * @param slopes  of the cells, from `limitedSlopes` or `centralSlopes`
 * @param out     masses of the image, written over
 */
export function remap(
  edges: Float64Array,
  images: Float64Array,
  masses: Float64Array,
  slopes: Float64Array,
  out: Float64Array,
): void {
  const n = masses.length;
  const first = edges[0]!;
  const perLength = n / (edges[n]! - first);
  out.fill(0);
  for (let i = 0; i < n; i++) {
    const mass = masses[i]!;
    let half = slopes[i]! / 2;
    if (mass === 0 && half === 0) continue;
    let low = images[i]!;
    let high = images[i + 1]!;
    if (high < low) {
      [low, high] = [high, low];
      half = -half;
    }
    let k = Math.min(n - 1, Math.max(0, Math.floor((low - first) * perLength)));
    while (k > 0 && edges[k]! > low) k--;
    while (k < n - 1 && edges[k + 1]! <= low) k++;
    const length = high - low;
    let from = 0;
    for (; k < n - 1 && edges[k + 1]! < high; k++) {
      const to = Math.max(from, (edges[k + 1]! - low) / length);
      out[k]! += (to - from) * (mass + half * (from + to - 1));
      from = to;
    }
    out[k]! += (1 - from) * (mass + half * from);
  }
}

/**
 * Mass of the cells at those walls through which a map would have taken mass.
 *
 * @param edges, images, masses  as of `remap`
 * @param after                  masses of the image
 */
export function massAtWalls(
  edges: Float64Array,
  images: Float64Array,
  masses: Float64Array,
  after: Float64Array,
): number {
  const n = masses.length;
  let below = false;
  let above = false;
  for (let i = 0; i < n; i++) {
    if (masses[i] === 0) continue;
    below ||= Math.min(images[i]!, images[i + 1]!) < edges[0]!;
    above ||= Math.max(images[i]!, images[i + 1]!) > edges[n]!;
  }
  return (below ? after[0]! : 0) + (above ? after[n - 1]! : 0);
}

/**
 * Mass of the cells that a map turns over.
 *
 * @param images, masses  as of `remap`
 */
export function massFolded(images: Float64Array, masses: Float64Array): number {
  let folded = 0;
  for (let i = 0; i < masses.length; i++) if (images[i + 1]! < images[i]!) folded += masses[i]!;
  return folded;
}
