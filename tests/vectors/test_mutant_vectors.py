"""Each mutant has a vector of its own: what the recipe gives there, and what the mistake gives instead."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import EDITIONS, MUTANTS, of_edition, up_to
from fos_ref.vectors.bits import RAISES, result
from fos_ref.vectors.canonical import canonical, parse
from fos_ref.vectors.distinguishing import reported
from fos_ref.vectors.distinguishing.check import failures, read_mutants, VECTORS

GOLDEN = Path(__file__).parents[2] / "golden"
DATA = (GOLDEN / VECTORS).read_bytes()
DOCUMENT = parse(DATA, VECTORS)
REPORTED = (GOLDEN / reported.NAME).read_bytes()
VECTOR = {v.mutant: v for v in (*read_mutants(DATA), *reported.read(REPORTED))}


def quietly():
    """Show no progress."""


def test_there_is_one_vector_for_each_mutant():
    assert list(VECTOR) == list(MUTANTS)
    assert len(DOCUMENT["mutants"]) == len(of_edition(1))
    assert len(parse(REPORTED, reported.NAME)["mutants"]) == len(of_edition(2)) > 20
    for name, v in VECTOR.items():
        assert (v.flag, v.sides[0].recipe.name) == (MUTANTS[name].flag, MUTANTS[name].recipe)
        assert v.input.x.size <= 16 * 32


@pytest.mark.sample(34)
@pytest.mark.parametrize("name", MUTANTS)
def test_the_recipe_gives_what_is_expected_and_the_mutant_the_other(name):
    v = VECTOR[name]
    (side,) = v.sides
    assert result(side.recipe, v.input, "numpy") == side.expected
    with MUTANTS[name].planted():
        assert result(side.recipe, v.input, "numpy") == v.wrong
    assert side.expected != v.wrong
    assert RAISES not in (side.expected, v.wrong)


def changed(change):
    """Return the file with `change` made to the first mutant's vector."""
    document = copy.deepcopy(DOCUMENT)
    change(document["mutants"][0])
    return canonical(document)


@pytest.mark.long
@pytest.mark.parametrize("what", ["codes", "block_scales"])
def test_other_bytes_than_expected_are_found(what):
    def change(v):
        v["expected"][what] = [*v["expected"][what][::-1], "00"]

    _, found = failures(changed(change), "numpy", quietly)
    assert [(f.vector, f.side, f.what) for f in found] == [(f"mutant: {next(iter(MUTANTS))}", 0, what)]


@pytest.mark.long
def test_another_recipe_than_the_fingerprint_s_is_found():
    _, found = failures(changed(lambda v: v.update(fingerprint="0" * 64)), "numpy", quietly)
    assert [f.what for f in found] == ["fingerprint"]


BREAKS = {
    "/mutants/0/flag: missing": lambda v: v.pop("flag"),
    "the name of a preset": lambda v: v.update(recipe="4over7"),
    "nothing is caught": lambda v: v.update(wrong=v["expected"]),
    "/mutants/0/shape/0: 0: at least 1": lambda v: v.update(shape=[0, 16]),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("problem", BREAKS)
def test_a_malformed_vector_is_an_error_that_says_so(problem):
    with pytest.raises(GoldenFormatError) as e:
        failures(changed(BREAKS[problem]), "numpy", quietly)
    assert problem in str(e.value)


def test_a_file_without_mutants_is_refused():
    document = copy.deepcopy(DOCUMENT)
    document["mutants"] = []
    with pytest.raises(GoldenFormatError, match="mutants"):
        failures(canonical(document), "numpy", quietly)


# --- the second edition --------------------------------------------------------------------------------


def test_the_editions_are_all_mutants_and_the_first_is_what_was_published():
    assert [*of_edition(1), *of_edition(2)] == list(MUTANTS)
    assert EDITIONS == 2
    assert list(up_to(1)) == [v["mutant"] for v in DOCUMENT["mutants"]]


@pytest.mark.long
def test_the_reported_mistakes_are_written_as_they_are_committed():
    assert canonical(reported.document(quietly)) == REPORTED


def other(change):
    """Return the reported vectors with `change` made to the one that has a buffer."""
    document = parse(REPORTED, reported.NAME)
    (at,) = (i for i, v in enumerate(document["mutants"]) if v["buffer_bits"] is not None)
    change(document["mutants"][at])
    return canonical(document)


def test_a_view_is_read_back_as_a_view():
    (v,) = (v for v in reported.read(REPORTED) if v.input.buffer is not None)
    assert v.flag == "StridesIgnored"
    assert v.input.x.strides[0] == v.input.buffer.shape[1] * 4
    assert (v.input.buffer[:, : v.input.x.shape[1]] == v.input.x).all()
    assert all(u.input.buffer is None for u in reported.read(REPORTED) if u is not v and u.mutant != v.mutant)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda v: v.update(buffer_bits=[r[9:] + " 00000000" for r in v["buffer_bits"]]),
            "corner of buffer_bits",
        ),
        (lambda v: v.update(buffer_bits=v["x_bits"]), "corner of buffer_bits"),
        (lambda v: v.update(buffer_bits=v["buffer_bits"][:1]), "corner of buffer_bits"),
        (lambda v: v.pop("buffer_bits"), "buffer_bits"),
        (lambda v: v.update(more=1), "more"),
    ],
)
def test_a_malformed_buffer_is_an_error_that_says_so(change, problem):
    with pytest.raises(GoldenFormatError) as e:
        reported.read(other(change))
    assert problem in str(e.value)


@pytest.mark.long
def test_what_was_published_has_no_flag_of_the_second_edition():
    later = {m.flag for m in of_edition(2).values()} - {m.flag for m in of_edition(1).values()}
    assert len(later) == 13
    for path in sorted((GOLDEN / "v1").glob("*/*.json")):
        flags = {f for v in parse(path.read_bytes(), path.name)["vectors"] for f in v["flags"]}
        assert bool(flags & later) is (path.stem == "reported"), path
