"""`fos golden verify` and `write`: what they find and say, and that the same code writes the same bytes."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.recipes import PRESETS
from fos_ref.vectors import bulk, layout, verify
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.distinguishing import reported
from fos_ref.vectors.distinguishing.check import read_mutants, VECTORS
from fos_ref.vectors.file import documents, name_of, read
from fos_ref.vectors.npz import read_npz, write_npz
from fos_ref.vectors.plan import GROUPS, HUNT, Plan, plan, REPORTED
from tests.vectors.folder import files, GOLDEN, vectors

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++: the header was not run")


@pytest.mark.sample(1)
@pytest.mark.parametrize("engine", ["numpy", "numba", pytest.param("host", marks=needs_compiler)])
def test_an_engine_gives_every_bit(engine, capsys):
    arguments = ["--engine", engine, "--only", "v1/nvfp4/*", "--json"]
    assert run(["golden", "verify", "--dir", str(GOLDEN), *arguments]) == 0
    shown = json.loads(capsys.readouterr().out)
    count = sum(len(vectors("nvfp4", n.split("/")[2][:-5])) for n in files() if n.startswith("v1/nvfp4/"))
    assert shown == {"equal": True, "engine": engine, "vectors": count, "failures": [], "not_run": {}}


def test_an_engine_that_lacks_a_recipe_says_so(capsys):
    name = "llmcompressor-expanded-mse"
    only = f"v1/bulk/{name}.npz"
    assert run(["golden", "verify", "--dir", str(GOLDEN), "--engine", "host", "--only", only]) == 0
    assert f"0 vectors, engine host: every bit as committed; not run: {name}" in capsys.readouterr().out


GROUP_OF = {1: HUNT, 2: REPORTED}  #: edition -> the group that has its inputs, and its flags


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", [n for n, m in MUTANTS.items() if m.recipe == "4over6"][::9])
def test_a_wrong_engine_fails_vectors_that_have_its_flag(name):
    m = MUTANTS[name]
    with m.planted():
        failing = [v for v in vectors("4over6", GROUP_OF[m.edition]) if any(bytes_differ(v))]
    assert failing
    assert m.flag == "Unexplained" or all(m.flag in v.flags for v in failing)
    assert not any(any(bytes_differ(v)) for v in vectors("4over6", GROUP_OF[m.edition]))


def bytes_differ(v):
    found = verify.differences(v, "numpy")
    return (f.what.startswith(("expected/codes", "expected/block_scales")) for f in found)


@pytest.mark.long
def test_verify_names_what_differs_and_exits_1(tmp_path, capsys):
    given = with_expected_bit_flipped("v1/te-nvfp4/worked.json", 2)
    for name in ("MANIFEST.json", "v1/te-nvfp4/worked.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(given[name])
    arguments = ["golden", "verify", "--dir", str(tmp_path), "--only", "v1/te-nvfp4/worked.json"]
    assert run(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "te-nvfp4/worked/3: expected/codes/0 is" in shown.err
    assert run(["golden", "verify", "--dir", str(tmp_path), "--only", "v1/nvfp4/worked.json"]) == 1
    assert "v1/nvfp4/worked.json: sha256 is missing" in capsys.readouterr().err


def with_expected_bit_flipped(name, index):
    """Return the folder with one expected code another, and an honest digest for it."""
    document = json.loads(files()[name])
    codes = document["vectors"][index]["expected"]["codes"]
    codes[0] = f"{int(codes[0][:2], 16) ^ 1:02X}" + codes[0][2:]
    given = files() | {name: canonical(document)}
    listed = json.loads(given["MANIFEST.json"])
    listed["files"][name]["sha256"] = verify.digest(given[name])
    return given | {"MANIFEST.json": canonical(listed)}


def test_every_step_of_the_model_is_compared():
    v = vectors("4over6", "worked")[0]
    flat = list(leaves(v.steps))
    assert len(flat) == 19
    for path in flat:
        changed = json.loads(json.dumps(v.steps))
        owner = changed
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = "other"
        found = list(verify.differences(replaced(v, changed), "numpy"))
        assert [f.what for f in found] == ["steps/" + "/".join(map(str, path))]
        assert list(verify.differences(replaced(v, changed), "numba")) == []


def replaced(v, steps):
    return type(v)(v.id, v.recipe, v.case, v.flags, v.expected, steps)


def leaves(value, path=()):
    """Yield the path of every plain value inside a JSON value."""
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        yield path
    for key, part in inner or ():
        yield from leaves(part, (*path, key))


def test_an_unknown_engine_and_a_missing_folder_are_one_line_and_exit_2(tmp_path, capsys):
    assert run(["golden", "verify", "--dir", str(GOLDEN), "--engine", "fast"]) == 2
    assert run(["golden", "verify", "--dir", str(tmp_path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 2
    assert "'fast': one of auto, numpy, numba, cuda, host is allowed" in shown.err


@pytest.mark.long
def test_the_plan_s_cases_are_the_committed_ones():
    """Inputs of every file; bits and flags of two."""
    for r, plans in plan(read_mutants(files()[VECTORS]), reported.read(files()[reported.NAME])):
        for p in plans:
            if r.name in ("4over6", "4over6-16x16", "fouroversix-mxfp4-static6"):
                committed = vectors(r.name, p.group)
                assert [same(c) for c in p.cases] == [same(v.case) for v in committed]
    for recipe, group in (("fouroversix-static4", "worked"), ("4over6", "near-ties")):
        r, g = PRESETS[recipe], GROUPS[group]
        ((name, made),) = documents(r, [Plan(group, g.comment, list(g.cases(r)))])
        assert name == name_of(recipe, group)
        assert canonical(made) == files()[name]


def same(case):
    x = case.given.x
    buffer = None if case.buffer is None else case.buffer.tobytes()
    return case.comment, x.shape, x.dtype, x.tobytes(), repr(case.given.amax), case.padding, buffer


@pytest.mark.long
def test_bulk_and_layout_are_written_byte_for_byte():
    assert canonical(layout.document()) == files()[layout.NAME]
    made = dict(bulk.files())
    assert {n for n in files() if "bulk" in n} == set(made)
    assert all(made[name] == files()[name] for name in made)


def test_a_wrong_map_of_the_layout_is_found():
    document = json.loads(files()[layout.NAME])
    document["maps"][2]["offsets"][0] = document["maps"][2]["offsets"][0][::-1]
    assert layout.failures(canonical(document)) == ["layout/swizzle/3"]
    assert layout.failures(files()[layout.NAME]) == []


def test_an_npz_depends_on_its_arrays_alone():
    arrays = {"b": np.arange(6, dtype=np.uint16).reshape(2, 3), "a": np.arange(5, dtype=np.uint32)}
    data = write_npz(arrays)
    assert data == write_npz(dict(reversed(arrays.items())))
    with np.load(io.BytesIO(data)) as z:
        assert sorted(z.files) == ["a", "b"]
        assert all(np.array_equal(z[k], arrays[k]) and z[k].dtype == arrays[k].dtype for k in arrays)
    numpys = io.BytesIO()
    np.savez(numpys, **arrays)
    with pytest.raises(GoldenFormatError, match="not in canonical form"):
        read_npz(numpys.getvalue(), "x.npz")
    with pytest.raises(GoldenFormatError, match="not an npz file"):
        read_npz(data[:-9], "x.npz")
    with pytest.raises(GoldenFormatError, match="unsigned numbers are allowed"):
        write_npz({"a": np.zeros(3)})


BROKEN = {
    "is not their file": lambda d: d.update(group="other"),
    "fingerprint or axes": lambda d: d.update(fingerprint="0" * 64),
    "the file holds 9 blocks": lambda d: d.update(blocks=8),
    "ids 1, 2": lambda d: d["vectors"][0].update(id="4over6/worked/7"),
    "has no steps": lambda d: d["vectors"][0].update(steps=None),
    "is not x_bits": lambda d: d["vectors"][0].update(buffer_bits=["00000000 " * 16 + "00000000"]),
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_file_that_would_not_be_written_so_is_refused(problem):
    document = json.loads(files()["v1/4over6/worked.json"])
    BROKEN[problem](document)
    with pytest.raises(GoldenFormatError) as e:
        read(canonical(document), "v1/4over6/worked.json")
    assert problem in str(e.value)


@pytest.mark.exhaustive
def test_write_changes_nothing(tmp_path, capsys):
    shutil.copytree(GOLDEN, tmp_path / "golden")
    assert run(["golden", "write", "--dir", str(tmp_path / "golden")]) == 0
    assert "297 files" in capsys.readouterr().out
    there = {p.relative_to(tmp_path / "golden").as_posix() for p in (tmp_path / "golden").rglob("*.*")}
    assert there == set(files())
    assert all((tmp_path / "golden" / name).read_bytes() == data for name, data in files().items())


@pytest.mark.exhaustive
@pytest.mark.parametrize("engine", ["numpy", "numba", pytest.param("host", marks=needs_compiler)])
def test_an_engine_gives_every_bit_of_the_folder(engine):
    found = verify.verify(files(), engine, steps=10)
    assert found.failures == []
    assert found.vectors + len(found.not_run) > 4500
