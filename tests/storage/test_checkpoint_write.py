"""Writing safetensors: the package reads it back, and a failure leaves nothing behind."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from fos_ref.errors import CheckpointError, InputError
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo

BIG = TensorInfo.of("big", "U8", (1 << 20,))


def _write(path: Path, info: TensorInfo = BIG, *, overwrite: bool = False) -> None:
    with SafetensorsWriter(path, [info], {"k": "v"}, overwrite=overwrite) as w:
        w.write(info.name, np.ones(info.nbytes, np.uint8))


def test_the_safetensors_package_reads_what_is_written(tmp_path: Path) -> None:
    arrays = {
        "odd": ("U8", np.arange(3, dtype=np.uint8)),
        "scales": ("F8_E4M3", np.arange(8, dtype=np.uint8).reshape(2, 4)),
        "half": ("F16", np.arange(5, dtype=np.float16)),
        "brain": ("BF16", np.arange(6, dtype=np.uint16)),
        "full": ("F32", np.arange(7, dtype=np.float32).reshape(7, 1)),
        "scalar": ("F32", np.array(2.5, np.float32)),
        "empty": ("F32", np.zeros((0, 4), np.float32)),
        "naïve \U0001f600 \t": ("U8", np.array([9], np.uint8)),
        "long": ("I64", np.arange(2)),
    }
    infos = [TensorInfo(n, d, a.shape, a.nbytes) for n, (d, a) in arrays.items()]
    path = tmp_path / "x.safetensors"
    with SafetensorsWriter(path, infos, {"format": "pt", "quote": '"'}) as w:
        for name, (_, a) in arrays.items():
            w.write(name, a)
    with safe_open(path, framework="numpy") as f:
        assert f.metadata() == {"format": "pt", "quote": '"'}
        assert sorted(f.keys()) == sorted(arrays)
        for name, (dtype, a) in arrays.items():
            assert (f.get_slice(name).get_dtype(), tuple(f.get_slice(name).get_shape())) == (dtype, a.shape)
        for name in ("odd", "half", "full", "scalar", "long", "empty"):
            assert f.get_tensor(name).tobytes() == arrays[name][1].tobytes()
    with SafetensorsFile(path) as g:
        for name, (dtype, a) in arrays.items():
            assert (g.info(name).dtype, g.info(name).shape) == (dtype, a.shape)
            assert g.read_bytes(name, 0, a.nbytes).tobytes() == a.tobytes()


def test_every_tensor_starts_on_its_own_alignment(tmp_path: Path) -> None:
    infos = [TensorInfo.of("a", "U8", (3,)), TensorInfo.of("b", "F32", (1,)), TensorInfo.of("c", "F16", (1,))]
    path = tmp_path / "x.safetensors"
    with SafetensorsWriter(path, infos, {}) as w:
        for info in infos:
            w.write(info.name, np.zeros(info.nbytes, np.uint8))
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    starts = {n: 8 + length + e["data_offsets"][0] for n, e in json.loads(raw[8 : 8 + length]).items()}
    assert length % 8 == 0
    assert (starts["b"] % 4, starts["c"] % 2) == (0, 0)


def test_chunks_of_several_tensors_may_alternate(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with SafetensorsWriter(path, [TensorInfo.of("a", "U8", (4,)), TensorInfo.of("b", "U8", (2,))], {}) as w:
        for name, part in (("a", [1, 2]), ("b", [7]), ("a", [3]), ("b", [8]), ("a", [4])):
            w.write(name, np.array(part, np.uint8))
    with SafetensorsFile(path) as f:
        assert f.read("a").tolist() == [1, 2, 3, 4]
        assert f.read("b").tolist() == [7, 8]


def test_a_failing_write_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    """A real failure: the system refuses to grow a file above 64 KiB, as a full disk does."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(OSError, match=r"x\.safetensors") as e:
            _write(path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert (e.value.errno, e.value.filename) == (errno.EFBIG, str(path))
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_disk_full_at_the_end_leaves_the_old_file_as_it_was(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*{"fsync": (os, "fsync", full), "replace": (Path, "replace", full)}[moment])
    with pytest.raises(OSError, match="No space left on device") as e:
        _write(path, overwrite=True)
    assert e.value.filename == str(path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_exception_in_the_body_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def fail_half_way() -> None:
        with SafetensorsWriter(tmp_path / "x", [BIG], {}) as w:
            w.write("big", np.zeros(10, np.uint8))
            assert len(list(tmp_path.iterdir())) == 1
            raise error

    with pytest.raises(error):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_tensor_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="big"), SafetensorsWriter(tmp_path / "x", [BIG], {}):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    writer = SafetensorsWriter(path, [BIG], {}).__enter__()
    writer.write("big", np.zeros(BIG.nbytes, np.uint8))
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match="exists already"):
        writer.__exit__(None, None, None)
    assert path.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_two_tensors_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="two tensors would be called 'big'"):
        SafetensorsWriter(tmp_path / "x", [BIG, BIG], {})


def test_the_file_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        _write(tmp_path / "x")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
