"""The certificate: it is what its definition says, and nothing that it certifies can be rounded."""

from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from fos_ref.matmul.accumulate import toward_zero
from fos_ref.matmul.certify import _elements, _groups, _span_of_elements
from fos_ref.matmul.operand import operands
from fos_ref.matmul.spans import fits
from fos_ref.matmul.sums import group_sums, unit_of
from fos_ref.oracle.products import (
    certified,
    element_terms,
    group_terms,
    keeps_alignment,
    rounded,
    sequential,
    total,
    tree,
)
from tests.matmul.lines import drawn, lines, tensor

SPREADS = (None, 0, 2, 10, 60)
MODES = ("nearest", "zero", "up", "down")


def by_definition(a, b, level):
    def one(x, y):
        if level == "element":
            return certified(element_terms(x, y))
        return certified(group_terms(x, y)) and keeps_alignment(x, y)

    return [[one(x, y) for y in lines(b)] for x in lines(a)]


@pytest.mark.long
@pytest.mark.parametrize("level", ["block", "element"])
@pytest.mark.parametrize("recipe", ["nvfp4", "fouroversix-nvint4"])
def test_it_is_its_definition(recipe, level):
    rng = np.random.default_rng(10)
    found = []
    for spread in SPREADS:
        a, b = (drawn(rng, 5, 64, recipe, spread) for _ in range(2))
        got = matmul.certificate(a, b, level)
        assert got.tolist() == by_definition(a, b, level)
        found += got.ravel().tolist()
    assert 0 < sum(found) < len(found)


@pytest.mark.sample(1)
@pytest.mark.parametrize("spread", [0, 3, 30])
def test_mx_asks_for_the_exponents_too(spread):
    """The product of both block scales is a float32 of its own there, so it may say less than the sum's."""
    rng = np.random.default_rng([11, spread])
    a, b = (drawn(rng, 4, 96, "ocp-mxfp4", spread) for _ in range(2))
    for level in ("block", "element"):
        want = np.array(by_definition(a, b, level))
        assert not np.any(matmul.certificate(a, b, level) & ~want)
    near = [tensor(np.full((1, 32), 2), [[byte]], "ocp-mxfp4") for byte in (127, 1, 249)]
    got = [[bool(matmul.certificate(x, y)[0, 0]) for y in near] for x in near]
    assert got == [[True, True, True], [True, False, True], [True, True, False]]


def test_both_ways_to_the_element_certificate_agree():
    rng = np.random.default_rng(12)
    for spread in SPREADS:
        x, y = operands(drawn(rng, 12, 160, spread=spread), drawn(rng, 9, 160, spread=spread), "test")
        assert _span_of_elements(x, y) is not None
        slow = _groups(group_sums(x.single(), y.single()), *unit_of(x, y), aligned=False)
        assert np.array_equal(_elements(x, y), slow)


@pytest.mark.parametrize("recipe", ["nvfp4", "fouroversix-nvint4"])
def test_the_fast_way_over_groups_is_the_slow_one(recipe):
    """Tiles that end within the operands, groups that are no multiple of those added at once, NaN scales."""
    rng = np.random.default_rng([14, len(recipe)])
    found = []
    for spread in SPREADS:
        a, b = drawn(rng, 131, 176, recipe, spread), drawn(rng, 129, 176, recipe, spread)
        a.block_scales[7, 3] = 0x7F
        x, y = operands(a, b, "test")
        assert fits(x, y)
        slow = _groups(group_sums(x, y), *unit_of(x, y), aligned=True)
        got = matmul.certificate(a, b)
        assert np.array_equal(got, slow)
        found += [got.mean(), not got[7].any()]
    assert 0 < np.mean(found) < 1


def test_outputs_on_the_limit_are_asked_again():
    """P is 2^24 units exactly, or one more that float32 does not see: 2^24 and 2^24 + 1 look the same."""
    big, unit = (0x78, [6] * 16), (0x38, [2] + [0] * 15)
    one = (0x38, [2] + [0] * 15)
    for blocks, want in (([big], True), ([big, unit], False), ([big, unit, one], False)):
        codes, scales = np.concatenate([c for _, c in blocks])[None], [[s for s, _ in blocks]]
        a = tensor(codes, scales)
        x, y = operands(a, a, "test")
        assert fits(x, y)
        assert matmul.certificate(a, a)[0, 0] == want


def test_sevenths_are_never_certified_and_an_empty_sum_always_is():
    ones = np.full((1, 16), 2)
    plain, flagged = (tensor(ones, [[s]], "fouroversix-if4-mse") for s in (0x38, 0xB8))
    empty = tensor(ones * 0, [[0x38]], "fouroversix-if4-mse")
    for level in ("block", "element"):
        got = [bool(matmul.certificate(x, plain, level)[0, 0]) for x in (plain, flagged, empty)]
        assert got == [True, False, True]
    assert not matmul.certificate(tensor(ones, [[0x7F]]), tensor(ones, [[0x38]]))[0, 0]
    with pytest.raises(InputError, match="level 'tile'"):
        matmul.certificate(plain, plain, "tile")


