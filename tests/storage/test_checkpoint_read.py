"""Reading safetensors: real files come back bit for bit, hostile ones get one line."""

from __future__ import annotations

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.errors import CheckpointError, DtypeError, InputError
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import Selection

F32_2X2 = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
DATA = bytes(range(16))


def _file(header: object, data: bytes = DATA, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def _entry(**changes: object) -> dict[str, object]:
    return {"a": {**F32_2X2, **changes}}


ATTACKS = {
    "empty": b"",
    "seven-bytes": bytes(7),
    "length-0": bytes(8),
    "length-above-file": _file(_entry(), length=10**6),
    "length-2^63": _file(_entry(), length=2**63),
    "length-2^64-1": _file(_entry(), length=2**64 - 1),
    "length-wraps": _file(_entry(), length=2**64 - 8),
    "not-json": _file(b"{nope"),
    "a-list": _file(b"[]", b""),
    "nested": _file(b'{"a":' * 50_000, b""),
    "not-utf8": _file(b'{"\xff":1}'),
    "data-cut": _file(_entry(), DATA[:15]),
    "data-left-over": _file(_entry(), DATA + b"\0"),
    "header-cut": _file(_entry())[:20],
    "overlap": _file({**_entry(), "b": {**F32_2X2, "data_offsets": [8, 24]}}, bytes(24)),
    "same-bytes": _file({**_entry(), "b": F32_2X2}),
    "gap": _file({**_entry(), "b": {**F32_2X2, "data_offsets": [20, 36]}}, bytes(36)),
    "offset-beyond-file": _file(_entry(data_offsets=[0, 2**40], shape=[2**38])),
    "reversed-offsets": _file(_entry(data_offsets=[16, 0])),
    "negative-offset": _file(_entry(data_offsets=[-16, 0])),
    "shape-too-large": _file(_entry(shape=[2, 3])),
    "shape-too-small": _file(_entry(shape=[3])),
    "shape-overflows": _file(_entry(shape=[2**62 + 1, 4])),
    "shape-negative": _file(_entry(shape=[-2, -2])),
    "shape-fraction": _file(_entry(shape=[2.0, 2])),
    "dtype-of-another-size": _file(_entry(dtype="BF16")),
    "dtype-unknown": _file(_entry(dtype="F31")),
    "entry-without-shape": _file({"a": {"dtype": "F32", "data_offsets": [0, 16]}}),
    "metadata-number": _file({"__metadata__": {"k": 1}, **_entry()}),
    "name-twice": _file(b'{"a":%b,"a":%b}' % ((json.dumps(F32_2X2).encode(),) * 2)),
    "metadata-key-twice": _file(b'{"__metadata__":{"k":"1","k":"2"},"a":%b}' % json.dumps(F32_2X2).encode()),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_header_is_one_clear_line(attack: str, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(ATTACKS[attack])
    with pytest.raises(CheckpointError) as e:
        SafetensorsFile(path)
    assert str(path) in str(e.value)
    assert "\n" not in str(e.value)


def test_the_valid_twin_of_the_attacks_is_read(tmp_path: Path) -> None:
    """The attacks differ from this file in one respect each."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(_file({"__metadata__": {"k": "v"}, **_entry()}))
    with SafetensorsFile(path) as f:
        assert f.metadata == {"k": "v"}
        assert f.read("a").tobytes() == DATA
        assert f.read("a").shape == (2, 2)


def test_a_name_given_twice_names_the_name(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(ATTACKS["name-twice"])
    with pytest.raises(CheckpointError, match="'a' is given twice"):
        SafetensorsFile(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SafetensorsFile(tmp_path / "missing")
    with pytest.raises(CheckpointError, match="not a regular file"):
        SafetensorsFile(tmp_path)


def test_a_file_cut_while_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(_file(_entry()))
    with SafetensorsFile(path) as f:
        path.write_bytes(_file(_entry())[:-1])
        with pytest.raises(CheckpointError, match="truncated"):
            f.read("a")


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16, np.uint8])
def test_values_and_chunks_keep_every_bit(dtype: type, tmp_path: Path) -> None:
    size = np.dtype(dtype).itemsize
    x = np.random.default_rng(7).integers(0, 256, 6 * 5 * size, dtype=np.uint8).view(dtype).reshape(6, 5)
    path = tmp_path / "x.safetensors"
    save_file({"x": x, "other": np.arange(3, dtype=np.int64)}, path)
    with SafetensorsFile(path) as f:
        assert f.read("x").dtype == x.dtype
        assert f.read("x").tobytes() == x.tobytes()
        assert f.read_values("x", 7, 19).tobytes() == x.reshape(-1)[7:19].tobytes()
        assert f.read_bytes("x", 3, 11).tobytes() == x.tobytes()[3:11]
        f.read("x")[:] = 0  # arrays are the caller's own
        assert f.read("x").tobytes() == x.tobytes()


def test_scalars_and_empty_tensors(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"s": np.array(1.5, np.float32), "e": np.zeros((0, 16), np.float32)}, path)
    with SafetensorsFile(path) as f:
        assert f.read("s").shape == ()
        assert f.read("e").shape == (0, 16)


def test_other_dtypes_can_be_copied_but_not_read_as_values(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"i": np.arange(3, dtype=np.int64)}, path)
    with SafetensorsFile(path) as f:
        assert f.read_bytes("i", 0, 24).tobytes() == np.arange(3, dtype=np.int64).tobytes()
        with pytest.raises(DtypeError, match="I64"):
            f.read("i")
        with pytest.raises(CheckpointError, match="no tensor is called 'j'"):
            f.read("j")


@pytest.mark.parametrize("where", ["include", "exclude"])
def test_a_glob_has_a_bound(where):
    """Its regular expression takes time: 100,000 letters took over 10 s."""
    with pytest.raises(InputError, match="100,000 characters: at most 4,096"):
        Selection(**{where: ("*" * 100_000,)})
    Selection(**{where: ("*" * 4_096,)})
