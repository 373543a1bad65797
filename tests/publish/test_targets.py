"""What stands in the way of an output is found before the work, in one error that names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.cli import run
from fos_ref.errors import InputError
from fos_ref.publish.publication import check_targets
from fos_ref.publish.targets import one_file, Targets, whole_folder
from fos_ref.vectors import chain
from fos_ref.vectors.folder import names
from fos_ref.vectors.manifest import manifest
from fos_ref.vectors.on_disk import README
from tests.meta.tree import ROOT
from tests.vectors.folder import files

LONG = "n" * 256
STEM = "s" * 250  #: a file name; that of its report is too long
GOLDEN = ["--dir", str(ROOT / "golden")]


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "in"
    path.write_bytes(b"weights")
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "hard").hardlink_to(path)
    (tmp_path / "other").write_bytes(b"")
    return path


@pytest.mark.parametrize("name", ["in", "link", "hard"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_no_output(tmp_path, source, name, overwrite):
    with pytest.raises(InputError, match="is the input file"):
        one_file(tmp_path / name, inputs=[source], overwrite=overwrite).check()
    with pytest.raises(InputError, match="is the input file"):
        Targets(tmp_path, ["new", name], inputs=[source]).check()


def test_what_is_there_is_replaced_on_request_only(tmp_path, source):
    other = tmp_path / "other"
    with pytest.raises(InputError, match="exists already") as e:
        one_file(other, inputs=[source], overwrite=False).check()
    assert e.value.remedy.argument == "overwrite=True"
    check_targets(one_file(other, inputs=[source]))
    check_targets(one_file(tmp_path / "link"))  # a link is replaced, not followed
    assert other.read_bytes() == b""


@pytest.mark.parametrize("path", ["pipe", ".", "..", "", "a/.."])
def test_only_a_regular_file_is_replaced(path, monkeypatch, tmp_path):
    """A pipe stands for the devices: a test that fails must not replace one of this machine's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    os.mkfifo("pipe")
    with pytest.raises(InputError, match="not a regular file"):
        check_targets(one_file(Path(path)))


@pytest.mark.parametrize(
    ("targets", "code", "named"),
    [
        (lambda p: one_file(p / "no/out"), errno.ENOENT, "no"),
        (lambda p: one_file(p / "other/out"), errno.ENOTDIR, "other"),
        (lambda p: one_file(p / LONG), errno.ENAMETOOLONG, LONG),
        (lambda p: Targets(p, ["new", LONG]), errno.ENAMETOOLONG, LONG),
        (lambda p: Targets(p / "no/no", [f"{LONG}/a"]), errno.ENAMETOOLONG, f"no/no/{LONG}/a"),
        (lambda p: whole_folder(p / "no" / LONG / "a"), errno.ENAMETOOLONG, f"no/{LONG}/a"),
        (lambda p: Targets(p / LONG, ["new"]), errno.ENAMETOOLONG, f"{LONG}/new"),
        (lambda p: Targets(p / "other", ["new"]), errno.ENOTDIR, "other"),
        (lambda p: Targets(p / "other/deep", ["new"]), errno.ENOTDIR, "other"),
        (lambda p: Targets(p, ["other/new"]), errno.ENOTDIR, "other/new"),
        (lambda p: Targets(p / "lost", ["new"]), errno.ENOTDIR, "lost"),
        (lambda p: whole_folder(p / LONG), errno.ENAMETOOLONG, LONG),
        (lambda p: whole_folder(p / "other/out"), errno.ENOTDIR, "other"),
    ],
)
@pytest.mark.usefixtures("source")
def test_a_folder_that_cannot_hold_it_is_named(tmp_path, targets, code, named):
    (tmp_path / "lost").symlink_to(tmp_path / "lost")
    with pytest.raises(OSError, match=r".") as e:
        check_targets(targets(tmp_path))
    assert (e.value.errno, e.value.filename) == (code, str(tmp_path / named))


