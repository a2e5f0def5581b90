// Layout of the blocks of memory that TypeScript fills and the kernels read. One source: AssemblyScript and TypeScript
// both import it. A block is a row of 8-byte slots; integers and pointers stand in the low four bytes of a slot,
// numbers are f64.
//
//   slot      0    1    2   …
//           ┌────┬────┬────┬──
//   block   │ i32│ i32│ f64│ …      address = block + 8·slot
//           └────┴────┴────┴──

// --- law: what one example is drawn from -------------------------------------------------------------------------
/** MIXTURE, FINITE or TEACHER. */
export const LAW_KIND = 0;
/** Input dimension d. */
export const LAW_DIMENSION = 1;
/** Number of mixture components, or of atoms of a finite law. */
export const LAW_COUNT = 2;
/** u32 thresholds: component c is drawn where the word is below thresholds[c] (the last is taken as 2^32). */
export const LAW_THRESHOLDS = 3;
/** f64 labels: a row of LAW_OUTPUTS per component or atom. */
export const LAW_LABELS = 4;
/** f64 means of the components, count × d, or 0. */
export const LAW_MEANS = 5;
/** f64 standard deviations, count × d, or 0. */
export const LAW_DIAGONALS = 6;
/** f64 factors, count × d × d row-major, x = mean + factor·g, or 0. */
export const LAW_FACTORS = 7;
/** f64 inputs of a finite law, count × d. */
export const LAW_INPUTS = 8;
/** i32 permutation of the atoms, where a finite law is drawn without replacement, or 0. */
export const LAW_ORDER = 9;
/** f64: epoch the permutation belongs to, −1 before the first. */
export const LAW_EPOCH = 10;
/** Teacher: number of neurons, activation block, weights (neurons × d), coefficients, noise. */
export const LAW_TEACHER_NEURONS = 11;
export const LAW_TEACHER_ACTIVATION = 12;
export const LAW_TEACHER_WEIGHTS = 13;
export const LAW_TEACHER_COEFFICIENTS = 14;
export const LAW_NOISE = 15;
/** f64 scratch of max(d, teacher neurons, 8) numbers. */
export const LAW_SCRATCH = 16;
/** 2·(teacher neurons) more scratch. */
export const LAW_SCRATCH2 = 17;
/** Numbers K of a label row. */
export const LAW_OUTPUTS = 18;
/** f64 weights of the confinement in each atom's step, of a finite law, or 0 where they are all 1. */
export const LAW_DECAYS = 19;
/** Atom of the example drawn last, of a finite law. */
export const LAW_CHOSEN = 20;
export const LAW_SLOTS = 21;

export const MIXTURE = 0;
export const FINITE = 1;
export const TEACHER = 2;

// --- activation ----------------------------------------------------------------------------------------------------
/** Kind of the activation, one of the constants below. */
export const ACTIVATION_KIND = 0;
/** Number of segments (piecewise linear) or of intervals (table). */
export const ACTIVATION_COUNT = 1;
/** First parameter: slope (leaky), left value (piecewise linear), first point (table). */
export const ACTIVATION_P0 = 2;
/** Second parameter: step (table). */
export const ACTIVATION_P1 = 3;
/** f64 data: piecewise linear (left knot, right knot, slope) a segment; table (value, slope) a point. */
export const ACTIVATION_DATA = 4;
/** f64 factor α of a scaled activation α σ; 1 where there is none. */
export const ACTIVATION_FACTOR = 5;
export const ACTIVATION_SLOTS = 6;

export const RELU = 0;
export const LEAKY_RELU = 1;
export const PIECEWISE_LINEAR = 2;
export const TANH = 3;
export const ERF = 4;
export const LOGISTIC = 5;
export const SOFTPLUS = 6;
export const SILU = 7;
export const COSINE = 8;
export const IDENTITY = 9;
export const SQUARE = 10;
export const TABLE = 11;

