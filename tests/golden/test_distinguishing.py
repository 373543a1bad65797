"""The distinguishing rule: every pair of values of every axis has a committed vector, or a stated reason.

So mutation testing comes with the vectors: an engine that confuses two values of an axis fails one of them.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import GoldenFormatError
from fos_ref.recipes import PRESETS
from fos_ref.verify.distinguish import axis_pairs, BASES, INDISTINGUISHABLE, plain_name
from fos_ref.verify.golden_bits import RAISES, result
from fos_ref.verify.golden_check import failures, MANIFEST, manifest, read, read_mutants, VECTORS
from fos_ref.verify.golden_file import canonical, parse, VALUES_AXIS

GOLDEN = Path(__file__).parents[2] / "golden"
DATA = (GOLDEN / VECTORS).read_bytes()
LISTED = (GOLDEN / MANIFEST).read_bytes()
DOCUMENT = parse(DATA, VECTORS)
COMMITTED = read(DATA)
ALL = [*COMMITTED, *read_mutants(DATA)]
PAIRS = [(axis, plain_name(u), plain_name(v)) for axis, u, v in axis_pairs()]


def quietly():
    """Show no progress."""


def test_every_pair_of_values_has_a_vector_or_a_reason():
    assert len(PAIRS) == len(set(PAIRS)) > 100
    found = [(v.axis, *v.values) for v in COMMITTED]
    reasons = {(d["axis"], *d["values"]): d["reason"] for d in DOCUMENT["indistinguishable"]}
    assert [*found, *reasons] == sorted([*found, *reasons], key=lambda p: (p in reasons, PAIRS.index(p)))
    assert set(found) | set(reasons) == set(PAIRS)
    assert not set(found) & set(reasons)
    assert reasons == INDISTINGUISHABLE


@pytest.mark.parametrize("v", COMMITTED, ids=lambda v: v.name)
def test_both_sides_give_the_committed_bits_and_they_differ(v):
    values = v.axis == VALUES_AXIS
    first, second = (result(s.recipe, v.input, "numpy", values=values) for s in v.sides)
    assert first == v.sides[0].expected
    assert second == v.sides[1].expected
    assert first != second


@pytest.mark.parametrize("v", COMMITTED, ids=lambda v: v.name)
def test_the_sides_have_the_values_and_differ_elsewhere_only_where_they_must(v):
    first, second = (s.recipe for s in v.sides)
    assert tuple(plain_name(getattr(r, v.axis)) for r in (first, second)) == v.values
    assert [r.fingerprint() for r in (first, second)] == [s.fingerprint for s in v.sides]
    forced = {
        "candidates": {"element_format", "map4_scale", "error_domain", "error_metric", "reduction", "tie"},
        "element_format": {"candidates", "map4_scale", "error_domain", "error_metric", "reduction", "tie"},
        "tensor_scale": {"scale_max"},
        "element_cast": {"element_nan"},
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
        reached |= {getattr(PRESETS[b], axis) for b in BASES}
        assert everywhere <= reached


def test_verify_finds_nothing_in_the_committed_files(capsys):
    assert run(["golden", "verify", "--dir", str(GOLDEN), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == {"equal": True, "engine": "numpy", "vectors": len(ALL), "failures": []}


def flipped(change):
    """Return the vectors' file with `change` made, in canonical form, and an honest manifest for it."""
    document = copy.deepcopy(DOCUMENT)
    change(document["vectors"])
    data = canonical(document)
    return data, manifest({VECTORS: data}, len(ALL))


def flip_text(rows: list[str]) -> None:
    """Flip the lowest bit of the first number."""
    first = rows[0].split(" ")[0]
    rows[0] = f"{int(first, 16) ^ 1:0{len(first)}X}{rows[0][len(first) :]}"


@pytest.mark.parametrize("what", ["codes", "block_scales"])
def test_a_flipped_bit_of_an_expected_byte_is_found_in_every_vector(what):
    """With the checksum made good, so that the comparison has to find it."""
    changed = [
        (i, side)
        for i, v in enumerate(DOCUMENT["vectors"])
        for side in (0, 1)
        if v["sides"][side]["expected"] != RAISES
    ]

    def change(vectors):
        for i, side in changed:
            flip_text(vectors[i]["sides"][side]["expected"][what])

    _, found = failures(*flipped(change), "numpy", quietly)
    assert [(f.vector, f.side, f.what) for f in found] == [(COMMITTED[i].name, s, what) for i, s in changed]
    assert len(changed) > 200


