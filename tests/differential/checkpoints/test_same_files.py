"""`fos quantize --share fused` beside the peers' exporters: the same tensors, every byte of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fos_ref import cli
from fos_ref.inspect.api import inspect
from fos_ref.storage.safetensors_read import SafetensorsFile

pytestmark = pytest.mark.peer
#: Exporter, its folder, the kind of its original -> the recipe and the convention that are its.
SAME = {
    ("modelopt", "llama-w4a16", "llama"): ("modelopt-nvfp4", "modelopt"),
    ("modelopt", "qwen3_moe", "qwen3_moe"): ("modelopt-nvfp4", "modelopt"),
    ("modelopt", "mixtral", "mixtral"): ("modelopt-nvfp4", "modelopt"),
    ("llmcompressor", "llama-w4a16", "llama"): ("compressed-tensors-nvfp4", "compressed-tensors"),
    ("llmcompressor", "qwen3_moe", "qwen3_moe"): ("compressed-tensors-nvfp4", "compressed-tensors"),
}
ACTIVATIONS = "input_scale"  #: the scale of activations comes from calibration: we write none


def held(folder: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return name -> dtype, shape and bytes of every tensor of a checkpoint of one file."""
    with SafetensorsFile(folder / "model.safetensors") as file:
        return {
            n: (i.dtype, i.shape, np.asarray(file.read_bytes(n, 0, i.nbytes)).tobytes())
            for n, i in file.tensors.items()
            if not n.endswith(ACTIVATIONS)
        }


@pytest.mark.parametrize("case", SAME, ids="-".join)
def test_every_tensor_is_the_exporters(case, exported, tmp_path, capsys):
    exporter, name, kind = case
    recipe, convention = SAME[case]
    folder = exported(exporter)
    source = str(folder / "original" / kind)
    options = ["--recipe", recipe, "--convention", convention, "--share", "fused", "--json"]
    assert cli.run(["quantize", source, str(tmp_path / "ours"), *options]) == 0
    capsys.readouterr()
    ours, theirs = held(tmp_path / "ours"), held(folder / name)
    assert set(ours) == set(theirs)
    assert [n for n in ours if ours[n] != theirs[n]] == []
    found = inspect(tmp_path / "ours", folder / name)
    assert [p.what for p in found.problems] == []


def test_without_sharing_they_differ(exported, tmp_path, capsys):
    """The comparison can fail: each weight's own amax gives the peers' bytes of a few weights only."""
    folder = exported("modelopt")
    arguments = [str(folder / "original" / "llama"), str(tmp_path / "ours"), "--recipe", "modelopt-nvfp4"]
    assert cli.run(["quantize", *arguments, "--json"]) == 0
    capsys.readouterr()
    ours, theirs = held(tmp_path / "ours"), held(folder / "llama-w4a16")
    differing = {n.rsplit(".", 2)[1] for n in ours if ours[n] != theirs[n]}
    assert differing
    assert differing <= {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"}
