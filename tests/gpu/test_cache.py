"""The cache of compiled files: one file per content, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from fos_gpu.build.cache import cached, folder, VARIABLE


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