def test_a_flipped_bit_of_a_value_is_found():
    def change(vectors):
        for v in vectors:
            if v["axis"] == VALUES_AXIS:
                flip_text(v["sides"][1]["expected"]["values_bits"])

    _, found = failures(*flipped(change), "numpy", quietly)
    assert [f.what for f in found] == ["values_bits"] * 10


def test_a_flipped_bit_of_an_input_that_changes_no_output_breaks_the_checksum():
    """The last bit of an element far from every midpoint: only the checksum can see it."""

    def change(vectors):
        (v,) = (v for v in vectors if v["axis"] == "zero_sign" and v["values"][1] == "negative-values")
        words = v["x_bits"][0].split(" ")
        words[3] = f"{int(words[3], 16) ^ 1:08X}"
        v["x_bits"][0] = " ".join(words)

    data, _ = flipped(change)
    _, found = failures(data, LISTED, "numpy", quietly)
    assert [(f.vector, f.what) for f in found] == [(VECTORS, "sha256")]


def test_another_value_of_an_axis_is_found():
    """The two sides exchanged: what an engine would give that confuses the values."""

    def change(vectors):
        for v in vectors:
            first, second = v["sides"]
            first["expected"], second["expected"] = second["expected"], first["expected"]

    _, found = failures(*flipped(change), "numpy", quietly)
    assert {(f.vector, f.side) for f in found} == {(v.name, side) for v in COMMITTED for side in (0, 1)}


def copied(folder, data, listed):
    (folder / VECTORS).parent.mkdir()
    (folder / VECTORS).write_bytes(data)
    (folder / MANIFEST).write_bytes(listed)


def test_verify_exits_1_and_names_what_differs(tmp_path, capsys):
    copied(tmp_path, *flipped(lambda vectors: flip_text(vectors[3]["sides"][1]["expected"]["codes"])))
    assert run(["golden", "verify", "--dir", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert COMMITTED[3].name in shown.err
    assert "codes is" in shown.err
    assert run(["golden", "verify", "--dir", str(tmp_path), "--json"]) == 1
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert (failure["vector"], failure["side"], failure["what"]) == (COMMITTED[3].name, 1, "codes")


def test_a_missing_folder_and_an_unknown_engine_are_one_line_and_exit_2(tmp_path, capsys):
    assert run(["golden", "verify", "--dir", str(tmp_path)]) == 2
    assert run(["golden", "verify", "--dir", str(GOLDEN), "--engine", "fast"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 2
    assert "No such file" in shown.err
    assert "engine 'fast'" in shown.err


BREAKS = {
    "fields": lambda v: v.pop("base"),
    "base 'x'": lambda v: v.update(base="x"),
    "dtype 'float8'": lambda v: v.update(dtype="float8"),
    "shape [0, 16]": lambda v: v.update(shape=[0, 16]),
    "hex digits are allowed": lambda v: v.update(x_bits=["zz"]),
    "amax_bits": lambda v: v.update(amax_bits="1.0e0"),
    "two sides": lambda v: v["sides"].pop(),
    "a side has exactly": lambda v: v["sides"][0].pop("axes"),
    "nothing is distinguished": lambda v: v["sides"].__setitem__(0, v["sides"][1]),
    "recipe JSON": lambda v: v["sides"][0]["axes"].update(block_scale="b*S"),
}


@pytest.mark.parametrize("problem", BREAKS)
def test_a_malformed_vector_is_an_error_that_says_so(problem):
    data, listed = flipped(lambda vectors: BREAKS[problem](vectors[0]))
    with pytest.raises(GoldenFormatError) as e:
        failures(data, listed, "numpy", quietly)
    assert problem in str(e.value)


@pytest.mark.parametrize("data", [b"[]\n", DATA[:-1], DATA.replace(b"\n", b"\r\n"), b"{", b"\xff", b"{}\n"])
def test_another_form_of_the_file_is_refused(data):
    with pytest.raises(GoldenFormatError):
        failures(data, LISTED, "numpy", quietly)


def test_the_command_reproduces_the_committed_files_byte_for_byte(tmp_path, capsys):
    assert run(["golden", "write", "--dir", str(tmp_path)]) == 0
    assert f"{len(ALL)} vectors" in capsys.readouterr().out
    assert (tmp_path / VECTORS).read_bytes() == DATA
    assert (tmp_path / MANIFEST).read_bytes() == LISTED
    assert sorted(p.name for p in tmp_path.rglob("*")) == [MANIFEST, "distinguishing.json", "v1"]
