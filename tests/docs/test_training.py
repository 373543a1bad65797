"""docs/training.md: every example is run and every figure recomputed."""

import re
from fractions import Fraction
from math import prod

import ml_dtypes
import numpy as np
import pytest

from fos_ref.inputs.distributions import make
from fos_ref.random import Feed, FEEDS, MAPS, philox4x32, probe, programs, sharing, words
from fos_ref.random.maps.wordmap import WordMap
from fos_ref.recipes import recipe
from fos_ref.rotate import gain, hadamard, scale
from fos_ref.rotate.matrix import SIZES
from fos_ref.training import STACKS
from tests.differential.training import (
    test_fouroversix_layer as fos,
)
from tests.differential.training import (
    test_fouroversix_triton as fos_triton,
)
from tests.differential.training import (
    test_quartet2 as q,
)
from tests.differential.training import (
    test_quartet2_layer as ql,
)
from tests.differential.training import (
    test_te_layer as te,
)
from tests.differential.training import (
    test_torchao_layer as ao,
)
from tests.docs.document import failing_examples, read_tables, text_of
from tests.random import experiments, planted

TEXT = text_of("training.md")
TABLES = read_tables(TEXT)
FOUR = (Feed.BYTE_LANE, Feed.PAIR_REVERSED, Feed.BYTE_NATURAL)


def rows(first):
    return [[cell.strip("`") for cell in row] for row in TABLES[first][1]]


def numbers(text):
    return [int(w, 16) for w in text.split()]


def test_every_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 14, "the examples were not found"
    assert report == ""


def test_the_known_answers():
    assert len(rows("rounds")) == 6
    for rounds, counter, key, want in rows("rounds"):
        assert philox4x32(numbers(counter), numbers(key), int(rounds)).tolist() == numbers(want)


def test_every_map_has_its_row():
    table = rows("map")
    assert [r[0] for r in table] == list(MAPS)
    for name, each, asked, drawn in table:
        found, chosen = sharing(name, (256, 1024)), MAPS[name]
        assert isinstance(chosen, WordMap)
        assert each == f"{chosen.elements} element{'s' * (chosen.elements > 1)}"
        assert (asked, drawn) == (f"{found.words:,}", f"{found.distinct:,}")


def test_the_check_words():
    for name, row, group, want in rows("check map"):
        found = words(name, (128, 128), seed=0x123456789ABCDEF0)[int(row)]
        assert found[int(group) :][: len(want.split())].tolist() == numbers(want)


def test_every_stack_has_its_row():
    own = {True: "to be given", False: "its own"}
    want = [
        [s.name, own[s.draws_signs], [o.name for o in s.operands if recipe(o.recipe).stochastic]]
        for s in STACKS.values()
    ]
    assert [[n, signs, re.findall("`?([a-z]+_[a-z])", takes)] for n, signs, takes in rows("stack")] == want


def test_the_maps_of_each_path_are_known():
    for _, *cells in rows("the call"):
        named = [re.findall(r"te-[a-z-]+", cell) for cell in cells]
        assert all(name in MAPS for names in named for name in names)
        assert [len(n) for n in named] == [1, 1]


def codes_of_layers(sizes):
    """Return how many codes the operands of layers (T, K, N) have: each tensor is quantized twice."""
    return sum(2 * (t * k + n * k + t * n) for t, k, n in sizes)


def test_how_many_codes_were_compared():
    """The page's counts are those of the tests that compare."""
    t, k, n = te.SIZES
    quartet = [prod(q.SHAPE[mode]) * len(q.FAMILIES) for mode, *_ in q.PRESETS.values()]
    counts = [
        codes_of_layers(sizes for _, sizes, *_ in ao.CASES),
        len(te.FAMILIES) * 2 * (t * k + n * k),
        codes_of_layers([fos.SIZES] * len(fos.FAMILIES) * len(fos.STACKS)),
        prod(fos_triton.SHAPE) * len(fos_triton.FAMILIES)
        * len(fos_triton.STYLES) * len(fos_triton.RULES) * len(fos_triton.FEEDS),
        sum(quartet),
        codes_of_layers([ql.SIZES] * len(ql.FAMILIES)),
        prod(q.EDEN_SHAPE) * len(q.EDEN_FAMILIES),
    ]  # fmt: skip
    assert [codes for _, _, codes, _ in rows("compared")] == [f"{c:,}" for c in counts]