def test_the_edge_is_where_24_bits_end():
    """2^24 - 1 units hold, 2^24 hold (a power of two), 2^24 + 1 do not: P is what is asked, not the sum."""
    big, one = (0x78, [6] * 4 + [0] * 12), (0x38, [2] + [0] * 15)  # 4*4*256^2 = 2^20 each; 1

    def built(*blocks):
        codes, scales = [c for _, c in blocks], [s for s, _ in blocks]
        return tensor(np.concatenate(codes)[None], [scales])

    quarter = built((0x78, [6] * 16), (0x38, [0] * 16))
    assert matmul.exact(quarter, quarter)[0, 0] == 1 << 24
    assert matmul.certificate(quarter, quarter)[0, 0]
    more = built((0x78, [6] * 16), one)
    assert matmul.exact(more, more)[0, 0] == (1 << 24) + 1
    assert not matmul.certificate(more, more)[0, 0]
    less = built((0x78, [6] * 12 + [0] * 4), big, one)
    assert matmul.exact(less, less)[0, 0] == (1 << 24) + 1
    assert not matmul.certificate(less, less)[0, 0]


def test_the_pair_of_scales_that_35_bits_do_not_hold():
    """448 * 448 beside 0.5 * 0.5 under the smallest scales: 2^-20 lies below 2^(16-35)."""
    codes = [[0] * 16 + [1] + [0] * 15]
    a = tensor(codes, [[0x7E, 0x01]])
    assert matmul.exact(a, a)[0, 0] == 2.0**-20
    assert matmul.certificate(a, a, "element")[0, 0]
    assert not matmul.certificate(a, a, "block")[0, 0]
    assert matmul.raw(a, a, "blackwell-fp4").total[0, 0] == 0
    assert matmul.raw(a, a, "te").total[0, 0] == np.float32(2.0**-20)


@pytest.mark.long
def test_no_order_no_tree_and_no_rounding_moves_a_certified_sum():
    rng = np.random.default_rng(13)
    tried = 0
    for spread in (0, 2, 10, 30):
        a, b = (drawn(rng, 4, 64, spread=spread) for _ in range(2))
        for level, terms_of in (("block", group_terms), ("element", element_terms)):
            for i, j in zip(*np.nonzero(matmul.certificate(a, b, level)), strict=True):
                terms = terms_of(lines(a)[i], lines(b)[j])
                exact = total(terms)
                assert Fraction(np.float32(float(exact)).item()) == exact
                for mode in MODES:
                    order = [terms[k] for k in rng.permutation(len(terms))]
                    assert sequential(order, mode) == exact == tree(order, mode) == rounded(exact, mode)
                    tried += 2
    assert tried > 300


@pytest.mark.parametrize("distribution", ["normal", "student-t3", "outlier-channels"])
def test_certified_outputs_are_exact_in_every_model(distribution):
    x, y = (make(distribution, (24, 512), seed) for seed in (0, 1))
    a, b = (fos_ref.quantize(v, "4over6-mse", engine="numpy") for v in (x, y))
    exact = matmul.exact(a, b)
    blocks, elements = (matmul.certificate(a, b, level) for level in ("block", "element"))
    assert blocks.mean() > 0.5
    assert not np.any(elements & ~matmul.certificate(a, b, "element"))
    for model, sure in (("te", blocks), ("blackwell-fp4", blocks), ("cutlass", elements)):
        assert np.array_equal(matmul.raw(a, b, model).total[sure], exact[sure].astype(np.float32))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [1, 2])
def test_five_million_certified_outputs_hold_no_counterexample(seed):
    """Random codes under random scales of every spread: three models, and a random order cut toward zero."""
    rng = np.random.default_rng(seed)
    outputs = wrong = 0
    while outputs < 5_000_000:
        k = int(rng.choice([64, 64, 128, 256]))
        spread = int(rng.choice([0, 1, 2, 4, 8, 16, 24, 40, 80]))
        a, b = (drawn(rng, 512, k, spread=spread) for _ in range(2))
        exact = matmul.exact(a, b).astype(np.float64)
        for level, models in (("block", ("te", "blackwell-fp4")), ("element", ("cutlass",))):
            sure = matmul.certificate(a, b, level)
            for model in models:
                wrong += int(np.count_nonzero(matmul.raw(a, b, model).total[sure] != exact[sure]))
                outputs += int(np.count_nonzero(sure))
        wrong += int(np.count_nonzero(shuffled(rng, a, b)[sure] != exact[sure]))
        outputs += int(np.count_nonzero(sure))
    assert wrong == 0


def shuffled(rng, a, b):
    """Return the sum of single products in a random order, each addition cut toward zero."""
    x, y = (o.flat() for o in operands(a, b, "test"))
    found = np.zeros((len(x), len(y)), np.float32)
    for k in rng.permutation(x.shape[1]):
        found = toward_zero(found.astype(np.float64) + x[:, k, None].astype(np.float64) * y[:, k])
    return found
