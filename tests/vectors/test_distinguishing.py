"""The distinguishing rule: every pair of values of every axis has a committed vector, or a stated reason.

So mutation testing comes with the vectors: an engine that confuses two values of an axis fails one of them.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.recipes import PRESETS
from fos_ref.vectors.bits import RAISES, result
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.distinguishing import values
from fos_ref.vectors.distinguishing.check import failures, read, read_mutants, VECTORS
from fos_ref.vectors.distinguishing.file import VALUES_AXIS
from fos_ref.vectors.distinguishing.search import (
    axis_pairs,
    BASES,
    edition,
    INDISTINGUISHABLE,
    plain_name,
)
from fos_ref.vectors.editions import LATER
from tests.every import every

GOLDEN = Path(__file__).parents[2] / "golden"
DATA = (GOLDEN / VECTORS).read_bytes()
DOCUMENT = parse(DATA, VECTORS)
FIRST = read(DATA)
YOUNGER = {name: values.read((GOLDEN / name).read_bytes(), name) for name in values.NAMES}
COMMITTED = [*FIRST, *(v for found in YOUNGER.values() for v in found)]
ALL = [*FIRST, *read_mutants(DATA)]
PAIRS = [(axis, plain_name(u), plain_name(v)) for axis, u, v in axis_pairs()]


def quietly():
    """Show no progress."""


def test_every_pair_of_values_has_a_vector_or_a_reason():
    assert len(PAIRS) == len(set(PAIRS)) > 100
    found = [(v.axis, *v.values) for v in COMMITTED]
    reasons = {(d["axis"], *d["values"]): d["reason"] for d in DOCUMENT["indistinguishable"]}
    parts = [[(v.axis, *v.values) for v in file] for file in (FIRST, *YOUNGER.values())]
    for part in (*parts, [*reasons]):
        assert part == sorted(part, key=PAIRS.index)
    assert set(found) | set(reasons) == set(PAIRS)
    assert not set(found) & set(reasons)
    assert reasons == INDISTINGUISHABLE


def test_a_file_has_the_pairs_whose_younger_value_is_of_its_edition():
    """A value that is added stands in the last edition: the files before stay as they were published."""
    files = [FIRST, *YOUNGER.values()]
    for number, found in enumerate(files, 1):
        pairs = {
            (a, plain_name(u), plain_name(v)) for a, u, v in axis_pairs() if edition((a, u, v)) == number
        }
        assert pairs - {*INDISTINGUISHABLE} == {(v.axis, *v.values) for v in found}
    assert len(files) == 1 + len(LATER)


@pytest.mark.long
@every(COMMITTED, lambda v: v.name)
def test_both_sides_give_the_committed_bits_and_they_differ(v):
    values = v.axis == VALUES_AXIS
    first, second = (result(s.recipe, v.input, "numpy", values=values) for s in v.sides)
    assert first == v.sides[0].expected
    assert second == v.sides[1].expected
    assert first != second


@every(COMMITTED, lambda v: v.name)
def test_the_sides_have_the_values_and_differ_elsewhere_only_where_they_must(v):
    first, second = (s.recipe for s in v.sides)
    assert tuple(plain_name(getattr(r, v.axis)) for r in (first, second)) == v.values
    assert [r.fingerprint() for r in (first, second)] == [s.fingerprint for s in v.sides]
    forced = {
        "candidates": {"element_format", "map4_scale", "error_domain", "error_metric", "reduction", "tie"},
        "element_format": {
            *("candidates", "map4_scale", "error_domain", "error_metric", "reduction", "tie"),
            *("element_cast", "element_nan"),
        },
        "zero_scale": {"element_scaling"},
        "error_domain": {"candidates"},
        "tensor_scale": {"scale_max", "block_scale", "scale_format"},
        "scale_format": {"block_scale"},
        "block_scale": {"scale_format", "tensor_scale", "scale_max"},
        "element_cast": {"element_nan", "zero_sign"},
        "zero_sign": {"element_cast", "element_nan"},
        "element_nan": {"element_cast"},
        "error_metric": {"reduction"},
    }
    assert set(first.diff(second)) - {v.axis} <= forced.get(v.axis, set())


def test_the_inputs_are_small():
    blocks = [
        v.input.x.size // (s.recipe.block_rows * s.recipe.block_cols) for v in COMMITTED for s in v.sides
    ]
    assert max(v.input.x.size for v in COMMITTED) <= 16 * 32
    assert np.median(blocks) == 1


def test_the_bases_have_every_value_that_a_preset_has():
    for axis in PRESETS["nvfp4"].axes():
        everywhere = {getattr(r, axis) for r in PRESETS.values()}
        reached = {getattr(s.recipe, axis) for v in COMMITTED for s in v.sides}
        reached |= {getattr(PRESETS[b], axis) for b in (*BASES, *(name for e in LATER for name in e.varied))}
        assert everywhere <= reached


@pytest.mark.long
def test_verify_finds_nothing_in_the_committed_file():
    assert failures(DATA, "numpy", quietly) == (len(ALL), [])


def flipped(change):
    """Return the vectors' file with `change` made, in canonical form."""
    document = copy.deepcopy(DOCUMENT)
    change(document["vectors"])
    return canonical(document)


