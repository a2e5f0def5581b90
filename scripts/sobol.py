"""Writes the direction numbers of src/model/sobolDirections.ts: `python3 scripts/sobol.py > src/model/sobolDirections.ts`
(Debian: python3-scipy, which carries the table new-joe-kuo-6.21201 of Joe and Kuo as published).
"""

import os
import textwrap

import numpy
import scipy.stats

DIMENSIONS = 512

HEAD = """// Direction numbers of Sobol's sequence: S. Joe, F. Y. Kuo, SIAM J. Sci. Comput. 30 (2008) 2635, table new-joe-kuo-6.21201.
// Written by scripts/sobol.py. One word a dimension from the second on, "a,m_1,…,m_s": the primitive polynomial
// x^s + a_1 x^{s−1} + … + a_{s−1} x + 1 with a = a_1 … a_{s−1} in binary, and the initial numbers m_k, odd and below 2^k.
/*!
Copyright (c) 2008, Frances Y. Kuo and Stephen Joe. All rights reserved.

Redistribution and use in source and binary forms, with or without modification, are permitted provided that the following
conditions are met:
* Redistributions of source code must retain the above copyright notice, this list of conditions and the following
  disclaimer.
* Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following
  disclaimer in the documentation and/or other materials provided with the distribution.
* Neither the names of the copyright holders nor the names of the University of New South Wales and the University of
  Waikato and its contributors may be used to endorse or promote products derived from this software without specific
  prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT
LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED. IN NO EVENT
SHALL THE COPYRIGHT HOLDERS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES
(INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS
INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING
NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH
DAMAGE.
*/

/** The words of dimensions 2, 3, …; the first has v_k = 2^{−k} and needs none. */
export const SOBOL_DIRECTIONS = `"""

table = numpy.load(os.path.join(os.path.dirname(scipy.stats.__file__), "_sobol_direction_numbers.npz"))
words = []
for row in range(1, DIMENSIONS):
    polynomial = int(table["poly"][row])
    degree = polynomial.bit_length() - 1
    inner = (polynomial >> 1) & ((1 << (degree - 1)) - 1)
    words.append(",".join(str(int(x)) for x in [inner, *table["vinit"][row][:degree]]))
print(HEAD)
print(textwrap.fill(" ".join(words), 118, break_long_words=False))
print("`;")
