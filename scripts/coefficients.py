"""Fits the polynomials of assembly/coefficients.ts: `python3 scripts/coefficients.py > assembly/coefficients.ts`, and with the
word `matrix` those of assembly/matrix/coefficients.ts, which a page without matrices does not load (Debian: python3-mpmath). Each is the minimax polynomial of a weighted error (Remez exchange in 60
digits). Coefficients for f32 on one side of 0 are rounded one by one, lowest first, and the rest fitted again.
"""

import struct
import sys

from mpmath import acos, asin, bernoulli, cos, erf, erfc, exp, expm1, linspace, log, lu_solve, matrix, mp, mpf, nstr, pi, sqrt

mp.dps = 60
wanted = sys.argv[1] if len(sys.argv) > 1 else "core"
section = "core"
F32_ROUND = lambda v: mpf(struct.unpack("f", struct.pack("f", float(v)))[0])
F64_ROUND = lambda v: mpf(float(v))


def remez(target, weight, low, high, count):
    """c[0..count) minimising max |weight(t) (target(t) - sum c_k t^k)| on [low, high]; returns (c, error)."""
    low, high = mpf(low), mpf(high)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (k + mpf(1) / 2) / 1202) for k in range(1202)]
    values = [target(t) for t in grid]
    weights = [weight(t) for t in grid]
    picks = [round(1201 * k / count) for k in range(count + 1)]
    for _ in range(40):
        system = matrix(count + 1, count + 1)
        right = matrix(count + 1, 1)
        for row, p in enumerate(picks):
            for k in range(count):
                system[row, k] = grid[p] ** k
            system[row, count] = (-1) ** row / weights[p]
            right[row] = values[p]
        solved = lu_solve(system, right)
        c = [solved[k] for k in range(count)]
        errors = [w * (v - horner(c, t)) for t, v, w in zip(grid, values, weights)]
        next_picks = alternation(errors, count + 1)
        if next_picks == picks:
            break
        picks = next_picks
    return c, max(abs(e) for e in errors)


def alternation(errors, wanted):
    """Indices of the largest error in each run of one sign, cut at the ends to the wanted number."""
    picks = []
    for k, e in enumerate(errors):
        if picks and (e > 0) == (errors[picks[-1]] > 0):
            if abs(e) > abs(errors[picks[-1]]):
                picks[-1] = k
        else:
            picks.append(k)
    while len(picks) > wanted:
        picks.pop(0 if abs(errors[picks[0]]) < abs(errors[picks[-1]]) else -1)
    if len(picks) < wanted:
        raise ValueError(f"{len(picks)} alternations, {wanted} wanted")
    return picks


def horner(c, t):
    total = mpf(0)
    for v in reversed(c):
        total = total * t + v
    return total


def fit(name, first, target, weight, low, high, count, rounding=F64_ROUND):
    """Prints `name_k` for k = first …; in f32 the rounding of each coefficient is taken up by those after it."""
    if section != wanted:
        return
    done = []
    while len(done) < count:
        m = len(done)
        rest = lambda t: (target(t) - horner(done, t)) / t**m
        c, _ = remez(rest, lambda t: abs(weight(t) * t**m), low, high, count - m)
        done += [rounding(v) for v in (c[:1] if rounding is F32_ROUND and low * high >= 0 else c)]
    error = max(abs(weight(t) * (target(t) - horner(done, t))) for t in linspace(mpf(low), mpf(high), 998))
    print(f"{name}: error {nstr(error, 3)}", file=sys.stderr)
    for k, v in enumerate(done):
        constant(f"{name}_{first + k}", v)


def constant(name, value):
    if section != wanted:
        return
    text = repr(float(value)).replace("e-0", "e-")
    if name in ("LOG2E", "SQRT_HALF", "SINE_ROOT_0", "COSINE_ROOT_0"):
        print("// biome-ignore lint/suspicious/noApproximativeNumericConstant: kept with its kin, where the kernels find it")
    print(f"export const {name} = {text[:-2] if text.endswith('.0') else text};")


def parts(value, bits):
    """Splits a constant into pieces of the given numbers of significant bits, the last piece rounded to 53 or 24."""
    out = []
    for b in bits:
        scale = mpf(2) ** (b - 1 - int(mp.floor(log(abs(value), 2))))
        out.append(mp.floor(value * scale) / scale)
        value -= out[-1]
    return out + [value]


EPS = mpf(10) ** -15  # the fits use even or smooth functions: a start just above 0 avoids 0/0
print("""// Numbers of the library's polynomials, shared by the kernels and TypeScript%s.
// Written by scripts/coefficients.py (minimax fits, the same numbers in every build); names ending in 32 before the
// index are for f32%s. The formulas are in %s.
""" % (("", " and are exact in it", "math.ts here and in src/engine") if wanted == "core" else
       (": those of matrices alone", "", "functions.ts here and in src/kernel/matrix")))

# e^r = 1 + r + r² P(r) on |r| ≤ ln2 / 2, relative to e^r - 1
ln2 = log(mpf(2))
constant("LOG2E", 1 / ln2)
hi, lo = parts(ln2, [33])
constant("LN2_HI", hi)
constant("LN2_LO", lo)
edge = ln2 / 2 * (1 + mpf(2) ** -20)
series = lambda r: sum(r**k / mp.factorial(k + 2) for k in range(30))
fit("EXP", 2, series, lambda r: r * r / expm1(r) if abs(r) > EPS else EPS, -edge, edge, 11)

# log((1+s)/(1-s)) = 2 s + s (z L(z)), z = s², m in [√½, √2)
atanh_rest = lambda z: sum(2 * z**k / (2 * k + 3) for k in range(60))
fit("LOG", 1, atanh_rest, lambda z: z, 0, (3 - 2 * sqrt(mpf(2))) ** 2 * (1 + mpf(2) ** -20), 7)