def test_a_folder_inside_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    (tmp_path / "v1").mkdir()
    monkeypatch.setattr("os.access", lambda path, _: Path(path).name != "v1")
    with pytest.raises(PermissionError) as e:
        Targets(tmp_path, ["a", "v1/b"]).check()
    assert e.value.filename == str(tmp_path / "v1")


def test_a_path_that_is_none_is_an_input_error(tmp_path):
    for targets in (lambda: one_file(tmp_path / "a\0b"), lambda: Targets(tmp_path / "a\0", ["b"])):
        with pytest.raises(InputError, match="text without NUL is allowed"):
            check_targets(targets())


def test_a_whole_folder_is_new_or_empty_and_not_in_what_is_read(tmp_path, source):
    golden = tmp_path / "golden"
    golden.mkdir()
    check_targets(whole_folder(golden))
    check_targets(whole_folder(tmp_path / "a/b/c"))
    for path in (tmp_path, source):
        with pytest.raises(InputError, match="something is there already"):
            check_targets(whole_folder(path))
    for path in (golden, golden / "out"):
        with pytest.raises(InputError, match="which is read"):
            check_targets(whole_folder(path, inputs=[golden]))


def working(monkeypatch) -> list[str]:
    """Let every command's work be noted, and fail the test."""
    began: list[str] = []
    for name in (
        "fos_ref.engines.convert.take",
        "fos_ref.commands.report._measure",
        "fos_ref.vectors.folder.generated",
        "fos_ref.vectors.chain.document",
        "fos_ref.export.source.load",
        "fos_ref.dialects.evidence.read_status",
        "fos_ref.commands.prove._run",
    ):
        monkeypatch.setattr(name, lambda *_, name=name, **__: began.append(name))
    return began


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quantize", "x.safetensors", LONG], "nnn: File name too long"),
        (["quantize", "x.safetensors", "x.safetensors", "--force"], "is the input file"),
        (["quantize", "x.safetensors", "folder", "--force"], "folder is not a regular file"),
        (["quantize", "x.safetensors", "no/out"], "no: No such file or directory"),
        (["report", "--out", "."], "errors.csv is not a regular file"),
        (["report", "--out", "x.safetensors/a"], "x.safetensors: Not a directory"),
        (["report", "--weights", STEM, "--out", "new"], "File name too long"),
        (["report", "--weights", "position.csv", "--out", "."], "position.csv is the input file"),
        (["golden", "write", "--dir", "."], "notes.json is not a regular file"),
        (["golden", "write", "--dir", f"{LONG}"], "File name too long"),
        (["golden", "chain", "--dir", "x.safetensors"], "x.safetensors: Not a directory"),
        (["golden", "export", "--format", "c", "-o", ".", *GOLDEN], "something is there already"),
        (["golden", "export", "--format", "c", "-o", LONG, *GOLDEN], "File name too long"),
        (["golden", "export", "--format", "c", "-o", "folder/new", "--dir", "folder"], "which is read"),
        (["evidence", "--from", "x.safetensors", "--write", "x.safetensors"], "is the input file"),
        (["evidence", "--write", "folder"], "folder is not a regular file"),
        (["prove", "products", "--out", "."], "proof-products.json is not a regular file"),
        (["prove", "products", "--out", "x.safetensors"], "x.safetensors: Not a directory"),
    ],
)
def test_every_command_finds_it_before_the_work(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    x = {"a.weight": np.ones((16, 16), np.float32)}
    for name in ("x.safetensors", STEM, "position.csv"):
        save_file(x, name)
    for name in ("folder", "errors.csv", "notes.json", "proof-products.json"):
        (tmp_path / name).mkdir()
    (tmp_path / "folder/MANIFEST.json").write_bytes(manifest({}))
    if "position.csv" in arguments:
        (tmp_path / "errors.csv").rmdir()
    before, began = tree(tmp_path), working(monkeypatch)
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert said in error
    assert (error.count("\n"), began, tree(tmp_path)) == (1, [], before)


def test_the_names_of_a_golden_folder_are_known_before_it_is_made():
    assert sorted(names()) == sorted(set(files()) - {README, *chain.FILES})
