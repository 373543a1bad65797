"""A folder is not read before it is known to be a golden folder, and then only the files it names."""

from __future__ import annotations

import json
import os
import resource

import pytest

from fos_ref.cli import run
from fos_ref.errors import GoldenFormatError
from fos_ref.vectors import on_disk
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.lint import _file
from fos_ref.vectors.manifest import MANIFEST, manifest
from fos_ref.vectors.on_disk import MOST_NAMES, read_kept, read_written, README, strangers

COMMANDS = {
    "lint": ("golden", "lint"),
    "verify": ("golden", "verify"),
    "export": ("golden", "export", "--format", "json", "--out", "{out}"),
    "write": ("golden", "write"),
}
TEXT = b"by hand\n"


def command(name, folder):
    words = (w.format(out=folder.with_name("out")) for w in COMMANDS[name])
    return [*words, "--dir", str(folder)]


@pytest.fixture
def folder(tmp_path):
    """Return a golden folder of one text."""
    made = tmp_path / "golden"
    made.mkdir()
    (made / README).write_bytes(TEXT)
    (made / MANIFEST).write_bytes(manifest({README: TEXT}))
    return made


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_folder_costs_nothing_and_says_so(tmp_path, monkeypatch, capsys, name):
    """A file of 4 GiB in it, a pipe that nobody writes to and a device are not opened."""
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    with (wrong / "large.bin").open("wb") as f:
        f.truncate(1 << 32)
    os.mkfifo(wrong / "pipe")
    (wrong / "zero").symlink_to("/dev/zero")
    monkeypatch.setattr(on_disk.Path, "read_bytes", lambda self: pytest.fail(f"{self} was read"))
    monkeypatch.setattr("fos_ref.vectors.folder.generated", lambda *_: pytest.fail("vectors were made"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert run(command(name, wrong)) == 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
    err = capsys.readouterr().err
    assert f"{wrong}: no MANIFEST.json here" in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in wrong.iterdir()) == ["large.bin", "pipe", "zero"]


def test_only_named_files_are_read_and_the_others_are_named(folder, capsys):
    os.mkfifo(folder / "pipe")
    (folder / "v1").mkdir()
    with (folder / "v1" / "large\x1b[31m.json").open("wb") as f:
        f.truncate(1 << 40)
    (folder / "loop").symlink_to("..")
    assert sorted(read_written(folder)) == [MANIFEST, README]
    assert strangers(folder, read_written(folder)) == ["pipe", r"v1/large\x1b[31m.json"]
    assert run(["golden", "verify", "--dir", str(folder)]) == 0
    assert run(["golden", "lint", "--dir", str(folder)]) == 1
    assert capsys.readouterr().err.count("missing") > 1


def test_lint_names_a_stranger(folder, monkeypatch, capsys):
    monkeypatch.setattr("fos_ref.vectors.lint._FIXED", ())
    monkeypatch.setattr("fos_ref.vectors.lint.changed", lambda _: [])
    for n in range(2 * MOST_NAMES):
        (folder / f"note-{n}.txt").write_bytes(b"")
    assert run(["golden", "lint", "--dir", str(folder), "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert len(problems) == MOST_NAMES
    assert all(": not in MANIFEST.json: no file of this name belongs here" in p for p in problems)


@pytest.mark.parametrize("name", ["../secret", "v1/../../secret", "/etc/passwd", "v1//a", "./a", ".."])
def test_a_manifest_names_nothing_outside(folder, name):
    document = json.loads((folder / MANIFEST).read_bytes())
    document["files"][name] = document["files"][README]
    (folder / MANIFEST).write_bytes(canonical(document))
    (folder.parent / "secret").write_bytes(TEXT)
    with pytest.raises(GoldenFormatError, match="the name of a file in the folder is allowed"):
        read_written(folder)


def test_a_named_file_that_would_block_or_fill_memory_is_refused(folder):
    (folder / README).unlink()
    os.mkfifo(folder / README)
    with pytest.raises(GoldenFormatError, match=r"README\.md: not a regular file"):
        read_written(folder)
    (folder / README).unlink()
    with (folder / README).open("wb") as f:
        f.truncate(1 << 40)
    with pytest.raises(GoldenFormatError, match=r"README\.md: 1,099,511,627,776 bytes: at most 2\d\d?,"):
        read_written(folder)
    (folder / README).unlink()
    (folder / README).symlink_to("/dev/zero")
    with pytest.raises(GoldenFormatError, match="not a regular file"):
        read_written(folder)
    (folder / README).unlink()
    assert sorted(read_written(folder)) == [MANIFEST]


def test_what_write_may_write_into(folder, tmp_path):
    assert read_kept(tmp_path / "new") == {}
    (tmp_path / "empty").mkdir()
    assert read_kept(tmp_path / "empty") == {}
    assert sorted(read_kept(folder)) == [MANIFEST, README]
    (folder / MANIFEST).unlink()
    assert read_kept(folder) == {README: TEXT}


@pytest.mark.parametrize("name", [README, "v1.sha256"])
def test_a_text_that_is_no_utf_8_is_a_problem_of_its_file(name):
    (problem,) = _file(name, b"\xff\xfe")
    assert problem.startswith(f"{name}: UnicodeDecodeError")
    assert "text in UTF-8 is allowed" in problem
