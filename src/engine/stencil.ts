// One stage of the 2-D scheme on plain arrays, for embedders; the radial grid calls the kernel on its own memory.

import { SpecError } from "./errors";
import type { Kernels } from "./kernels";
import type { Memory } from "./memory";

/** A stage of the scheme: out = keep · base + (1 − keep) · (density − Δt div F), F the upwind flux of −∇Ψ. */
export interface StencilStage<T extends Float32Array | Float64Array> {
  /** Densities or masses of rows × cols cells, row-major. */
  density: T;
  /** Potential Ψ at the cells' midpoints, of the same shape. */
  potential: T;
  /** Cells along the first axis (1 for a line). */
  rows: number;
  /** Cells along the second axis. */
  cols: number;
  /** Δt/h² along the first axis and the second. Positive results need Σ over axes of Δt|∂Ψ|/h ≤ ½. */
  ratios: [number, number];
  /** What a Runge–Kutta stage mixes in: the densities at the start of the step and their share (none, 0). */
  mix?: { base: T; keep: number };
}

/**
 * One conservative stage: MUSCL with the monotonised central limiter, no flux through the walls.
 *
 * @throws {SpecError} naming the array or number that is wrong
 */
export function stencilInto<T extends Float32Array | Float64Array>(
  kernels: Kernels,
  memory: Memory,
  stage: StencilStage<T>,
  out: T,
): void {
  const { density, potential, rows, cols, ratios, mix } = stage;
  for (const [name, n] of [
    ["rows", rows],
    ["cols", cols],
  ] as const) {
    if (!Number.isInteger(n) || n < 1 || n > 65536) throw new SpecError(name, n, "an integer from 1 to 65536");
  }
  ratios.forEach((k, axis) => {
    if (!(Number.isFinite(k) && k >= 0)) throw new SpecError(`ratios[${axis}]`, k, "a number, 0 or more");
  });
  const keep = mix?.keep ?? 0;
  if (!(keep >= 0 && keep <= 1)) throw new SpecError("mix.keep", keep, "a number from 0 to 1");
  const kind = density instanceof Float32Array ? Float32Array : Float64Array;
  const arrays = { density, potential, out, ...(mix ? { "mix.base": mix.base } : {}) };
  for (const [name, array] of Object.entries(arrays)) {
    if (!(array instanceof kind) || array.length !== rows * cols) {
      throw new SpecError(name, array, `a ${kind.name} of ${rows * cols} numbers, as density and rows × cols say`);
    }
  }
  if ((out as unknown) === density) throw new SpecError("out", out, "another array than density");

  const precision = density instanceof Float32Array ? "f32" : "f64";
  const size = density.BYTES_PER_ELEMENT;
  const lead = 16 / size;
  const stride = Math.ceil((cols * size) / 16) * 16 + 32;
  const width = stride / size;
  const field = () => memory.allocate(rows * stride + 32);
  const write = (values: T) => {
    const at = field();
    const view = memory.view(precision, at, rows * width);
    for (let i = 0; i < rows; i++) view.set(values.subarray(i * cols, (i + 1) * cols), i * width + lead);
    return at;
  };
  const [u, psi, target, scratch] = [write(density), write(potential), field(), memory.allocate(6 * stride)] as const;
  const base = mix ? write(mix.base) : u;
  const kernel = kernels[`stencil_${precision}`];
  kernel(u, base, psi, target, rows, cols, stride, ratios[0], ratios[1], keep, 1 - keep, scratch);
  const view = memory.view(precision, target, rows * width);
  for (let i = 0; i < rows; i++) out.set(view.subarray(i * width + lead, i * width + lead + cols), i * cols);
}
