"""`fos golden export`: the folder appears whole or not at all, and what is wrong is one line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

import fos_ref
from fos_ref import cli
from fos_ref.errors import GoldenFormatError, InputError
from fos_ref.export.source import load, static
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import whole_folder
from fos_ref.vectors.canonical import canonical
from tests.export.exported import export, files
from tests.meta.tree import ROOT

GOLDEN = ["--dir", str(ROOT / "golden"), "--recipe", "4over6-absmax"]


def here(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.long
@pytest.mark.parametrize("form", ["memh", "c", "json", "npz"])
def test_the_command_writes_the_documents(tmp_path, capsys, form):
    out = tmp_path / "a" / "out"
    assert cli.run(["golden", "export", "--format", form, "-o", str(out), *GOLDEN]) == 0
    assert here(out) == export(form, "4over6-absmax")
    assert capsys.readouterr().out.startswith(f"{out}: {len(here(out))} files, ")
    assert [p.name for p in out.parent.iterdir()] == ["out"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--recipe", "4over6-mea"], "--recipe 4over6-mea: no vectors of it (did you mean 4over6-mae"),
        (["--dir", "nowhere"], "nowhere: no MANIFEST.json here"),
        (["--format", "yaml"], "'yaml' is not one of"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, capsys, more, said):
    out = tmp_path / "out"
    assert cli.run(["golden", "export", "--format", "json", "-o", str(out), *GOLDEN, *more]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine.sv").write_text("mine")
    assert cli.run(["golden", "export", "--format", "json", "-o", str(tmp_path), *GOLDEN]) == 2
    assert "something is there already" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.sv"]


def test_after_a_failure_nothing_is_there(tmp_path, monkeypatch):
    synced = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as e:
        write_all(whole_folder(tmp_path / "out"), {"a": b"1", "b/c": b"2", "d": b"3"})
    assert e.value.filename == str(tmp_path / "out" / "b/c")
    assert len(synced) == 2
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(tmp_path):
    write_all(whole_folder(tmp_path), {"a": b"1", "b/c": b"2"})
    assert here(tmp_path) == {"a": b"1", "b/c": b"2"}


@pytest.mark.long
def test_a_file_that_is_not_the_manifest_s_is_refused():
    name = "v1/4over6-absmax/worked.json"
    altered = files()[name].replace(b'"picked4"', b'"picked5"', 1)
    with pytest.raises(GoldenFormatError, match=r"not the file that MANIFEST\.json lists"):
        load(dict(files()) | {name: altered}, ["4over6-absmax"])
    missing = {k: v for k, v in files().items() if k != name}
    with pytest.raises(GoldenFormatError, match="missing"):
        load(missing, ["4over6-absmax"])


def test_a_preset_s_second_name_is_taken(monkeypatch):
    monkeypatch.setattr("fos_ref.export.source.read", lambda _data, _name: [])
    assert list(load(files(), ["4over6-mse"]).vectors) == ["4over6"]


@pytest.mark.long
def test_chains_that_are_not_the_manifest_s_are_refused():
    altered = files()["v1/chains.json"].replace(b'"sha256": "', b'"sha256": "0', 1)
    with pytest.raises(GoldenFormatError, match="v1/chains"):
        load(dict(files()) | {"v1/chains.json": altered}, ["4over6-absmax"])
    assert load(files(), ["4over6-absmax"]).chains == {}


@pytest.mark.long
def test_a_folder_without_chains_is_exported_without_them():
    listed = json.loads(files()["MANIFEST.json"])
    del listed["files"]["v1/chains.json"]
    found, whole = (
        load({**files(), **manifest}, ["4over6-mae"])
        for manifest in ({"MANIFEST.json": canonical(listed)}, {})
    )
    assert found.chains == {}
    assert list(found.vectors["4over6-mae"]) == list(whole.vectors["4over6-mae"]) != []
    assert "v1/chains.json" not in found.digests


def test_the_sources_are_part_of_the_package():
    """What an export copies lies beside the code that copies it, so that a wheel has it."""
    names = {name for form in ("c", "memh") for name in export(form, "4over6-absmax")}
    inside = {p.name for folder in ("c", "sv") for p in (ROOT / "fos_ref/export" / folder).iterdir()}
    assert (
        {"fos_check.c", "fos_chain.c", "fos_quantize.c", "fos_quantize.h", "fos_tb.sv", "fos_dut.sv"}
        <= inside
        <= names
    )


@pytest.mark.long
def test_every_recipe_with_vectors_is_exported_unless_one_is_named(monkeypatch):
    monkeypatch.setattr("fos_ref.export.source.read", lambda _data, _name: [])  # the test is of the names
    folders = {n.split("/")[1] for n in files() if n.startswith("v1/") and n.count("/") == 2}
    assert set(load(files()).vectors) == folders - {"bulk"}
    assert len(folders) > 20


def test_a_preset_may_be_named_by_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr("fos_ref.export.source.read", lambda _data, _name: [])
    path = tmp_path / "r.json"
    path.write_text(json.dumps(fos_ref.recipe("4over6-absmax").to_dict()))
    assert list(load(files(), [str(path)]).vectors) == ["4over6-absmax"]
    path.write_text(json.dumps(fos_ref.recipe("4over6-absmax").to_dict() | {"name": "mine"}))
    with pytest.raises(InputError, match="--recipe mine: no vectors of it"):
        load(files(), [str(path)])


def test_sizes_are_reasonable():
    if shutil.which("gcc") is None:
        pytest.skip("no gcc: nobody here would compile it")
    assert sum(map(len, export("c", "4over6-absmax").values())) < 300_000
    assert json.loads(export("c", "4over6-absmax")["MANIFEST.json"])["form"] == "c"


def test_what_an_installation_compiles_beside_the_sources_is_not_exported(tmp_path, monkeypatch):
    """An installer writes __pycache__ into the folder of fos_cocotb.py."""
    folder = tmp_path / "export" / "sv"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "fos_tb.sv").write_text("module")
    monkeypatch.setattr("fos_ref.export.source.package_files", lambda _name: tmp_path)
    assert static("sv") == {"fos_tb.sv": b"module"}