def spread(cell):
    """Return the bit positions of a cell: '23..16 7..0'."""
    ends = [tuple(map(int, part.split(".."))) for part in cell.split()]
    return tuple(b for a, z in ends for b in (range(a, z - 1, -1) if a >= z else range(a, z + 1)))


def test_the_feeds_and_their_probe():
    for name, *cells, _ in rows("feed"):
        assert tuple(map(spread, cells)) == FEEDS[Feed(name)]
    heads = [h.strip("`") for h in TABLES["probe bit"][0][1:]]
    assert heads == [r[0] for r in rows("feed")] == [f.value for f in FOUR]
    for bit, *cells in rows("probe bit"):
        assert cells == [str(probe(f)[int(bit)]).lower() for f in FOUR]
    assert len({probe(f) for f in FOUR}) == len(FOUR)


def test_every_rounder_of_a_program_has_its_row():
    assert {r[0] for r in rows("rounder")} == set(programs.__all__) - {"triton_uniform"}


def few(v):
    return "0" if abs(v) < 1e-7 else f"{v:.1e}"


def test_what_a_rounder_costs():
    found = experiments.table()
    assert rows("rounder of elements") == [[n, f"{e:.2f}", few(s)] for n, (e, s) in found.items()]


#: published or stated elsewhere, each within 1 %
STATED = {
    "nearest even, bound 448": 9.0,
    "stochastic 16/17, ideal": 23.5,
    "stochastic as TE and torchao, ideal": 18.88,
    "4/6 and stochastic 16/17, own bits": 17.5,
    "MS-EDEN as the kernels, own noise": 9.37,
    "MS-EDEN as the simulator": 9.74,
}


def test_the_published_errors_are_met_within_a_hundredth():
    shown = {name: Fraction(error) for name, error, _ in rows("rounder of elements")}
    for name, stated in STATED.items():
        assert abs(shown[name] - Fraction(str(stated))) * 100 <= Fraction(str(stated)), name


def test_what_the_mean_of_draws_comes_to():
    found = experiments.concentration()
    assert rows("rounder of a mean") == [[n, f"{one:.2e}", few(floor)] for n, (one, floor) in found.items()]


def test_what_two_published_tests_see():
    word = {True: "passes", False: "fails"}
    found = planted.table()
    assert rows("planted mistake") == [[n, word[a], word[b], f"{d:,}"] for n, (a, b, d) in found.items()]


def test_the_entries_and_their_gain():
    want = [[str(n), str(Fraction(scale(n))), f"{float(gain(n)):.6g}"] for n in SIZES]
    assert rows("size") == want


def blocks(name):
    if name == "wide":
        rng = np.random.default_rng(0)
        return np.exp(3 * rng.standard_normal((1 << 16, 16))) * rng.choice([-1.0, 1.0], (1 << 16, 16))
    return make(name, (1 << 16, 16), 0, "bfloat16")


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["normal", "student-t3", "wide"])
def test_what_is_decided(name):
    x = blocks(name).astype(ml_dtypes.bfloat16)
    exact = hadamard(x, out="float32").decided.all(axis=1)
    decided = hadamard(x).decided
    shown = {r[0]: r[1:] for r in rows("input")}[name]
    assert shown == [
        f"{100 * exact.mean():.2f} %",
        f"{(~decided).sum():,}",
        f"{(~decided.all(axis=1)).sum():,}",
    ]
