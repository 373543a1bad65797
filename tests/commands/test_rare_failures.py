"""What seldom goes wrong: a disk that fills, a file that shrinks, a search that finds nothing."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from safetensors.numpy import save_file

from fos_ref.cli import run
from fos_ref.errors import CheckpointError, GoldenFormatError
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets
from fos_ref.recipes.axes import Tie
from fos_ref.report.terminal import show_weights
from fos_ref.report.weights import measure_weights, Weights
from fos_ref.report.weights_text import weights_markdown
from fos_ref.storage import safetensors_read, safetensors_write
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import TensorInfo
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.distinguishing import file as golden_file
from fos_ref.vectors.distinguishing.check import failures, VECTORS
from fos_ref.vectors.distinguishing.search import find


def test_a_full_disk_names_the_document_and_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes(b"before")
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left") as e:
        write_all(Targets(tmp_path, ["a.txt", "b.txt"]), {"a.txt": b"after", "b.txt": b"new"})
    assert e.value.filename == str(tmp_path / "b.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"before"


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    save_file({"w": np.ones((256, 256), np.float32)}, path)
    with SafetensorsFile(path) as f:
        size = path.stat().st_size
        os.truncate(path, size - 512)
        with pytest.raises(CheckpointError, match="truncated: bytes"):
            f.read_bytes("w", 0, 1 << 18)
        monkeypatch.setattr(safetensors_read.os, "fstat", lambda _: SimpleNamespace(st_size=size))
        with pytest.raises(CheckpointError, match="truncated while it was read"):
            f.read_bytes("w", 0, 1 << 18)


def test_a_header_longer_than_readers_take_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(safetensors_write, "MAX_HEADER", 40)
    path = tmp_path / "x.safetensors"
    with (
        pytest.raises(CheckpointError, match="the header would take 56 bytes; readers take 40"),
        SafetensorsWriter(path, [TensorInfo.of("a", "U8", (3,))], {}),
    ):
        pytest.fail("opened")
    assert list(tmp_path.iterdir()) == []


def test_quantizing_from_another_thread_leaves_the_signals_alone(tmp_path):
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file({"m.up_proj.weight": np.ones((16, 32), np.float32)}, source)
    codes = []
    arguments = ["quantize", str(source), str(target), "--recipe", "4over6"]
    thread = threading.Thread(target=lambda: codes.append(run(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]
    assert target.exists()


@pytest.mark.long
def test_a_pair_that_no_input_tells_apart_has_no_vector():
    seen = SimpleNamespace(stages=lambda *, values: [lambda _a, _b: None] if not values else [])
    assert find("tie", Tie.SIX, Tie.FOUR, seen) is None


def test_a_pair_without_vector_or_reason_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setattr(golden_file, "find", lambda *_: None)
    monkeypatch.setattr(golden_file, "INDISTINGUISHABLE", {})
    axis, u, v = next(iter(golden_file.axis_pairs()))
    with pytest.raises(GoldenFormatError, match=f"axis {axis}: no input tells .* from") as e:
        golden_file.distinguishing(lambda: None)
    assert repr(golden_file.plain_name(u)) in str(e.value)
    assert repr(golden_file.plain_name(v)) in str(e.value)


@pytest.mark.parametrize("vectors", [None, [], {}])
def test_a_golden_file_without_vectors_is_refused(vectors):
    data = canonical({"format": 1, "indistinguishable": [], "mutants": [], "vectors": vectors})
    with pytest.raises(GoldenFormatError, match=rf"{VECTORS}: /(mutants|vectors): "):
        failures(data, "numpy", lambda: None)


def test_the_terminal_says_how_many_tensors_were_not_measured(capsys):
    empty = pd.DataFrame({"total": []})
    for left, said in (({}, ""), ({"a": "1-D", "b": "empty"}, "2 tensors were not measured")):
        weights = Weights(name="w", sha256="0", tensors=empty, totals=empty, left=left)
        show_weights(Console(width=200), weights)
        out = capsys.readouterr().out
        assert said in out
        assert bool(out) == bool(left)


def test_the_document_lists_what_was_not_measured_by_reason(tmp_path):
    x = np.linspace(-1, 1, 512, dtype=np.float32).reshape(16, 32)
    path = tmp_path / "m.safetensors"
    save_file({"a.weight": x}, path)
    alone = weights_markdown(measure_weights(path, "numpy", lambda _: None), "figure.png").decode()
    assert "Nothing: every tensor of the file was measured." in alone
    save_file({"a.weight": x, "b.bias": x[0], "c.bias": x[1], "d.weight": x[:, :24].copy()}, path)
    text = weights_markdown(measure_weights(path, "numpy", lambda _: None), "figure.png").decode()
    assert "| 1-D | 2 | `b.bias`, `c.bias` |" in text
    assert "| last axis 24 is not a multiple of 16 | 1 | `d.weight` |" in text


def test_verify_says_that_every_bit_is_as_committed(capsys):
    folder = Path(__file__).parents[2] / "golden"
    assert run(["golden", "verify", "--dir", str(folder), "--only", "v1/te-nvfp4/worked.json"]) == 0
    assert capsys.readouterr().out.endswith("9 vectors, engine numpy: every bit as committed\n")


@pytest.mark.long
def test_the_evidence_command_names_the_peers_that_were_not_run(tmp_path, capsys):
    path = tmp_path / "evidence.json"
    versions = '"versions": {"numpy": "2"}'
    path.write_text(
        f'{{"format": 1, "presets": {{}}, "conversions": {{}}, "not_run": {{"te": "no build"}}, {versions}}}',
        encoding="utf-8",
    )
    assert run(["evidence", "--from", str(path)]) == 1  # presets claim what this file does not back
    assert "not run: te: no build" in " ".join(capsys.readouterr().out.split())
