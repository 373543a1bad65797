"""Files that appear together and whole, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from fos_ref.errors import InputError
from fos_ref.publish import moves
from fos_ref.publish.publication import check_targets, Publication, write_all
from fos_ref.publish.staging import Staging
from fos_ref.publish.targets import one_file, Targets, whole_folder

NEW = {"a": b"new a", "b": b"new b", "v1/c": b"new c", "v1/made/d": b"new d", "z": b"new z"}
OLD = {"a": b"old a", "v1/c": b"old c", "z": b"old z"}


def here(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder; links and hidden files too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def fill(folder: Path, files: dict[str, bytes]) -> Targets:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Targets(folder, list(NEW))


def publish(targets: Targets, files: dict[str, bytes], act: Callable[[], object], more=MappingProxyType({})):
    """Write files, let something happen, write more."""
    with Publication(targets) as out:
        for name, data in files.items():
            out.write(name, data)
        act()
        for name, data in more.items():
            out.write(name, data)


def test_files_appear_together_and_others_stay(tmp_path):
    targets = fill(tmp_path, OLD | {"mine": b"mine"})
    seen = []
    publish(targets, NEW, lambda: seen.append(here(tmp_path)))
    assert {n: d for n, d in seen[0].items() if not n.startswith(".fos-")} == OLD | {"mine": b"mine"}
    assert here(tmp_path) == NEW | {"mine": b"mine"}


def test_paths_are_returned_as_they_were_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_all(Targets(Path("to/here"), ["a"]), {"a": b"1"}) == [Path("to/here/a")]


def test_a_missing_folder_appears_with_all_its_files_by_one_rename(tmp_path, monkeypatch):
    renamed = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda a, b: renamed.append(b) or real(a, b))
    write_all(Targets(tmp_path / "x/y", list(NEW)), NEW)
    assert (renamed, here(tmp_path / "x/y")) == ([tmp_path / "x"], NEW)
    renamed.clear()
    (tmp_path / "empty").mkdir()
    write_all(whole_folder(tmp_path / "empty"), NEW)
    assert (renamed, here(tmp_path / "empty")) == ([tmp_path / "empty"], NEW)


@pytest.mark.parametrize("error", [OSError(errno.EIO, "no more"), KeyboardInterrupt()])
@pytest.mark.parametrize("number", range(5))
def test_a_rename_that_fails_takes_back_those_before_it(tmp_path, monkeypatch, number, error):
    targets = fill(tmp_path, OLD)
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("z")  # a link is put back as a link
    before, real, count = here(tmp_path), moves._move, []

    def fail(m, *, overwrite):
        count.append(m)
        if len(count) == number + 1:
            raise error
        real(m, overwrite=overwrite)

    monkeypatch.setattr(moves, "_move", fail)
    with pytest.raises(type(error)) as e:
        write_all(targets, NEW)
    if isinstance(error, OSError):
        assert e.value.filename == str(tmp_path / list(NEW)[number])
    assert (here(tmp_path), (tmp_path / "a").readlink()) == (before, Path("z"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "v1", "z"]
    assert not (tmp_path / "v1/made").exists()


def test_a_folder_in_the_way_of_a_later_file_changes_nothing(tmp_path):
    """It appears while the files are written; found before the first rename."""
    targets = fill(tmp_path, OLD)
    with pytest.raises(InputError, match="b is not a regular file"):
        publish(targets, NEW, (tmp_path / "b").mkdir)
    assert here(tmp_path) == OLD


def test_a_file_that_is_taken_away_is_an_error_and_not_left_out(tmp_path):
    targets = fill(tmp_path, OLD)
    for more, named in (({}, "a"), ({"b": b""}, "b")):
        with pytest.raises(FileNotFoundError) as e:
            publish(targets, {"a": b""}, lambda: shutil.rmtree(next(tmp_path.glob(".fos-*"))), more)
        assert e.value.filename == str(tmp_path / named)
    assert here(tmp_path) == OLD


def test_what_appears_in_the_last_moment_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "x"
    real = moves.move_all

    def late(*arguments, **more):
        path.write_bytes(b"mine")
        real(*arguments, **more)

    monkeypatch.setattr("fos_ref.publish.publication.move_all", late)
    with pytest.raises(InputError, match="x exists already"):
        write_all(one_file(path, overwrite=False), {"x": b"ours"})
    assert here(tmp_path) == {"x": b"mine"}


def test_a_file_system_without_hard_links_will_do(tmp_path, monkeypatch):
    def none(*_, **__):
        raise OSError(errno.EOPNOTSUPP, "no links")

    monkeypatch.setattr(os, "link", none)
    write_all(one_file(tmp_path / "x", overwrite=False), {"x": b"ours"})
    assert here(tmp_path) == {"x": b"ours"}
    write_all(fill(tmp_path, OLD), NEW)
    assert here(tmp_path) == NEW | {"x": b"ours"}


def test_an_error_of_a_link_that_is_no_such_thing_is_told(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "link", broken)
    for targets in (one_file(tmp_path / "x", overwrite=False), fill(tmp_path, OLD)):
        with pytest.raises(OSError, match="broken"):
            write_all(targets, dict.fromkeys(targets.names, b""))
    assert here(tmp_path) == OLD


# --- what others left -----------------------------------------------------------------------------------


def left_behind(folder: Path, number: int = 0) -> Path:
    """Leave what a killed program leaves."""
    path = folder / f".fos-{number:016x}.tmp"
    fill(path, {"new/a": b"half"})
    return path


def test_the_next_run_removes_what_a_dead_program_left_and_nothing_else(tmp_path):
    dead = left_behind(tmp_path)
    others = [
        tmp_path / n for n in (".fos-0.tmp", ".fos-000000000000000g.tmp", ".fos-0000000000000000.tmp.x")
    ]
    for path in others:
        path.mkdir()
    (tmp_path / ".fos-0000000000000001.tmp").write_bytes(b"a file")
    (tmp_path / ".fos-0000000000000002.tmp").symlink_to(others[0])
    alive = Staging(tmp_path)
    check_targets(Targets(tmp_path, ["a"]))
    assert not dead.exists()
    assert all(p.exists() for p in (*others, alive.path))
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file() or p.is_symlink()) == [
        ".fos-0000000000000001.tmp",
        ".fos-0000000000000002.tmp",
    ]
    alive.discard()
    assert not alive.path.exists()


def test_what_was_left_beside_a_folder_that_was_missing_goes_too(tmp_path):
    dead = left_behind(tmp_path)
    (tmp_path / "reports").mkdir()
    write_all(Targets(tmp_path / "reports", ["a"]), {"a": b""})
    assert not dead.exists()


def test_another_user_s_is_left_alone(tmp_path, monkeypatch):
    dead = left_behind(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    check_targets(Targets(tmp_path, ["a"]))
    assert dead.exists()


@pytest.mark.parametrize("why", [errno.ENOLCK, errno.EBADF, errno.EWOULDBLOCK])
def test_without_locks_it_publishes_and_removes_nothing(tmp_path, monkeypatch, why):
    dead = left_behind(tmp_path)

    def none(*_):
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setattr("fos_ref.publish.locks._PAUSE", 0)
    monkeypatch.setattr("fos_ref.publish.locks.take.__defaults__", (0,))
    monkeypatch.setattr("fos_ref.publish.locks.locked.__wrapped__.__defaults__", (0,))
    write_all(Targets(tmp_path, ["a"]), {"a": b"1"})
    assert (here(tmp_path)["a"], dead.exists()) == (b"1", True)


def test_cleaning_up_does_not_hide_the_first_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EROFS, "cannot clean", "hidden")

    def full_disk() -> None:
        monkeypatch.setattr(os, "unlink", fail)
        monkeypatch.setattr(os, "rmdir", fail)
        raise OSError(errno.ENOSPC, "disk", "the first")

    with pytest.raises(OSError, match="disk") as e:
        publish(Targets(tmp_path, ["a"]), {"a": b"1"}, full_disk)
    assert e.value.filename == "the first"
    monkeypatch.undo()
    assert [p.name[:5] for p in tmp_path.iterdir()] == [".fos-"]
    check_targets(Targets(tmp_path, ["a"]))  # the next run removes it
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["mkdir", "open", "fsync"])
def test_an_error_of_a_hidden_file_names_the_target(tmp_path, monkeypatch, call):
    def full(*arguments, **_):
        raise OSError(errno.ENOSPC, "full", str(arguments[0]))

    monkeypatch.setattr(
        *{"mkdir": (Path, "mkdir"), "open": (Path, "open"), "fsync": (os, "fsync")}[call], full
    )
    with pytest.raises(OSError, match="full") as e:
        write_all(one_file(tmp_path / "x"), {"x": b"1"})
    assert e.value.filename == str(tmp_path / "x")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
