"""Writes math.json: `python3 test/reference/math.py > test/reference/math.json` (Debian: python3-mpmath).

Values of the functions of src/engine/math.ts at double arguments, computed in 60 digits and rounded to double.
"""

import json
import random

from mpmath import atan, cos, erf, erfc, exp, expm1, findroot, log, log1p, loggamma, mp, mpf, npdf, sin, sqrt, tanh

mp.dps = 60
random.seed(20190214)

functions = {
    "exp": (exp, -744, 709),
    "expm1": (expm1, -50, 700),
    "log": (log, 0, 1e3),
    "log1p": (log1p, -1, 1e3),
    "log1pExp": (lambda x: log1p(exp(x)), -700, 700),
    "sin": (sin, -1e6, 1e6),
    "cos": (cos, -1e6, 1e6),
    "tanh": (tanh, -21, 21),
    "erf": (erf, -6, 6),
    "erfc": (erfc, -6, 26.5),
    "normalPdf": (npdf, -38, 38),
    "normalCdf": (lambda x: erfc(-x / sqrt(mpf(2))) / 2, -37.5, 9),
    "lgamma": (loggamma, 0, 1e4),
    "logistic": (lambda x: 1 / (1 + exp(-x)), -700, 40),
}
# where formulas change: ends of reductions, pieces of erf, half of a tie
seams = [0.34657359027997264, 0.5, 0.7071067811865475, 0.7071067811865476, 0.9999999999999999, 1, 1.0000000000000002]
seams += [1.4142135623730951, 1.5707963267948966, 2, 3.141592653589793, 5.9999, 7.999999, 8, 22, 355]
sizes = [5e-324, 1e-310, 2.2250738585072014e-308, 1e-200, 1e-17, 1e-9, 1e-4, 1e-2]

table = {}
for name, (f, low, high) in functions.items():
    points = [s * v for v in seams + sizes for s in (1, -1)]
    points += [random.uniform(low, high) for _ in range(12)] + [random.uniform(-3, 3) for _ in range(12)]
    if name == "log":
        points += [random.random() * 10.0 ** random.randint(-300, 300) for _ in range(12)]
    if low == -1e6:
        points += [710.0 * 333 / 226, 1e6 - 0.125, 103993 / 33102 * 2**17, 999999.5]
    inside = sorted({x for x in points if low < x < high})
    table[name] = [[x, float(f(mpf(x)))] for x in inside]

powers = []
for _ in range(60):
    x = 10 ** random.uniform(-20, 20)
    y = random.uniform(-690, 690) / float(log(mpf(x)))
    powers.append([x, y, float(mpf(x) ** mpf(y))])
for x, y in [(1 - 2**-40, 3e14), (1 + 2**-52, 1e17), (0.5, 0.5), (1e-310, 0.25), (5e-324, -0.5), (1.5, 33), (3.0, -35)]:
    powers.append([x, y, float(mpf(x) ** mpf(y))])


def quantile(p):
    """x with P(G <= x) = p: Newton in log p for the lower tail, whose logarithm is nearly a parabola there."""
    if p > mpf(1) / 2:
        return -quantile(1 - p)
    if p == mpf(1) / 2:
        return mpf(0)
    start = -sqrt(-2 * log(p)) if p < mpf("0.1") else (p - mpf(1) / 2) * mpf("2.5")
    return findroot(lambda x: log(erfc(-x / sqrt(mpf(2))) / 2) - log(p), start)


# drawn after all others, whose numbers stay
levels = [random.random() for _ in range(20)] + [10 ** random.uniform(-307, 0) for _ in range(20)]
levels += [0.5 + 2.0**-k for k in (2, 10, 20, 40, 52)] + [0.5 - 2.0**-k for k in (3, 30, 53)] + [1 - 2.0**-53, 0.25, 0.75]
table["normalQuantile"] = [[p, float(quantile(mpf(p)))] for p in sorted(set(levels))]
slopes = [s * v for v in seams + sizes for s in (1, -1)] + [random.uniform(-30, 30) for _ in range(12)]
table["atan"] = [[x, float(atan(mpf(x)))] for x in sorted(set(slopes))]

print('{\n"what": "mpmath, 60 digits, rounded to double: [x, f(x)] and, for pow, [x, y, x^y]",')
print('"functions": {')
print(",\n".join(f'"{name}": {json.dumps(rows)}' for name, rows in table.items()))
print(f'}},\n"pow": {json.dumps(powers)}\n}}')
