"""GGUF headers: what the package writes is read as the package reads it, and no header is believed."""

from __future__ import annotations

import io
import sys
import time
import warnings
from random import Random

import gguf
import numpy as np
import pytest

from fos_ref.errors import CheckpointError, FosError, ToolchainError
from fos_ref.outside import gguf as door
from fos_ref.outside.gguf import is_gguf, read_gguf_header
from tests.every import every
from tests.fuzz.mutate import raw
from tests.outside.gguf_bytes import entry, file, LIST, listing, REFUSED, STRING, tensor, text, VALID


def read(data: bytes):
    return read_gguf_header(io.BytesIO(data), len(data), "file", CheckpointError)


def by_package(data: bytes, folder):
    """Return what GGUFReader finds: its own tensors, by name."""
    path = folder / "by.gguf"
    path.write_bytes(data)
    found = gguf.GGUFReader(path)
    return {
        t.name: (t.tensor_type.name, tuple(reversed(t.shape.tolist())), int(t.data_offset), int(t.n_bytes))
        for t in found.tensors
    }, set(found.fields)


def ours(data: bytes):
    found = read(data)
    return {t.name: tuple(t)[1:] for t in found.tensors}, found.metadata


@every([n for n in VALID if n != "no axis"])  # which the package reads as a block of no axis, with an error
def test_a_valid_file_is_read_as_the_package_reads_it(name, tmp_path):
    tensors, metadata = ours(VALID[name])
    theirs, fields = by_package(VALID[name], tmp_path)
    assert tensors == theirs
    assert set(metadata) <= fields


def test_a_text_that_is_no_utf_8_is_kept_with_escapes_and_a_long_one_is_not():
    data = file([entry("k", STRING, text(b"a\xff")), entry("m", STRING, text("m" * 4097))])
    assert ours(data)[1] == {"k": "a\\xff"}


def test_a_value_without_an_axis_is_read():
    assert ours(VALID["no axis"])[0]["a"] == ("F32", (), 64, 4)


def test_what_the_package_writes_is_read_with_its_metadata(tmp_path):
    path = tmp_path / "m.gguf"
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("a b\x1b[31m")
    w.add_block_count(7)
    w.add_float32("x.eps", 1e-5)
    w.add_bool("x.on", val=True)
    w.add_int64("x.low", -(1 << 62))
    w.add_token_list([b"a", b"\xff", b""])
    w.add_token_scores([0.5, 1.0, 2.0])
    w.add_chat_template("t" * 5000)
    w.add_tensor("a.weight", np.ones((2, 32), np.float32))
    w.add_tensor("b.weight", np.zeros((3, 2, 36), np.uint8), raw_dtype=gguf.GGMLQuantizationType.NVFP4)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    tensors, metadata = ours(path.read_bytes())
    assert tensors == by_package(path.read_bytes(), tmp_path)[0]
    assert tensors["b.weight"][:2] == ("NVFP4", (3, 2, 64))
    assert metadata == {
        "general.architecture": "llama",
        "general.name": "a b\x1b[31m",
        "llama.block_count": "7",
        "x.eps": "1e-05",
        "x.on": "True",
        "x.low": str(-(1 << 62)),
    }


@every(list(REFUSED))
def test_what_is_no_whole_file_is_one_short_line(name):
    data, said = REFUSED[name]
    begun = time.perf_counter()
    with pytest.raises(CheckpointError, match=said) as e:
        read(data)
    assert time.perf_counter() - begun < 5  # milliseconds on a core of its own
    line = str(e.value)
    assert line.startswith("file: not a usable GGUF file: ")
    assert line.endswith("a whole little-endian GGUF file of version 2 or 3 is allowed")
    assert line.isprintable()
    assert len(line) < 500


@pytest.mark.long
def test_a_cut_file_is_refused_unless_its_tensors_are_whole():
    """A header is read without its data, or with less of it, only where no tensor needs them."""
    for name, data in VALID.items():
        for length in range(len(data)):
            try:
                found = read(data[:length])
            except CheckpointError:
                continue
            assert all(t.start + t.nbytes <= length for t in found.tensors), name


def test_a_changed_file_is_refused_or_read_as_the_package_reads_it(tmp_path):
    """The package refuses less: it reads what is read here the same."""
    rng, kept = Random(5), 0  # noqa: S311 -- it has to be repeatable
    for i in range(600):
        data = raw(rng, VALID[rng.choice(list(VALID))])
        try:
            tensors, _ = ours(data)
        except FosError:
            continue
        if not any(t[1] == () for t in tensors.values()):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                assert by_package(data, tmp_path)[0] == tensors, i
            kept += 1
    assert kept > 50


def test_a_vocabulary_of_150000_is_passed_over_quickly():
    """The vocabulary of a large model is a matter of a moment."""
    strings = file([entry("k", LIST, listing(STRING, 150_000, text("abcdefgh") * 150_000))], [tensor()])
    begun = time.perf_counter()
    assert len(read(strings).tensors) == 1
    assert time.perf_counter() - begun < 2


def test_a_file_that_shrinks_is_refused():
    data = VALID["a tensor"]
    with pytest.raises(CheckpointError, match="became shorter while it was read"):
        read_gguf_header(io.BytesIO(data[:40]), len(data), "file", CheckpointError)


def test_without_the_package_one_line_names_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(ToolchainError, match=r"pip install 'gguf>=0\.19'") as e:
        read(VALID["a tensor"])
    assert "\n" not in str(e.value)


def test_a_file_is_told_by_its_first_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"GGUF")
    (tmp_path / "b").write_bytes(b"GGU")
    assert is_gguf(tmp_path / "a")
    assert not any(map(is_gguf, (tmp_path / "b", tmp_path, tmp_path / "none", "/dev/zero", "a\0b")))


def test_the_table_of_numbers_is_the_package_s():
    sizes = {int(t): np.dtype(d).itemsize for t, d in gguf.GGUFReader.gguf_scalar_to_np.items()}
    assert {n: d.itemsize for n, d in door._NUMBERS.items()} == sizes
