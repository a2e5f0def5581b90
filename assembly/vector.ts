// The few vector words that every kernel uses, generic in the precision T (f32: 4 lanes, f64: 2 lanes).

/** a·b + c: one rounding in the relaxed build, two elsewhere. */
export function madd<T>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(a, b, c);
  return v128.add<T>(v128.mul<T>(a, b), c);
}

/** Sum of the lanes, in a fixed order: (0 + 2) + (1 + 3). */
export function laneSum<T>(v: v128): T {
  if (sizeof<T>() === 4) {
    const s = f32x4.add(v, v128.shuffle<u32>(v, v, 2, 3, 0, 1));
    return <T>(f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1));
  }
  return <T>(f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1));
}

/** Integer of a block's slot. */
export function slot(block: usize, index: i32): i32 {
  return load<i32>(block + ((<usize>index) << 3));
}

/** Pointer of a block's slot. */
export function pointer(block: usize, index: i32): usize {
  return <usize>load<u32>(block + ((<usize>index) << 3));
}

/** Number of a block's slot. */
export function real(block: usize, index: i32): f64 {
  return load<f64>(block + ((<usize>index) << 3));
}

/** Lanes of a vector. */
export function lanes<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}
