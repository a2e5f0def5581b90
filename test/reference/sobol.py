"""Writes sobol.json: `python3 test/reference/sobol.py > test/reference/sobol.json` (Debian: python3-scipy).

Sobol's sequence by SciPy, with the direction numbers of Joe and Kuo: the first 16 points in some dimensions, and for all of
512 dimensions the sum over the first 4096 points of (2 n + 1) x_n mod 2^32, which every initial direction number enters.
"""

import json

import numpy
import scipy
from scipy.stats import qmc

POINTS, DIMENSIONS = 4096, 512
points = qmc.Sobol(DIMENSIONS, scramble=False, bits=32).random(POINTS)
words = (points * 2**32).astype(numpy.uint64)
odd = 2 * numpy.arange(POINTS, dtype=numpy.uint64)[:, None] + numpy.uint64(1)
sums = (odd * words).sum(axis=0, dtype=numpy.uint64) & numpy.uint64(0xFFFFFFFF)
print(f'{{"what": "scipy.stats.qmc.Sobol(512, scramble=False, bits=32) of SciPy {scipy.__version__}, words of 32 bits",')
print('"points": {')
print(",\n".join(f'"{d}": {json.dumps([int(x) for x in words[:16, d - 1]])}' for d in [1, 2, 3, 7, 64, 257, 512]))
print("},")
print(f'"sums": {json.dumps([int(x) for x in sums])}}}')