def flip_text(rows: list[str]) -> None:
    """Flip the lowest bit of the first number."""
    first = rows[0].split(" ")[0]
    rows[0] = f"{int(first, 16) ^ 1:0{len(first)}X}{rows[0][len(first) :]}"


@pytest.mark.long
@pytest.mark.parametrize("what", ["codes", "block_scales"])
def test_a_flipped_bit_of_an_expected_byte_is_found_in_every_vector(what):
    changed = [
        (i, side)
        for i, v in enumerate(DOCUMENT["vectors"])
        for side in (0, 1)
        if v["sides"][side]["expected"] != RAISES
    ]

    def change(vectors):
        for i, side in changed:
            flip_text(vectors[i]["sides"][side]["expected"][what])

    _, found = failures(flipped(change), "numpy", quietly)
    assert [(f.vector, f.side, f.what) for f in found] == [(FIRST[i].name, s, what) for i, s in changed]
    assert len(changed) > 200


@pytest.mark.long
def test_a_flipped_bit_of_a_value_is_found():
    def change(vectors):
        for v in vectors:
            if v["axis"] == VALUES_AXIS:
                flip_text(v["sides"][1]["expected"]["values_bits"])

    _, found = failures(flipped(change), "numpy", quietly)
    assert [f.what for f in found] == ["values_bits"] * 10


@pytest.mark.long
def test_another_value_of_an_axis_is_found():
    """The two sides exchanged: what an engine would give that confuses the values."""

    def change(vectors):
        for v in vectors:
            first, second = v["sides"]
            first["expected"], second["expected"] = second["expected"], first["expected"]

    _, found = failures(flipped(change), "numpy", quietly)
    assert {(f.vector, f.side) for f in found} == {(v.name, side) for v in FIRST for side in (0, 1)}


BREAKS = {
    "/vectors/0/base: missing": lambda v: v.pop("base"),
    "base 'x'": lambda v: v.update(base="x"),
    "/vectors/0/dtype: 'float8'": lambda v: v.update(dtype="float8"),
    "/vectors/0/shape/0: 0: at least 1": lambda v: v.update(shape=[0, 16]),
    "hex digits are allowed": lambda v: v["x_bits"].append("00000000"),
    "/vectors/0/x_bits/0: 'zz'": lambda v: v.update(x_bits=["zz"]),
    "amax_bits": lambda v: v.update(amax_bits="1.0e0"),
    "/vectors/0/sides: 1 items": lambda v: v["sides"].pop(),
    "/vectors/0/sides/0/axes: missing": lambda v: v["sides"][0].pop("axes"),
    "nothing is distinguished": lambda v: v["sides"].__setitem__(0, v["sides"][1]),
    "recipe JSON": lambda v: v["sides"][0]["axes"].update(block_scale="b*S"),
}


@pytest.mark.sample(4)
@pytest.mark.parametrize("problem", BREAKS)
def test_a_malformed_vector_is_an_error_that_says_so(problem):
    data = flipped(lambda vectors: BREAKS[problem](vectors[0]))
    with pytest.raises(GoldenFormatError) as e:
        failures(data, "numpy", quietly)
    assert problem in str(e.value)


@pytest.mark.parametrize("data", [b"[]\n", DATA[:-1], DATA.replace(b"\n", b"\r\n"), b"{", b"\xff", b"{}\n"])
def test_another_form_of_the_file_is_refused(data):
    with pytest.raises(GoldenFormatError):
        failures(data, "numpy", quietly)
