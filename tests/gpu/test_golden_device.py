"""The golden vectors on a GPU, and the proof's command where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

import fos_gpu
from fos_gpu.proof import golden as prove_golden
from fos_gpu.proof.golden import run
from fos_ref.vectors.chain import NAME as CHAINS
from fos_ref.vectors.manifest import MANIFEST
from tests.gpu.on_device import NEEDS_GPU

GOLDEN = Path(__file__).parents[2] / "golden"


def silent(done, files):
    """Show no progress."""


def on(engine, monkeypatch, folder=GOLDEN):
    """Run the proof's loop under an engine, with one step of each chain."""
    monkeypatch.setattr(prove_golden, "ENGINE", engine)
    return run(folder, 1, silent, 1)


@pytest.mark.parametrize("engine", [pytest.param("cuda", marks=NEEDS_GPU)])
def test_every_vector(engine, monkeypatch):
    found = on(engine, monkeypatch)
    assert found.figures["differences"] == []
    assert found.compared > 4600
    assert all("no kernel for" in why for why in found.not_run.values())


def test_a_changed_file_is_a_difference(monkeypatch, tmp_path):
    (tmp_path / "v1").mkdir()
    (tmp_path / MANIFEST).write_bytes((GOLDEN / MANIFEST).read_bytes())
    (tmp_path / CHAINS).write_bytes((GOLDEN / CHAINS).read_bytes().replace(b'"4over6"', b'"4over6-mae"', 1))
    found = on("numpy", monkeypatch, tmp_path)
    assert found.unexplained == len(found.figures["differences"])
    assert any(d.startswith(f"{CHAINS}: sha256 is ") for d in found.figures["differences"])


@pytest.mark.skipif(bool(fos_gpu.available()), reason="there is a GPU here")
def test_without_a_gpu_the_command_fails_and_writes_nothing(tmp_path, capsys):
    assert prove_golden.main(["--out", str(tmp_path), "--golden", str(GOLDEN)]) == 2
    assert "error: " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_vectors_is_refused(tmp_path, capsys):
    assert prove_golden.main(["--golden", str(tmp_path)]) == 2
    assert "a folder that `fos golden write` wrote is allowed" in capsys.readouterr().err


def test_steps_that_a_chain_lacks_are_refused_in_one_line(capsys):
    assert prove_golden.main(["--golden", str(GOLDEN), "--steps", "10001"]) == 2
    assert capsys.readouterr().err == "error: --steps 10001: 0 to 10000 are allowed\n"
