"""A file that another program writes to while it is read: one line, and nothing is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run
from fos_ref.engines import convert
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError
from fos_ref.inspect.api import inspect
from fos_ref.storage import ranges
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.conventions import MODELOPT, stored_tensor_scale
from fos_ref.storage.manifest import Manifest, Source
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.unchanged import changed

X = np.linspace(-3, 5, 4096, dtype=np.float32).reshape(64, 64)
SAID = "changed while it was read"


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "in.safetensors"
    save_file({"a.weight": X, "b.weight": X[:16].copy()}, path)
    return path


def rewrite(path: Path, factor: float = 1000, keep_times: bool = False) -> None:
    """Write other values into the same file, as a program that trains on does."""
    before = path.stat()
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    data[start:] = (np.frombuffer(bytes(data[start:]), np.float32) * np.float32(factor)).tobytes()
    with path.open("r+b") as f:
        f.write(data)
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def after(number: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call `act` before the read with this number, counted from the opening of the first file."""
    real, count = SafetensorsFile._read_at, []

    def read(self, offset, size):
        count.append(offset)
        if len(count) == number:
            act()
        return real(self, offset, size)

    monkeypatch.setattr(SafetensorsFile, "_read_at", read)


@pytest.mark.parametrize("keep_times", [False, True])
@pytest.mark.parametrize("number", range(3, 7))  # two reads of the header, then each weight in each pass
def test_quantize_publishes_nothing_of_a_file_that_changed(path, tmp_path, monkeypatch, number, keep_times):
    after(number, lambda: rewrite(path, keep_times=keep_times), monkeypatch)
    with pytest.raises(CheckpointError, match=SAID):
        quantize_checkpoint(path, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]


@pytest.mark.parametrize("number", [5, 6])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_amax_of_the_second_pass_tells_where_the_clock_does_not(
    path, tmp_path, monkeypatch, number, engine
):
    monkeypatch.setattr(ranges, "changed", lambda *_: False)
    after(number, lambda: rewrite(path), monkeypatch)
    with pytest.raises(CheckpointError, match=SAID):
        quantize_checkpoint(path, tmp_path / "out", engine=engine)
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]


def test_a_change_right_after_the_opening_is_seen(path):
    """Also where the last change before it was in the same tick of the clock."""
    for _ in range(20):
        rewrite(path, 1)
        with SafetensorsFile(path) as f:
            rewrite(path, 1)
            with pytest.raises(CheckpointError, match=SAID):
                f.read("a.weight")


def test_a_file_that_is_replaced_is_read_to_its_end(path, tmp_path, monkeypatch):
    quantize_checkpoint(path, tmp_path / "want")
    other = tmp_path / "other"
    save_file({"a.weight": X * 9, "b.weight": X[:16] * 9}, other)
    after(5, lambda: other.replace(path), monkeypatch)
    quantize_checkpoint(path, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == (tmp_path / "want").read_bytes()


def test_what_moves_no_byte_is_no_change(path):
    """A second link, and one that goes; a reader's own time."""
    with SafetensorsFile(path) as f:
        path.with_name("link").hardlink_to(path)
        f.read("a.weight")
        path.with_name("link").unlink()
        f.read("a.weight")
    before = path.stat()
    path.read_bytes()
    assert not changed(before, path.stat())


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "q", "--against", "in.safetensors"),
        ("recipes", "diff", "4over6", "nvfp4", "--on", "in.safetensors"),
        ("report", "--quick", "--weights", "in.safetensors", "--engine", "numpy"),
    ],
)
def test_every_command_that_reads_it_more_than_once_refuses(path, tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    quantize_checkpoint(path, tmp_path / "q")
    monkeypatch.setattr("fos_ref.report.measured.measure_report", lambda *_: None)
    monkeypatch.setattr("fos_ref.report.terminal.show_summary", lambda *_: None)
    reads = []
    real = SafetensorsFile.read_bytes

    def read(self, *where):
        if self.path.name == "in.safetensors":
            reads.append(where)
            if len(reads) == 2:
                rewrite(path)
        return real(self, *where)

    monkeypatch.setattr(SafetensorsFile, "read_bytes", read)
    assert run(list(arguments)) == 2
    error = capsys.readouterr().err
    assert (error.count("\n"), SAID in error) == (1, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors", "q"]


def test_the_digest_in_a_report_is_that_of_the_bytes_that_were_measured(path):
    with SafetensorsFile(path) as f:
        digest = f.sha256()
        path.with_name("other").write_bytes(b"other")
        path.with_name("other").replace(path)
        assert f.sha256() == digest


# --- what such an output looks like ----------------------------------------------------------------------


def stale(path: Path, x: np.ndarray, amax: np.float32) -> None:
    """Write what an older `fos quantize` made of a file that changed: the values of now under an old amax."""
    q = fos_ref.quantize(x, "4over6", amax=amax)
    source = Source(amax, "F32", x.shape)
    manifest = Manifest(version="0", convention=MODELOPT, recipe=q.recipe, tensors={"a.weight": source})
    infos = MODELOPT.infos("a.weight", x.shape)
    stored = stored_tensor_scale(amax, q.recipe, MODELOPT)
    with SafetensorsWriter(path, infos, manifest.to_metadata()) as w:
        for info, data in zip(infos, (q.codes, q.block_scales, np.asarray(stored)), strict=True):
            w.write(info.name, data)


@pytest.mark.long
@pytest.mark.parametrize(("amax", "code"), [(np.float32(5), 0), (np.float32(0.005), 1)])
def test_a_tensor_scale_of_no_amax_in_the_original_is_not_the_manifest_s(tmp_path, capsys, amax, code):
    save_file({"a.weight": X}, tmp_path / "in")
    stale(tmp_path / "q", X, amax)
    found = inspect(tmp_path / "q", tmp_path / "in")
    assert found.best[0].exact  # every block is equal under the stored scale: the blocks do not tell
    assert found.manifest_holds is (code == 0)
    assert run(["inspect", str(tmp_path / "q"), "--against", str(tmp_path / "in")]) == code
    assert ("the bytes are NOT its" in capsys.readouterr().out) == (code == 1)


def test_names_that_would_clash_are_found_before_the_first_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(convert, "take", lambda *_: pytest.fail("the first pass has begun"))
    save_file({"a.weight": X, "a.weight_scale": X[0].copy()}, tmp_path / "in")
    with pytest.raises(CheckpointError, match=r"two tensors would be called 'a\.weight_scale'"):
        quantize_checkpoint(tmp_path / "in", tmp_path / "out")


@pytest.mark.sample(1)
@pytest.mark.parametrize("convention", ["modelopt", "compressed-tensors"])
@pytest.mark.parametrize("name", ["a.weight.weight", ".weight", "weight.weight", "a.weight.weight.weight"])
def test_a_name_is_stripped_once(tmp_path, name, convention):
    save_file({name: X, "bias": X[0].copy()}, tmp_path / "in")
    quantize_checkpoint(tmp_path / "in", tmp_path / "q", convention=convention)
    with QuantizedCheckpoint(tmp_path / "q") as f:
        assert f.names == (name,)
        assert f.tensor(name).shape == X.shape
    found = inspect(tmp_path / "q", tmp_path / "in")
    assert [w.held.name for w in found.weights] == [name]
    assert (found.manifest_holds, found.not_compared, found.unread) == (True, {}, {})