// --- network: N neurons in lane panels ------------------------------------------------------------------------------
/** Neurons N. */
export const NET_NEURONS = 0;
/** Rows of a panel: d, and one more (the bias b, whose input is 1) for an affine unit. */
export const NET_ROWS = 1;
/** Activation block. */
export const NET_ACTIVATION = 2;
/** 1 for an affine unit a σ(⟨w,x⟩+b), a ∈ R^K, 0 for a ridge unit σ(⟨w,x⟩). */
export const NET_AFFINE = 3;
/** 1 where the output coefficients a are trained. */
export const NET_TRAIN = 4;
/** Weights: panels of PANEL bytes × rows. */
export const NET_WEIGHTS = 5;
/** Output coefficients a: a panel is K rows of PANEL bytes. 0 for ridge. */
export const NET_OUTPUT = 6;
/** Number of outputs K. */
export const NET_OUTPUTS = 7;
/** Output bias c, K numbers, or 0. */
export const NET_BIAS = 8;
/** Mass of each neuron in f, 1/N unless given; 0 beyond N. */
export const NET_MASSES = 9;
/** 1 for each neuron, 0 beyond N. */
export const NET_MASK = 10;
/** Bytes of the state: weights, output coefficients, output bias, in one run from NET_WEIGHTS on. */
export const NET_BYTES = 11;
/** 1 where the biases b of an affine unit are kept as they are. */
export const NET_HELD = 12;
export const NET_SLOTS = 13;

// --- a batch: many examples, for the forward and backward sweeps of assembly/gradient.ts ---------------------------
/** Number n of examples, and the most there is room for (a multiple of BATCH_CHUNK). */
export const BATCH_COUNT = 0;
export const BATCH_ROOM = 1;
/** Inputs by example: tiles of TILE examples × rows × TILE numbers. */
export const BATCH_TILES = 2;
/** Inputs by coordinate: tiles of TILE coordinates × room × TILE numbers. */
export const BATCH_COLUMNS = 3;
/** f64 rows of K: labels, predictions f, data weights c. */
export const BATCH_LABELS = 4;
export const BATCH_PREDICTIONS = 5;
export const BATCH_WEIGHTS = 6;
/** f64 masses m_q, n numbers. */
export const BATCH_MASSES = 7;
/** Data weights by example (tiles × K × TILE) and by output (tiles × room × TILE). */
export const BATCH_WEIGHT_TILES = 8;
export const BATCH_WEIGHT_COLUMNS = 9;
/** Scratch: pre-activations, values, slopes and sums of a chunk, each BATCH_CHUNK × PANEL bytes. */
export const BATCH_SCRATCH = 10;
/** Sums over neurons, one vector of 16 bytes an example and output of a chunk. */
export const BATCH_SUMS = 11;
/** For `tangentBackward` alone, 0 until writeTangent has them: two more parts of scratch, and δc packed as the data weights are. */
export const BATCH_TANGENT_SCRATCH = 12;
export const BATCH_TANGENT_TILES = 13;
export const BATCH_TANGENT_COLUMNS = 14;
export const BATCH_SLOTS = 15;
/** Examples a chunk. */
export const BATCH_CHUNK = 64;

/** Losses. */
export const SQUARED = 0;
export const LOGISTIC_LOSS = 1;
export const CROSS_ENTROPY = 2;

// --- descent: steps of any process of theory §2 that moves a network by its data weights -----------------------------
export const DESCENT_NETWORK = 0;
export const DESCENT_BATCH = 1;
/** Law that each step draws its batch from, or 0: then the batch stays what it is. */
export const DESCENT_LAW = 2;
/** One of the losses. */
export const DESCENT_LOSS = 3;
/** Gradient and scratch, as many bytes as the state. */
export const DESCENT_GRADIENT = 4;
/** f64 step sizes of the steps to run, in order. */
export const DESCENT_STEP_SIZES = 5;
/** f64 temperature τ. */
export const DESCENT_TEMPERATURE = 6;
/** Confinement: none 0, quadratic 1, separable 2; its weight, centre and activation block. */
export const DESCENT_CONFINEMENT = 7;
export const DESCENT_WEIGHT = 8;
export const DESCENT_CENTER = 9;
export const DESCENT_FUNCTION = 10;
/** A velocity that TypeScript adds, as many bytes as the state, or 0: θ += ε · drift. */
export const DESCENT_DRIFT = 11;
export const DESCENT_SEED_LOW = 12;
export const DESCENT_SEED_HIGH = 13;
export const DESCENT_REPLICA = 14;
/** One example's input before it is packed: rows numbers (f64 room); and the normals of one neuron. */
export const DESCENT_EXAMPLE = 15;
export const DESCENT_NORMALS = 16;
/** f64 factor of ∇U in the velocity: 1, or the mean decay of a batch. */
export const DESCENT_DECAY = 17;
/** f64 factors s_q of the data weights, one an example, or 0: c_q = m_q r_q s_q. */
export const DESCENT_FACTORS = 18;
export const DESCENT_SLOTS = 19;

