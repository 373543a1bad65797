"""The cache of compiled files: one file per content, whole or not at all."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fos_gpu.build import cache
from fos_gpu.build.cache import cached, folder, load, VARIABLE
from fos_ref.errors import ToolchainError
from tests.meta.tree import ROOT


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "compiled"))
    return tmp_path / "compiled"


def test_a_file_is_made_once(home):
    made = []

    def make(path):
        made.append(path)
        path.write_bytes(b"code")

    first = cached(("source", "-O2"), ".so", make)
    assert cached(("source", "-O2"), ".so", make) == first
    assert first.read_bytes() == b"code"
    assert len(made) == 1
    assert list(home.iterdir()) == [first]


def test_any_part_that_differs_is_another_file(home):
    def make(path):
        path.write_bytes(b"")

    parts = [("a", "b"), ("ab", ""), ("a", "c"), ("b", "a")]
    assert len({cached(p, ".so", make) for p in parts}) == 4
    assert len(list(home.iterdir())) == 4


def test_a_build_that_fails_leaves_nothing(home):
    def make(path):
        path.write_bytes(b"half")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 -- the builder's own error
        cached(("x",), ".so", make)
    assert list(home.iterdir()) == []


def test_the_user_s_cache_folder_is_the_default(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == tmp_path / "fos-gpu"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert folder() == Path.home() / ".cache" / "fos-gpu"


def code(path):
    path.write_bytes(b"code")


PARTS = ("source", "-O2")


def again(home, *, made=1):
    """Ask for the file; it has to be the one that was built, built anew `made` times."""
    calls = []

    def make(path):
        calls.append(path)
        code(path)

    path = cached(PARTS, ".so", make)
    assert path.read_bytes() == b"code"
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p for p in home.iterdir() if p.suffix == ".so"] == [path]
    assert len(calls) == made


def _symlink(path):
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


def _fifo(path):
    path.unlink()
    os.mkfifo(path)


def _folder(path):
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(b"")


DAMAGE = {
    "empty": lambda p: p.write_bytes(b""),
    "cut": lambda p: p.write_bytes(b"co"),
    "other bytes": lambda p: p.write_bytes(b"edoc"),
    "longer": lambda p: p.write_bytes(b"code\0"),
    "open to the group": lambda p: p.chmod(0o620),
    "open to all": lambda p: p.chmod(0o602),
    "a link": _symlink,
    "a pipe": _fifo,
    "a folder": _folder,
}
if os.geteuid() == 0:
    DAMAGE["another user's"] = lambda p: os.chown(p, 12345, -1)


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_entry_that_is_not_as_it_was_written_is_built_again(home, damage):
    path = cached(PARTS, ".so", code)
    DAMAGE[damage](path)
    again(home)
    again(home, made=0)


@pytest.mark.parametrize("mask", [0o000, 0o002, 0o022, 0o077, 0o777])
def test_no_umask_opens_the_folder_or_a_file(home, mask):
    before = os.umask(mask)
    try:
        path = cached(PARTS, ".so", code)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _of_others(home):
    home.mkdir()
    os.chown(home, 12345, -1)


def _linked(home):
    (home.parent / "elsewhere").mkdir(mode=0o700)
    home.symlink_to(home.parent / "elsewhere")


def _opened(mode):
    def make(home):
        home.mkdir()
        home.chmod(mode)

    return make


FOLDERS = {
    "a link": (_linked, "no folder of its own"),
    "a file": (lambda h: h.write_bytes(b""), "no folder of its own"),
    "a dangling link": (lambda h: h.symlink_to("/nowhere"), "no folder of its own"),
    "open to all": (_opened(0o777), "mode 0777"),
    "open to the group": (_opened(0o770), "mode 0770"),
    "sticky": (_opened(0o1777), "mode 1777"),
}
if os.geteuid() == 0:
    FOLDERS["another user's"] = (_of_others, "another user")


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_that_is_not_the_user_s_alone_is_refused_in_one_line(home, kind):
    make, says = FOLDERS[kind]
    make(home)
    with pytest.raises(ToolchainError, match=says) as e:
        cached(PARTS, ".so", code)
    assert VARIABLE in str(e.value)
    assert len(str(e.value)) < 1_000


def test_a_folder_that_cannot_be_made_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path / "file" / "x", Path("/proc/nope/x")):
        monkeypatch.setenv(VARIABLE, str(place))
        with pytest.raises(ToolchainError, match="no compiled file can be kept in"):
            cached(PARTS, ".so", code)


def test_without_a_home_the_variable_is_named(monkeypatch):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def none():
        msg = "Could not determine home directory."
        raise RuntimeError(msg)

    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(ToolchainError, match=VARIABLE):
        folder()


def test_it_is_flushed_before_it_has_its_name(home, monkeypatch):
    """The file first, then the folder that holds the name."""
    seen, real = [], os.fsync

    def flush(handle):
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), sorted(p.suffix for p in home.glob("*.so"))))
        real(handle)

    monkeypatch.setattr(os, "fsync", flush)
    cached(PARTS, ".so", code)
    assert seen == [(False, []), (True, [".so"])]


def test_what_a_killed_build_left_is_deleted_once_nobody_builds_there(home):
    home.mkdir(mode=0o700)
    old, fresh = home / ".building-old", home / ".building-new"
    for f in (old, fresh):
        f.mkdir()
        (f / "half.so").write_bytes(b"half")
    os.utime(old, (0, 0))
    cached(PARTS, ".so", code)
    assert not old.exists()
    assert fresh.exists()


def _at_once(place, barrier, results):
    os.environ[VARIABLE] = place
    barrier.wait(timeout=60)
    results.put(str(cached(PARTS, ".so", lambda p: p.write_bytes(os.urandom(1 << 20)))))


@pytest.mark.long
def test_processes_that_build_at_once_each_get_a_whole_file(home):
    """Even where a compiler never writes the same bytes twice."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(4), context.Queue()
    workers = [context.Process(target=_at_once, args=(str(home), barrier, results)) for _ in range(4)]
    for w in workers:
        w.start()
    paths = [Path(results.get(timeout=60)) for _ in workers]
    for w in workers:
        w.join()
    assert {w.exitcode for w in workers} == {0}
    assert all(cache._digest(p) == p.stem.split("-")[1] for p in paths)
    assert cached(PARTS, ".so", code) == min(paths)
    assert [p for p in home.iterdir() if p not in paths] == []


@pytest.mark.usefixtures("home")
def test_a_library_that_this_system_does_not_load_is_one_line():
    path = cached(PARTS, ".so", code)
    with pytest.raises(ToolchainError, match="cannot be loaded"):
        load(path)


@pytest.mark.long
def test_the_engine_works_again_after_a_power_loss(tmp_path):
    """The whole way: a library cut to 0 bytes, then the command."""
    golden = str(ROOT / "golden")
    script = (
        "import sys; from fos_ref.cli import run; "
        f"sys.exit(run(['golden', 'verify', '--dir', {golden!r}, '--engine', 'host', "
        "'--only', 'v1/nvfp4/worked.json']))"
    )
    env = os.environ | {VARIABLE: str(tmp_path / "c")}
    words = [sys.executable, "-c", script]
    for _ in range(2):
        done = subprocess.run(words, env=env, capture_output=True, text=True, cwd=ROOT, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        for path in (tmp_path / "c").glob("*.so"):
            path.write_bytes(b"")
    (tmp_path / "c").chmod(0o777)
    done = subprocess.run(words, env=env, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("fos: ")
    assert done.stderr.count("\n") == 1
