"""Writes bessel.json: `python3 test/reference/bessel.py > test/reference/bessel.json` (Debian: python3-mpmath).

The Bessel-potential kernel of H^{-j}(R^D) from mpmath's K_nu in 60 digits, rounded to double: with nu = j - D/2 and
k(r) = k(0) kappa(r), rows are [D, j, log k(0), [[r, 1 - kappa(r), -kappa'(r)/r, kappa''(r) - kappa'(r)/r], ...]].
"""

import json

from mpmath import besselk, gamma, log, mp, mpf, pi

mp.dps = 60

cases = [(1, 1), (1, 2), (3, 2), (2, 2), (2, 1.3), (1, 0.6), (2, 3.5), (5, 4), (10, 8), (20, 61), (1, 1.51), (1, 25.25)]
cases += [(4, 2.01), (3, 200), (2, 1.0625)]
distances = [1e-12, 1e-6, 0.001, 0.03, 0.3, 1, 1.7, 3, 9.9, 20, 45, 70]


def row(dimension, order, r):
    nu = mpf(order) - mpf(dimension) / 2
    r = mpf(r)
    scaled = lambda power: r**power * besselk(power, r) / (2 ** (nu - 1) * gamma(nu))
    return [float(r), float(1 - scaled(nu)), float(scaled(nu - 1)), float(r * r * scaled(nu - 2))]


def at_zero(dimension, order):
    j, half = mpf(order), mpf(dimension) / 2
    return float(log(gamma(j - half) / ((4 * pi) ** half * gamma(j))))


print(json.dumps([[d, j, at_zero(d, j), [row(d, j, r) for r in distances]] for d, j in cases]))
