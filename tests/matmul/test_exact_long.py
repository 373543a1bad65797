"""100,000 exact outputs over adversarial codes and scales, K up to 65,536, beside Fractions."""

from fractions import Fraction
from operator import mul

import numpy as np
import pytest

from fos_ref import matmul
from tests.matmul.lines import drawn, lines

#: (K, rows of a, rows of b, rounds): 105,360 outputs over four kinds and four spreads.
SIZES = ((64, 55, 50, 2), (512, 30, 30, 1), (4096, 12, 12, 1), (16_384, 5, 5, 1), (65_536, 4, 4, 1))
KINDS = ("nvfp4", "fouroversix-nvint4", "fouroversix-if4-mse", "ocp-mxfp4")
SPREADS = (None, 0, 4, 40)


def whole_rows(q):
    """Return (whole numbers of each row, their common unit): codes times scales by the oracle's formats."""
    known, rows = {}, []
    for line in lines(q):
        row = []
        for k, code in enumerate(line.codes):
            key = code, line.scales[k // line.block]
            if key not in known:
                known[key] = line.element(k) * line.scale(k)
            row.append(known[key])
        rows.append(row)
    unit = 1
    for value in known.values():
        unit = max(unit, value.denominator) if unit % value.denominator == 0 else unit * value.denominator
    return [[(v * unit).numerator for v in row] for row in rows], unit


def differing(a, b):
    """Return (outputs, how many are not the exact Fraction)."""
    (x, ux), (y, uy) = whole_rows(a), whole_rows(b)
    got = matmul.exact(a, b)
    wrong = 0
    for i, row in enumerate(x):
        for j, column in enumerate(y):
            wrong += Fraction(got[i, j]) != Fraction(sum(map(mul, row, column)), ux * uy)
    return got.size, wrong


def test_a_few_outputs_of_each_kind():
    rng = np.random.default_rng(90)
    for kind in KINDS:
        a, b = (drawn(rng, 2, 96, kind) for _ in range(2))
        assert differing(a, b) == (4, 0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_thousand_outputs(kind):
    outputs = 0
    for seed, spread in enumerate(SPREADS):
        rng = np.random.default_rng([91, seed])
        for k, rows, columns, rounds in SIZES:
            for _ in range(rounds):
                count, wrong = differing(
                    drawn(rng, rows, k, kind, spread), drawn(rng, columns, k, kind, spread)
                )
                assert wrong == 0, (kind, spread, k)
                outputs += count
    assert outputs == len(SPREADS) * sum(m * n * rounds for _, m, n, rounds in SIZES) >= 100_000 // len(KINDS)
