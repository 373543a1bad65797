"""The sweeps on small ranges; what they say of a codec that is wrong; the rules; the header's absence."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from fos_ref.errors import ToolchainError
from fos_ref.formats import E2M1, encode
from fos_ref.model.elements import ties_away
from fos_ref.proof.catalog import PROOFS
from fos_ref.proof.result import Finding
from fos_ref.proof.sweeps import codes as sweep_codes
from fos_ref.proof.sweeps import e8m0, header, narrowing, products, short
from fos_ref.proof.sweeps.pool import total
from fos_ref.proof.sweeps.rules import (
    ABOVE_464_IS_NAN,
    compare,
    DIFFERING,
    nan_is,
    PATTERNS,
    Side,
    UNEXPLAINED,
)

SMALL = 1 << 10
SIGN = 1 << 31
#: Zeros and subnormals, E2M1 ties, E4M3 ties, 464, 2^127, infinity and NaN; each range starts below its mark.
MARKS = (0, 0x3E800000, 0x3F400000, 0x40A00000, 0x3C080000, 0x43E80000, 0x47800000, 0x7F000000, 0x7F800000)
STARTS = [max(m - SMALL // 2, 0) + s for m in MARKS for s in (0, SIGN)] + [(1 << 32) - SMALL]
HALF_TO_E4M3 = "float16 to E4M3: ml_dtypes"


@pytest.fixture(scope="module")
def compiled_once():
    with header.compiled_or_reason() as pair:
        yield pair


@pytest.fixture
def one_library(compiled_once, monkeypatch):
    """Let every sweep of a test use the one library of this file."""
    for sweep in (sweep_codes, e8m0, products, short):
        monkeypatch.setattr(sweep, "compiled_or_reason", lambda: nullcontext(compiled_once))


def silent(done: int, tasks: int) -> None:
    assert 0 <= done <= tasks


def holds(found: Finding) -> None:
    """The finding is whole: each side has figures or a reason, every count is accounted for, none is left."""
    assert found.unexplained == 0
    assert found.compared > 0
    assert set(found.figures).isdisjoint(found.not_run)
    for reason in found.not_run.values():
        assert "g++" in reason or "nvidia" in reason


@pytest.mark.long
@pytest.mark.usefixtures("one_library")
def test_codes_on_the_ranges_where_they_change():
    found = sweep_codes.sweep(STARTS, SMALL, silent, jobs=1)
    holds(found)
    assert set(found.figures) | set(found.not_run) == {s.name for s in sweep_codes.SIDES}
    for side in sweep_codes.SIDES:
        if side.name in found.figures:
            figures = found.figures[side.name]
            assert figures[PATTERNS] == SMALL * len(STARTS)
            assert all(figures[rule.name] > 0 for rule in side.rules), "a rule that nothing needs"
            assert sum(figures[rule.name] for rule in side.rules) == figures[DIFFERING]


def test_the_last_pattern_of_all_is_compared():
    bits = sweep_codes.patterns((1 << 32) - SMALL, SMALL)
    assert (int(bits[0]), int(bits[-1])) == ((1 << 32) - SMALL, (1 << 32) - 1)
    tasks = range(0, sweep_codes.ALL, sweep_codes.TASK)
    assert tasks[-1] + sweep_codes.TASK == sweep_codes.ALL
    assert sweep_codes.TASK % sweep_codes.STEP == 0


def planted(wrong, ours=sweep_codes.OURS["E2M1"], start=0x40A00000 - 4):
    """Return the counts of one wrong implementation beside the compiled codec, around 5.0, a tie."""
    bits = sweep_codes.patterns(start, 8)
    side = Side(name="planted", rules=(nan_is(0x8, 0x0),))
    return sweep_codes.compare_codes(bits, ours, ((side, wrong),), None)


@pytest.mark.long
def test_a_codec_that_rounds_ties_away_is_unexplained():
    found = planted(lambda x, _: ties_away(x)[0])
    assert found["planted", DIFFERING] == found["planted", UNEXPLAINED] == 1


def test_a_wrong_compiled_codec_is_unexplained():
    def one_too_many(x, out):
        sweep_codes.OURS["E2M1"](x, out)
        out += 1

    found = planted(lambda x, _: encode(x, E2M1), ours=one_too_many)
    assert found["planted", UNEXPLAINED] == 8


def test_a_rule_explains_its_own_code_on_its_own_magnitudes_only():
    bits = np.array([0x43E80000, 0x43E80001, 0x7F800000, 0x7F800001, 0xC3E80001, 0xC3E80001], dtype=np.uint32)
    ours = np.array([0x7E, 0x7E, 0x7E, 0x7F, 0xFE, 0xFE], dtype=np.uint8)
    theirs = np.array([0x7F, 0x7F, 0x7D, 0xFF, 0xFF, 0x7F], dtype=np.uint8)
    side = Side(name="s", rules=(ABOVE_464_IS_NAN,))
    found = compare(side, bits, ours, theirs)
    # Two are above 464; 464 itself, another code at infinity, a NaN and a lost sign have no rule.
    assert found["s", ABOVE_464_IS_NAN.name] == 2
    assert found["s", UNEXPLAINED] == 4
    assert found["s", DIFFERING] == 6
    with_nan = replace(side, rules=(ABOVE_464_IS_NAN, nan_is(0xFF, 0xFF)))
    assert compare(with_nan, bits, ours, theirs)["s", UNEXPLAINED] == 3


@pytest.mark.parametrize(
    "side", [s for s in (*sweep_codes.SIDES, *e8m0.SIDES) if s.rules], ids=lambda s: s.name
)
def test_the_rules_of_a_side_do_not_overlap(side):
    ranges = sorted((r.first, r.last) for r in side.rules)
    assert all(first <= last for first, last in ranges)
    assert all(a[1] < b[0] for a, b in pairwise(ranges))


@pytest.mark.long
@pytest.mark.usefixtures("one_library")
def test_short_inputs():
    found = short.short_inputs(silent, 1)
    holds(found)
    assert len(found.figures) + len(found.not_run) == 20
    assert {f[PATTERNS] for f in found.figures.values()} == {1 << 16}
    # 464 is 0x5F40; from there to infinity, 0x7C00, and all but the quiet sign of NaN, for both signs.
    figures = found.figures[HALF_TO_E4M3]
    assert figures["above 464 is NaN"] == 2 * (0x7C00 - 0x5F40)
    assert figures["NaN keeps its sign"] == 0x3FF


def test_a_widening_that_loses_a_bit_or_a_sign_is_counted():
    raw = np.array([0x3C00, 0x8000, 0x0001, 0x7C01], dtype=np.uint16)
    values = [short.short_value(int(c), short.INPUTS["float16"][1]) for c in raw]
    right, found = np.array([1.0, -0.0, 2.0**-24, np.nan], dtype=np.float32), Counter()
    side = short.widening("float16", raw, values, right, found)
    assert found[side.name, UNEXPLAINED] == 0
    wrong = np.array([1.5, 0.0, 0.0, np.inf], dtype=np.float32)
    short.widening("float16", raw, values, wrong, found)
    assert found[side.name, UNEXPLAINED] == 4


@pytest.mark.long
def test_narrowing_on_the_ranges_where_it_changes():
    marks = (0x00007000, 0x33000000, 0x38800000, 0x477FF000, 0x7F7F8000)
    starts = STARTS + [m - SMALL // 2 + s for m in marks for s in (0, SIGN)]
    found = narrowing.sweep(starts, SMALL, silent, jobs=1)
    holds(found)
    assert len(found.figures) == 4


@pytest.mark.long
def test_a_rounding_towards_zero_is_unexplained(monkeypatch):
    bits = sweep_codes.patterns(0x3F808000, 4)

    def towards_zero(x, _):
        return (x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)

    monkeypatch.setattr(narrowing, "to_dtype", towards_zero)
    found = narrowing.compare_narrowing(bits, narrowing.TARGETS[0])
    assert found["bfloat16: to_dtype", UNEXPLAINED] == 3  # the first is a tie, and to even is down


@pytest.mark.long
def test_integer_roundings_are_the_exact_ones():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 0x7F800000, 200, dtype=np.uint32)
    for target in narrowing.TARGETS:
        codes, wide = narrowing.exact_narrowed(bits, target)
        _, precision = short.INPUTS[target.name]
        for b, c, w in zip(bits.tolist(), codes.tolist(), wide.tolist(), strict=True):
            value = short.exact.cast(short.exact.from_bits(b), precision)
            assert short.short_value(c, precision) == value == short.exact.from_bits(w)


@pytest.mark.long
@pytest.mark.usefixtures("one_library")
def test_e8m0_on_the_ranges_where_it_changes():
    marks = (0, 0x00400000, 0x00600000, 0x00800000, 0x3FC00000, 0x7F000000, 0x7F400000, 0x7F800000)
    found = e8m0.sweep([max(m - SMALL // 2, 0) for m in marks], SMALL, silent, jobs=1)
    holds(found)
    assert set(found.figures) | set(found.not_run) == {s.name for s in e8m0.SIDES}
    for side in (s for s in e8m0.SIDES if s.name in found.figures):
        assert all(found.figures[side.name][rule.name] > 0 for rule in side.rules), (
            "a rule that nothing needs"
        )


def test_an_e8m0_that_does_not_round_up_is_unexplained(monkeypatch):
    def down(x):
        bits = x.view(np.uint32) & np.uint32(0x7F800000)
        return (bits >> np.uint32(23)).astype(np.uint8), bits.view(np.float32)

    monkeypatch.setattr(e8m0, "e8m0_up", down)
    found = e8m0.compare_patterns(sweep_codes.patterns(0x3F800000, 5), None)
    assert found[e8m0.MODEL.name, UNEXPLAINED] == 4  # 1.0 itself is a power of two
    assert found[e8m0.MODEL_VALUE.name, UNEXPLAINED] == 4


@pytest.mark.usefixtures("one_library")
def test_products():
    found = products.products(silent, 1)
    holds(found)
    wide = found.figures["INT4 x UE4M3 in float16"]
    assert wide == {"compared": 16 * 127, "differing": 0, "significant bits at most": 7}
    assert Fraction(7 * 15, 512) == Fraction(products.GRIDS[1].units(7), 1 << 149) * Fraction(15, 512)


def test_a_wrong_product_is_counted():
    grid = products.GRIDS[0]
    elements = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
    # Code 8 is -0: +0 in its place has the wrong sign under every scale.
    assert products.compare_products(grid, np.float32, elements)["differing"] == 127


@pytest.mark.long
def test_chunks_over_processes_give_what_one_process_gives():
    tasks = [[("a", "x")] * 3, [("a", "y")], [("a", "x")]]
    alone = total(Counter, tasks, 1, silent)
    assert alone == total(Counter, tasks, 2, silent) == {("a", "x"): 4, ("a", "y"): 1}


@pytest.mark.long
def test_without_the_compiler_its_sides_are_not_run(monkeypatch):
    monkeypatch.setattr(header.shutil, "which", lambda _: None)
    found = sweep_codes.sweep([0], 8, silent, jobs=1)
    assert found.unexplained == 0
    assert found.not_run == dict.fromkeys(
        [s.name for s in sweep_codes.SIDES if s.needs_header],
        "g++ is not here: NVIDIA's headers cannot be compiled",
    )
    assert len(found.figures) == 4
    assert found.compared == 4 * 8
    assert set(products.products(silent, 1).not_run) == {
        "cuda header decodes E2M1",
        "cuda header decodes E4M3",
    }


def test_headers_that_are_not_there_or_do_not_compile_are_a_reason(monkeypatch):
    monkeypatch.setattr(header.shutil, "which", lambda _: "g++")
    monkeypatch.setattr(header, "PACKAGES", ("no-such-package",))
    with header.compiled_or_reason() as (library, reason):
        assert (library, reason) == (
            None,
            "no-such-package is not installed: cuda_fp4.h and cuda_fp8.h are needed",
        )
    monkeypatch.setattr(header, "PACKAGES", ("numpy",))
    monkeypatch.setattr(header, "INCLUDE", "no/such/folder")
    with pytest.raises(ToolchainError, match=r"numpy is installed without cuda_fp4\.h"):
        header.include_folder()


@pytest.mark.skipif(header.shutil.which("g++") is None, reason="g++ is not here")
def test_a_header_that_does_not_compile_says_why(tmp_path):
    (tmp_path / "cuda_fp4.h").write_text("#error not a header\n")
    with (
        pytest.raises(ToolchainError, match=r"g\+\+ cannot compile .*: .*not a header"),
        header.compiled(tmp_path),
    ):
        pass


def test_the_proofs_are_in_the_catalog():
    assert {"codes", "e8m0", "narrowing", "products", "scale-path", "short-inputs"} <= set(PROOFS)
