"""Writes philox.json: `python3 test/reference/philox.py > test/reference/philox.json` (Debian: python3-mpmath).

Philox4x32-10 in Python integers, checked against the vectors published with Random123, and the layout of
docs/streams.md; uniforms are exact, normals are Box-Muller in 40 digits, rounded to double.
"""

import json

from mpmath import cos, log, mp, mpf, pi, sin, sqrt

mp.dps = 40
MASK = 0xFFFFFFFF


def philox(key, counter):
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        a, b = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ k0, b & MASK, (a >> 32) ^ c3 ^ k1, a & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return [c0, c1, c2, c3]


def word(name, index, low):
    seed, step = name["seed"], name["step"]
    key = (seed & MASK, seed >> 32 | name["purpose"] << 21)
    return philox(key, (index >> 2, step & MASK, step >> 32 | low << 31, name["replica"]))[index & 3]


def uniform(name, index):
    return (mpf(word(name, index, 0) * 2**20 + (word(name, index, 1) >> 12)) + mpf(1) / 2) / 2**52


def normal(name, index):
    r = sqrt(-2 * log(uniform(name, index & ~1)))
    angle = 2 * pi * uniform(name, index | 1)
    return r * (sin(angle) if index & 1 else cos(angle))


published = [
    ([0, 0], [0, 0, 0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([MASK] * 2, [MASK] * 4, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0xA4093822, 0x299F31D0],
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]
for key, counter, answer in published:
    assert philox(key, counter) == answer

names = [
    {"seed": 0, "purpose": 0, "replica": 0, "step": 0, "from": 0},
    {"seed": 1, "purpose": 4, "replica": 0, "step": 12345, "from": 0},
    {"seed": 2**53 - 1, "purpose": 255, "replica": 2**32 - 1, "step": 2**53 - 1, "from": 2**32 - 12},
    {"seed": 2**32, "purpose": 1, "replica": 7, "step": 2**32, "from": 5},
    {"seed": 20190214, "purpose": 6, "replica": 3, "step": 10**9, "from": 1001},
]
streams = []
for name in names:
    draws = range(name["from"], name["from"] + 12)
    streams.append(
        name
        | {
            "words": [word(name, i, 0) for i in draws],
            "uniforms": [float(uniform(name, i)) for i in draws],
            "normals": [float(normal(name, i)) for i in draws],
        }
    )

data = {
    "what": "Philox4x32-10: vectors published with Random123 (kat_vectors), and draws of streams by docs/streams.md",
    "published": [{"key": k, "counter": c, "words": w} for k, c, w in published],
    "streams": streams,
}
print(json.dumps(data, indent=1))
