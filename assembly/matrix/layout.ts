// Layout of the blocks of the matrix kernels, for them and for TypeScript; ../layout.ts says what a block is, and PANEL.
//
//   panels  panel p ─┬─ row k = 0…depth−1 ─┬─ 32 bytes: coordinate k of 8 inputs (f32) or 4 (f64), 0 beyond the last
//   tile    row r ─── stride numbers, a multiple of a panel's

// --- one side of a matrix: its inputs, transformed so that the kernel is a function of their products -----------------------
/** Number n of inputs. */
export const SIDE_COUNT = 0;
/** Coordinates of an input u. */
export const SIDE_DEPTH = 1;
/** Panels of u. */
export const SIDE_PANELS = 2;
/** u in f64, n rows. */
export const SIDE_INPUTS = 3;
/** One number an input, padded to whole panels: |u|²/2 of a radial law, the factor of the others; and the same in f64. */
export const SIDE_SIZES = 4;
export const SIDE_SIZES64 = 5;
/** f64: 1 − |u|² of an input, where the law is one of the angle. */
export const SIDE_RESTS = 6;
export const SIDE_SLOTS = 7;

// --- a matrix of a kernel ---------------------------------------------------------------------------------------------------
/** One of the laws below. */
export const GRAM_LAW = 0;
/** Sides of the rows and of the columns. */
export const GRAM_LEFT = 1;
export const GRAM_RIGHT = 2;
/** Tile, its transpose (0 where nobody wants that), and their stride. */
export const GRAM_TILE = 3;
export const GRAM_MIRROR = 4;
export const GRAM_STRIDE = 5;
/** Parameters of the law, in the precision and in f64. */
export const GRAM_PARAMETERS = 6;
export const GRAM_PARAMETERS64 = 7;
/** f64: where products lose too many digits, and a pair is computed again from differences. */
export const GRAM_NEAR = 8;
export const GRAM_SLOTS = 9;

/** e^{−r²/2} of r = |u − u'|. */
export const LAW_RBF = 0;
/** e^{−r}, (1 + r) e^{−r}, (1 + r + r²/3) e^{−r}. */
export const LAW_MATERN_1 = 1;
export const LAW_MATERN_3 = 2;
export const LAW_MATERN_5 = 3;
/** J (a c s s' + q) + b s s' √(1 − c²), J = A + B (π − arccos c), c = ⟨u, u'⟩; parameters A, B, a, b, q. */
export const LAW_CONE = 4;
/** w arcsin c; parameter w. */
export const LAW_ARCSINE = 5;
/** w arcsin c + (p c + q s s')/√(1 − c²); parameters w, p, q. */
export const LAW_ARCSINE_SLOPES = 6;

/** s s' (√g T(g) + p c + r |c|), g = 1 − |c|; parameters p, r, and T's coefficients, WEDGE_TERMS of them or (f32) 8. */
export const LAW_WEDGE = 7;
export const WEDGE_TERMS = 18;

/** Most numbers of a law's parameters. */
export const PARAMETERS = 20;

// --- neurons of a network, some at a time, for its tangent kernel -----------------------------------------------------------
/** Activation block. */
export const NEURONS_ACTIVATION = 0;
/** Number C of neurons, a multiple of 8. */
export const NEURONS_COUNT = 1;
/** Coordinates of an input: d, and one more, which is 1, for an affine unit. */
export const NEURONS_DEPTH = 2;
/** Panels of their weights, in the order of the inputs' coordinates. */
export const NEURONS_WEIGHTS = 3;
/** √m_i, 0 for those that fill up the last panel. */
export const NEURONS_ROOTS = 4;
/** Pre-activations and slopes of a panel of inputs: 2 C rows of PANEL bytes. */
export const NEURONS_SCRATCH = 5;
export const NEURONS_SLOTS = 6;

// --- a tile of the tangent kernel's matrix ----------------------------------------------------------------------------------
/** Σ m σσ' (0 where it is not wanted), Σ m a_k a_l σ'σ' and ⟨x, x'⟩: sums over neurons, and their strides. */
export const TANGENT_VALUES = 0;
export const TANGENT_SLOPES = 1;
export const TANGENT_INNER = 2;
export const TANGENT_STRIDE = 3;
export const TANGENT_SLOPES_STRIDE = 4;
/** Result with rows (q, k), its transpose (or 0), and their strides. */
export const TANGENT_TILE = 5;
export const TANGENT_MIRROR = 6;
export const TANGENT_TILE_STRIDE = 7;
export const TANGENT_MIRROR_STRIDE = 8;
/** Inputs of the rows and of the columns, and the same in whole panels: the sums of slopes have rows (k, q). */
export const TANGENT_ROWS = 9;
export const TANGENT_COLUMNS = 10;
export const TANGENT_ROW_ROOM = 11;
export const TANGENT_COLUMN_ROOM = 12;
/** Outputs: how many of the rows and of the columns, and the first of each. */
export const TANGENT_LEFT_OUTPUTS = 13;
export const TANGENT_RIGHT_OUTPUTS = 14;
export const TANGENT_LEFT_FIRST = 15;
export const TANGENT_RIGHT_FIRST = 16;
/** f64: 1 where b is trained, and 1 where there is an output bias. */
export const TANGENT_BIAS = 17;
export const TANGENT_OUTPUT_BIAS = 18;
/** 1 where rows and columns are the same, and only sums of columns not before the row are there. */
export const TANGENT_UPPER = 19;
export const TANGENT_SLOTS = 20;