# sin x = x + x³ S(z), cos x = 1 - z/2 + z² C(z), z = x², |x| ≤ π/4
quarter = (pi / 4) ** 2 * (1 + mpf(2) ** -20)
sin_rest = lambda z: sum((-1) ** (k + 1) * z**k / mp.factorial(2 * k + 3) for k in range(20))
cos_rest = lambda z: sum((-1) ** k * z**k / mp.factorial(2 * k + 4) for k in range(20))
fit("SIN", 1, sin_rest, lambda z: z, 0, quarter, 6)
fit("COS", 1, cos_rest, lambda z: z * z, 0, quarter, 6)
constant("TWO_OVER_PI", 2 / pi)
for k, v in enumerate(parts(pi / 2, [33, 33])):
    constant(f"HALF_PI_{k + 1}", v)

# erf x = x + x P(z), |x| ≤ 1
erf_rest = lambda z: erf(sqrt(z)) / sqrt(z) - 1 if z > EPS else 2 / sqrt(pi) * (1 - z / 3) - 1
fit("ERF", 0, erf_rest, lambda z: 1, 0, 1, 13)
# (1 + x) e^{x²} erfc x = Q(t), t = (x - 3)/(x + 3), 1 ≤ x ≤ 28
tail = lambda t: (lambda x: (1 + x) * exp(x * x) * erfc(x))(3 * (1 + t) / (1 - t))
fit("ERFC", 0, tail, lambda t: 1 / tail(t), -mpf(1) / 2, mpf(25) / 31, 20)

# log(1+e) = 2 s + s (z M(z)), s = e/(2+e), z = s², 0 ≤ e ≤ 1
fit("LOG1P", 1, atanh_rest, lambda z: z, 0, mpf(1) / 9 * (1 + mpf(2) ** -20), 11)

# log Γ(x) = (x - ½) log x - x + ½ log 2π + Σ B_2k / (2k (2k-1) x^{2k-1})
constant("HALF_LOG_2PI", log(2 * pi) / 2)
constant("INV_SQRT_2PI", 1 / sqrt(2 * pi))
constant("SQRT_HALF", sqrt(mpf(1) / 2))
for k in range(1, 9):
    constant(f"STIRLING_{k}", bernoulli(2 * k) / (2 * k * (2 * k - 1)))

# The same in single precision. k log 2 and n π/2 are exact in the leading parts for |k| < 2^8, |n| < 2^13.
hi, lo = parts(ln2, [15])
constant("LN2_HI32", hi)
constant("LN2_LO32", F32_ROUND(lo))
for k, v in enumerate(parts(pi / 2, [11, 11])):
    constant(f"HALF_PI32_{k + 1}", F32_ROUND(v))
fit("EXP32", 2, series, lambda r: r * r / exp(r), -edge, edge, 5, F32_ROUND)
fit("LOG32", 1, atanh_rest, lambda z: z, 0, (3 - 2 * sqrt(mpf(2))) ** 2 * (1 + mpf(2) ** -20), 3, F32_ROUND)
fit("SIN32", 1, sin_rest, lambda z: z, 0, quarter, 3, F32_ROUND)
fit("COS32", 1, cos_rest, lambda z: z * z, 0, quarter, 3, F32_ROUND)
fit("LOG1P32", 1, atanh_rest, lambda z: z, 0, mpf(1) / 9, 4, F32_ROUND)
fit("ERF32", 0, erf_rest, lambda z: 1, 0, 1, 6, F32_ROUND)
# log erfc x, 1 ≤ x ≤ 4
fit("ERFC32", 0, lambda x: log(erfc(x)), lambda x: erfc(x), 1, 4, 6, F32_ROUND)

# Box–Muller. -2 log(1+f) = f N(f), -½ ≤ f < 0; cos x = 1 + z D(z)
half = lambda f: -2 * log(1 + f) / f
fit("RADIUS32", 0, half, lambda f: 1 / half(f), -mpf(1) / 2, -mpf(2) ** -40, 9, F32_ROUND)
constant("TWO_LN2", 2 * ln2)
constant("TWO_LN2_32", F32_ROUND(2 * ln2))
constant("HALF_PI", pi / 2)
constant("HALF_PI_WORD32", F32_ROUND(pi / 2 / 2**32))

section = "matrix"

# arcsin r = r + r (z A(z)), z = r², r ≤ ½
def asin_rest(z):
    return (asin(sqrt(z)) / sqrt(z) - 1) / z if z > mpf(10) ** -12 else mpf(1) / 6 + 3 * z / 40


fit("ASIN", 1, asin_rest, lambda z: z, 0, mpf(1) / 4 * (1 + mpf(2) ** -20), 12)
fit("ASIN32", 1, asin_rest, lambda z: z, 0, mpf(1) / 4 * (1 + mpf(2) ** -20), 5, F32_ROUND)

# with 1 - cos θ = g, 0 ≤ g ≤ 1: sin θ = √g S(g), θ cos θ = √g C(g); those of fewer terms are for f32, to be rounded after they are added
sine_root = lambda g: sqrt(2 - g)
cosine_root = lambda g: (1 - g) * acos(1 - g) / sqrt(g) if g > mpf(10) ** -12 else sqrt(mpf(2)) * (1 - g + g / 12)
fit("SINE_ROOT", 0, sine_root, lambda g: 1, 0, 1, 18)
fit("COSINE_ROOT", 0, cosine_root, lambda g: 1, 0, 1, 18)
fit("SINE_ROOT32", 0, sine_root, lambda g: 1, 0, 1, 8)
fit("COSINE_ROOT32", 0, cosine_root, lambda g: 1, 0, 1, 8)