// --- one-pass and finite-law SGD ---------------------------------------------------------------------------------
export const SGD_NETWORK = 0;
export const SGD_LAW = 1;
/** Batch size m. */
export const SGD_BATCH = 2;
/** Steps a block; block of steps·m examples, padded to whole tiles. */
export const SGD_STEPS = 3;
/** Inputs of two blocks, tile-transposed: 2 × tiles × rows × TILE. */
export const SGD_INPUTS = 4;
/** Scaled inputs ε r x of the block to apply: tiles × rows × TILE. */
export const SGD_SCALED = 5;
/** Labels of two blocks: 2 × tiles × TILE. */
export const SGD_LABELS = 6;
/** Pre-activations of a block: tiles × TILE × padded neurons. */
export const SGD_PRE = 7;
/** Slopes a σ' of a block: tiles × TILE × padded neurons. */
export const SGD_SLOPES = 8;
/** Values σ of one example, and the change of a over one step: 2 × padded neurons. */
export const SGD_VALUES = 9;
/** Gram matrix of a tile's inputs: TILE × TILE. */
export const SGD_GRAM = 10;
/** f64 step sizes ε_k of the steps to run, in order. */
export const SGD_STEP_SIZES = 11;
/** Seed (low, high), replica. */
export const SGD_SEED_LOW = 12;
export const SGD_SEED_HIGH = 13;
export const SGD_REPLICA = 14;
/** One example's input in f64 or f32 before it is transposed: rows numbers. */
export const SGD_EXAMPLE = 15;
/** Residuals r of a block: tiles × TILE. */
export const SGD_RESIDUALS = 16;
/** Squared or logistic loss. */
export const SGD_LOSS = 17;
export const SGD_SLOTS = 18;

/** Examples a tile: four share one pass over a panel. */
export const TILE = 4;
/** Bytes of a panel's row: two vectors, 8 neurons in f32 and 4 in f64. */
export const PANEL = 32;

// --- purposes of the streams (docs/streams.md) --------------------------------------------------------------------
/** The user's own draws. */
export const PURPOSE_USER = 0;
/** Start: weights w, output coefficients a, biases b; step = particle. */
export const PURPOSE_START_W = 1;
export const PURPOSE_START_A = 2;
export const PURPOSE_START_B = 3;
/** Examples: input, component or atom, label noise; step = example. */
export const PURPOSE_INPUT = 4;
export const PURPOSE_CHOICE = 5;
export const PURPOSE_NOISE = 6;
/** Order of an epoch; step = epoch. */
export const PURPOSE_ORDER = 7;
/** A teacher's weights; step = neuron. */
export const PURPOSE_TEACHER = 8;
/** Rotation of a law; step = column. */
export const PURPOSE_ROTATION = 9;
/** Diffusion √(2τε) g; step = step k, index = neuron · D + parameter. */
export const PURPOSE_DIFFUSION = 10;
/** Scrambling of Sobol points; step = dimension. */
export const PURPOSE_QUADRATURE = 11;
/** Brownian motions of the data, one an atom; step = noise step, index = atom. */
export const PURPOSE_DATA_NOISE = 12;
/** Factors ξ of fresh examples; step = step k, index = example of the step. */
export const PURPOSE_MULTIPLIER = 13;
/** Gaussian fluctuation of a start; index = particle. */
export const PURPOSE_FLUCTUATION = 14;
/** Normals of a factorised covariance; step = step k. */
export const PURPOSE_FACTOR = 15;
/** SGD and its modified equations on an objective in R^p. */
export const PURPOSE_OBJECTIVE = 16;
/** Directions of sliced distances; step = direction. */
export const PURPOSE_PROJECTION = 17;
/** Permutations of a two-sample test; step = permutation. */
export const PURPOSE_PERMUTATION = 18;
/** Random probes of a landscape: starts of Lanczos' method, of its quadrature, of traces; step = probe. */
export const PURPOSE_PROBE = 19;
/** Points of the peaks data, step = class; wrong labels, step = 5 + class. */
export const PURPOSE_PEAKS = 20;
/** Bootstrap of `rate`; step = resample. */
export const PURPOSE_RESAMPLING = 64;
