"""Sizes that a golden file states: none is believed, and every part has the rows and numbers of its input."""

from __future__ import annotations

import json

import pytest

from fos_ref.cli import run
from fos_ref.errors import GoldenFormatError
from fos_ref.vectors import layout
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.distinguishing.check import read, read_mutants, VECTORS
from fos_ref.vectors.file import read as read_file
from fos_ref.vectors.manifest import manifest
from tests.every import every
from tests.vectors.folder import files

WORKED = "v1/4over6/worked.json"
TILE = "v1/4over6-16x16/worked.json"
ROWS = "v1/te-mse-256-row/worked.json"


def changed(name, change):
    document = json.loads(files()[name])
    change(document)
    return canonical(document)


def first(document):
    return document["vectors"][0]


def block(document):
    return first(document)["steps"]["blocks"][0]


RAGGED = {
    "expected/codes": lambda d: first(d)["expected"].update(codes=["00"]),
    "expected/block_scales": lambda d: first(d)["expected"]["block_scales"].append("38"),
    "expected/picked4": lambda d: first(d)["expected"].update(picked4=["0 1 0 1 0 1"]),
    "expected/values_bits": lambda d: first(d)["expected"]["values_bits"].append("00000000"),
    "steps/tensor_amax_bits": lambda d: first(d)["steps"].update(tensor_amax_bits="00000000 00000000"),
    "steps/blocks, a row and a column": lambda d: block(d).update(row=10**9),
    "/map6/scaled_bits": lambda d: block(d)["map6"].update(scaled_bits=["00000000"]),
    "/map6/element_codes": lambda d: block(d)["map6"]["element_codes"].append("0"),
}


@pytest.mark.sample(8)
@pytest.mark.parametrize("name", [WORKED, TILE, ROWS])
@pytest.mark.parametrize("part", RAGGED)
def test_a_part_of_other_rows_or_numbers_is_named(name, part):
    read_file(files()[name], name)
    with pytest.raises(GoldenFormatError, match=part):
        read_file(changed(name, RAGGED[part]), name)


def test_an_input_without_whole_blocks_must_be_refused():
    def cut(document):
        v = first(document)
        v.update(shape=[v["shape"][0], 1], x_bits=[row.split(" ")[0] for row in v["x_bits"]])

    with pytest.raises(GoldenFormatError, match="has no whole blocks: it must be refused"):
        read_file(changed(WORKED, cut), WORKED)


@pytest.mark.sample(2)
@pytest.mark.parametrize("form", ["json", "npz", "c", "memh"])
def test_an_export_of_ragged_vectors_is_one_line(tmp_path, capsys, form):
    folder = tmp_path / "golden"
    (folder / "v1" / "4over6").mkdir(parents=True)
    data = changed(WORKED, RAGGED["expected/codes"])
    (folder / WORKED).write_bytes(data)
    (folder / "MANIFEST.json").write_bytes(manifest({WORKED: data}))
    out = tmp_path / "out"
    assert run(["golden", "export", "--dir", str(folder), "--format", form, "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


SIZES = [[2_000_000_000, 1], [10**30, 1], [1, 10**30], [1, 2_000_000_000]]


@pytest.mark.long
@every(SIZES)
def test_a_shape_is_held_against_the_bits_that_are_there(shape):
    """A list of the rows that a file states was made before its rows were counted."""
    with pytest.raises(GoldenFormatError, match="numbers of 8 hex digits are allowed"):
        read_file(changed(WORKED, lambda d: first(d).update(shape=shape)), WORKED)
    for part, reader in (("vectors", read), ("mutants", read_mutants)):
        data = changed(VECTORS, lambda d, part=part: d[part][0].update(shape=shape))
        with pytest.raises(GoldenFormatError, match="hex digits are allowed"):
            reader(data)


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [10**9, 1]},
        {"shape": [1, 10**9]},
        {"shape": [10**30, 1]},
        {"bytes": 10**13},
        {"bytes": 10**30},
        {"bytes": 1},
    ],
    ids=str,
)
def test_a_map_of_other_sizes_is_wrong_and_costs_nothing(change):
    data = changed(layout.NAME, lambda d: d["maps"][0].update(change))
    assert layout.failures(data) == ["layout/swizzle/1"]
