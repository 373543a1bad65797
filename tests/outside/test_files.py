"""Files from outside: regular ones, of bounded size; what would block is never opened."""

from __future__ import annotations

import os
import tracemalloc

import pytest

from fos_ref.errors import CheckpointError, InputError
from fos_ref.outside.files import check_regular, read_file


def test_pipes_devices_and_folders_are_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/zero", tmp_path, "/", "."):
        with pytest.raises(CheckpointError, match="not a regular file"):
            read_file(path, 10, CheckpointError)


def test_a_name_that_no_file_has_is_an_error_of_ours_and_a_missing_file_is_not():
    for path in ("a\0b", "\ud800"):
        with pytest.raises(InputError, match="the name of a file is allowed") as e:
            check_regular(path)
        assert str(e.value).isprintable()
    with pytest.raises(FileNotFoundError, match="none"):
        read_file("/none", 10)
    with pytest.raises(OSError, match="name too long"):
        read_file("/" + "a" * 300, 10)


def test_a_link_is_followed_and_a_loop_is_an_error_of_the_system(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    assert read_file(tmp_path / "link", 3) == b"abc"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path / "loop", 3)


def test_a_file_that_says_it_is_empty_is_bounded_too():
    with pytest.raises(InputError, match=r"/proc/self/status: 11 bytes: at most 10"):
        read_file("/proc/self/status", 10)


def test_a_file_that_grows_is_read_to_its_end(tmp_path, monkeypatch):
    path, data = tmp_path / "a", bytes(range(256)) * 9000
    path.write_bytes(data)
    monkeypatch.setattr("fos_ref.outside.files.check_regular", lambda *_: 5)  # what it had
    assert read_file(path, 1 << 40) == data
    with pytest.raises(InputError, match="at most 2,000,000 are allowed"):
        read_file(path, 2_000_000)


def test_memory_is_taken_for_the_bytes_that_are_there(tmp_path):
    """A reader that allows gigabytes took them for a file of ten bytes."""
    (tmp_path / "a").write_bytes(b"0123456789")
    tracemalloc.start()
    try:
        assert read_file(tmp_path / "a", 1 << 34) == b"0123456789"
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()
