// Lines of a grid of values: where a function has a level, and where classes meet. In cells: (0, 0) is the lower left corner of the
// first cell, values stand at the middles.

/**
 * Lines on which a function has a value, by marching squares between the middles of the cells.
 *
 * @param values  [side²], row by row
 * @param side    of the grid
 * @param level   value
 * @returns pairs x, y of the ends of short pieces, a pair of NaN after each
 */
export function contour(values: Float32Array, side: number, level: number): Float32Array {
  const found: number[] = [];
  const crossing = (row: number, column: number, down: boolean): [number, number] => {
    const here = values[row * side + column]!;
    const there = values[down ? (row + 1) * side + column : row * side + column + 1]!;
    const share = (level - here) / (there - here);
    return down ? [column + 0.5, row + 0.5 + share] : [column + 0.5 + share, row + 0.5];
  };
  for (let row = 0; row + 1 < side; row++) {
    for (let column = 0; column + 1 < side; column++) {
      const at = row * side + column;
      const [a, b, c, d] = [values[at]!, values[at + 1]!, values[at + side + 1]!, values[at + side]!];
      const form = (a > level ? 1 : 0) | (b > level ? 2 : 0) | (c > level ? 4 : 0) | (d > level ? 8 : 0);
      if (form === 0 || form === 15) continue;
      const sides = [
        () => crossing(row, column, false),
        () => crossing(row, column + 1, true),
        () => crossing(row + 1, column, false),
        () => crossing(row, column, true),
      ];
      // in a saddle the mean of the corners says which of them hang together
      const joined = form === 5 || form === 10 ? (a + b + c + d) / 4 > level === (form === 5) : false;
      for (const [from, to] of PIECES[form === 5 || form === 10 ? (joined ? 10 : 5) : form]!) {
        found.push(...sides[from]!(), ...sides[to]!(), Number.NaN, Number.NaN);
      }
    }
  }
  return Float32Array.from(found);
}

// Sides of a square (0 below, 1 right, 2 above, 3 left) that a line joins, by which of its corners are above the level; 5 cuts off
// the first and the third corner, 10 the others.
const PIECES: readonly (readonly (readonly [number, number])[])[] = [
  [],
  [[3, 0]],
  [[0, 1]],
  [[3, 1]],
  [[1, 2]],
  [
    [3, 0],
    [1, 2],
  ],
  [[0, 2]],
  [[3, 2]],
  [[2, 3]],
  [[2, 0]],
  [
    [0, 1],
    [2, 3],
  ],
  [[2, 1]],
  [[1, 3]],
  [[1, 0]],
  [[0, 3]],
  [],
];

/**
 * Edges between cells of different classes.
 *
 * @param classes  [side²], row by row
 * @param side     of the grid
 * @returns pairs x, y of the ends of straight pieces, a pair of NaN after each
 */
export function borders(classes: Float32Array, side: number): Float32Array {
  const found: number[] = [];
  for (let row = 1; row < side; row++) {
    for (let from = 0, to = 0; from < side; from = to + 1) {
      to = from;
      const differs = (column: number) => classes[row * side + column] !== classes[(row - 1) * side + column];
      while (to < side && differs(to)) to++;
      if (to > from) found.push(from, row, to, row, Number.NaN, Number.NaN);
    }
  }
  for (let column = 1; column < side; column++) {
    for (let from = 0, to = 0; from < side; from = to + 1) {
      to = from;
      const differs = (row: number) => classes[row * side + column] !== classes[row * side + column - 1];
      while (to < side && differs(to)) to++;
      if (to > from) found.push(column, from, column, to, Number.NaN, Number.NaN);
    }
  }
  return Float32Array.from(found);
}
