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
 * Lines between classes, half way between the middles of cells that differ; where two classes meet it is there twice.
 *
 * @param classes  [side²], row by row
 * @param side     of the grid
 * @returns pairs x, y of the ends of short pieces, a pair of NaN after each
 */
export function borders(classes: Float32Array, side: number): Float32Array {
  const pieces = [...new Set(classes)].map((c) =>
    contour(
      classes.map((other) => (other === c ? 1 : 0)),
      side,
      0.5,
    ),
  );
  const found = new Float32Array(pieces.reduce((length, one) => length + one.length, 0));
  let at = 0;
  for (const one of pieces) {
    found.set(one, at);
    at += one.length;
  }
  return found;
}
