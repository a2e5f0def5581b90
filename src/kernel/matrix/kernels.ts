// The one interface that every build of the matrix kernels meets: simd and relaxed (assembly/matrix) and js (plain.ts). Pointers are byte
// addresses in the build's memory; blocks are laid out in assembly/matrix/layout.ts.

type Gram = (plan: number, i0: number, rows: number, j0: number, columns: number, diagonal: boolean) => void;
type Sizes = (side: number, scratch: number) => void;
type Products = (
  left: number,
  leftBytes: number,
  right: number,
  rightBytes: number,
  depth: number,
  i0: number,
  rows: number,
  j0: number,
  columns: number,
  out: number,
  stride: number,
  upper: boolean,
  add: boolean,
) => void;
type Features = (
  neurons: number,
  inputs: number,
  panels: number,
  coefficients: number,
  outputs: number,
  values: number,
  slopes: number,
) => void;
type Combine = (tangent: number) => void;

/** The matrix kernels. Each is pure arithmetic on memory: no policy, no allocation, no exception. */
export interface MatrixKernels {
  /** A tile of the matrix of a kernel, and its transpose. */
  gram_f32: Gram;
  gram_f64: Gram;
  /** |u|²/2 of every input of a side. */
  sizes_f32: Sizes;
  sizes_f64: Sizes;
  /** Products of the columns of panels. */
  products_f32: Products;
  products_f64: Products;
  /** √m σ and √m a_k σ' of some neurons at some inputs. */
  features_f32: Features;
  features_f64: Features;
  /** A tile of the tangent kernel's matrix from sums over neurons. */
  combine_f32: Combine;
  combine_f64: Combine;
}
