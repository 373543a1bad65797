"""What `fos quantize` writes, loaded by the peers: their values beside those of `fos_ref.dequantize`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from fos_ref import cli
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_read import SafetensorsFile

from .programs import once, run
from .values import apart, as_model, dequantized, said, tensors

pytestmark = pytest.mark.peer
MX = "fouroversix-mxfp4-static6"
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


@dataclass(frozen=True)
class Case:
    """A model that is quantized, and how far the peer's values may lie from ours."""

    kind: str
    recipe: str
    convention: str
    options: tuple[str, ...] = ()
    ulps: int = 0  #: of the dtype that the reader gives: transformers bfloat16, tensor classes float32

    @property
    def name(self) -> str:
        options = [o.removeprefix("--") for o in self.options]
        return "-".join([self.kind.replace("/", "-"), self.convention, self.recipe, *options])


FUSED = ("--share", "fused")
#: Loaded by transformers as a model.
MODELS = (
    Case("llama", "compressed-tensors-nvfp4", "compressed-tensors"),
    Case("llama", "modelopt-nvfp4", "compressed-tensors", FUSED),
    Case("llama", "4over6", "compressed-tensors", ulps=1),
    Case("llama", MX, "compressed-tensors"),
    Case("qwen3_moe", MX, "compressed-tensors"),
    Case("sharded/mixtral", MX, "compressed-tensors"),
    Case("gpt_oss", MX, "gpt-oss"),
    Case("qwen3_moe", "compressed-tensors-nvfp4", "compressed-tensors", FUSED),
    Case("sharded/mixtral", "nvfp4", "compressed-tensors"),
)
#: Dequantized by the peers' tensor classes.
MATRICES = (
    Case("llama", "modelopt-nvfp4", "modelopt"),
    Case("llama", "torchao-nvfp4", "modelopt", FUSED),
    Case("llama", "4over6", "modelopt", ulps=1),
    Case("llama", "te-nvfp4", "modelopt", ulps=2),
    Case("mixtral", "modelopt-nvfp4", "modelopt", FUSED),
    Case("mixtral", "nvfp4", "modelopt", ulps=1),
    Case("gpt_oss", "modelopt-nvfp4", "modelopt"),
    Case("llama4", "torchao-nvfp4", "modelopt"),
    Case("mixtral", "compressed-tensors-nvfp4", "compressed-tensors", FUSED),
    Case("qwen3_moe", MX, "compressed-tensors"),
)
READERS = {"modelopt": ("modelopt", "torchao"), "compressed-tensors": ("compressed-tensors",)}


@pytest.fixture(scope="session")
def originals(exported: Callable[[str], Path]) -> Path:
    return exported("originals")


def quantized(case: Case, original: Path, target: Path) -> Path:
    """Return the folder that `fos quantize` makes of a model."""
    arguments = [str(original / case.kind), str(target), "--recipe", case.recipe, *case.options]
    assert cli.run(["quantize", *arguments, "--convention", case.convention, "--json"]) == 0
    return target


@pytest.fixture(scope="session")
def models(room: Path, originals: Path) -> Path:
    """Return the folder of MODELS, each with a file `values` beside its checkpoint."""

    def make(folder: Path) -> None:
        done = [quantized(case, originals, folder / case.name) / "values" for case in MODELS]
        run("readers.models", *done)

    return once(room / "models", make)


@pytest.fixture(scope="session")
def matrices(room: Path, originals: Path) -> Path:
    """Return the folder of MATRICES, each with a file for each reader beside its checkpoint."""

    def make(folder: Path) -> None:
        done = [quantized(case, originals, folder / case.name) / "model.safetensors" for case in MATRICES]
        run("readers.tensors", *done)

    return once(room / "matrices", make)


def unscaled(path: Path) -> dict[str, np.ndarray]:
    """Return code times block scale of every expert: what is left without the tensor scale."""
    found = {}
    with QuantizedCheckpoint(path) as checkpoint:
        for name in checkpoint.names:
            q = checkpoint.tensor(name)
            codes = np.stack([q.codes & 15, q.codes >> 4], -1).reshape(q.shape)
            signed = np.where(codes & 8, -1, 1) * E2M1[codes & 7]
            block_scales = q.block_scales.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
            found[name] = (signed * block_scales.repeat(16, -1)).astype(np.float32)
    return found


def model_values(case: Case, folder: Path) -> dict[str, np.ndarray]:
    """Return what transformers has to hold, in bfloat16."""
    ours = as_model(dequantized(folder), turned=case.convention == "gpt-oss")
    if case.recipe != MX:
        without = as_model(unscaled(folder))
        ours |= {n: x for n, x in without.items() if ".experts." in n}
    return {n: x.astype(ml_dtypes.bfloat16) for n, x in ours.items()}


@pytest.mark.parametrize("case", MODELS, ids=lambda c: c.name)
def test_transformers_holds_our_values(case, models, originals):
    """Every weight, and every parameter that was left, by name; NVFP4 experts lack their tensor scale.

    transformers 5.24.0 drops the tensor scale of NVFP4 experts, and does so with llm-compressor's own files
    (test_exported.py): there the values are code times block scale.
    """
    folder = models / case.name
    assert said(folder / "values") == {
        "finite": True,
        "missing_keys": [],
        "unexpected_keys": [],
        "mismatched_keys": [],
        "error_msgs": [],
    }
    theirs, ours = tensors(folder / "values"), model_values(case, folder)
    distances = apart(ours, theirs)
    assert max(distances) == case.ulps, distances
    assert distances[0] > sum(x.size for x in ours.values()) * 0.9
    left = set(theirs) - set(ours)
    assert any("embed_tokens" in n for n in left)
    whole = tensors_of(originals / case.kind)
    for name in left & set(whole):
        assert theirs[name].tobytes() == whole[name].tobytes(), name


def tensors_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the tensors of all shards of a folder."""
    found: dict[str, Any] = {}
    for path in folder.glob("*.safetensors"):
        found |= tensors(path)
    return found


def by_expert(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return every matrix, P[e] for the experts of a stack P."""
    stacks = {f"{n}[{e}]": matrix for n, x in values.items() if x.ndim > 2 for e, matrix in enumerate(x)}
    return {n: x for n, x in values.items() if x.ndim == 2} | stacks


@pytest.mark.parametrize("case", MATRICES, ids=lambda c: c.name)
def test_tensor_classes_hold_our_values(case, matrices):
    folder = matrices / case.name
    ours = dequantized(folder)
    for reader in READERS[case.convention]:
        theirs = by_expert(tensors(folder / reader))
        assert set(theirs) == set(ours)
        dtype = next(iter(theirs.values())).dtype
        distances = apart({n: x.astype(dtype) for n, x in ours.items()}, theirs)
        assert max(distances) == case.ulps, (reader, distances)


def test_the_comparison_can_fail(matrices):
    """One code of a weight changed is one value apart."""
    case = MATRICES[0]
    ours = dequantized(matrices / case.name)
    name, x = next(iter(ours.items()))
    changed = x.copy()
    changed[0, 0] = -x[0, 0] if x[0, 0] else 1
    distances = apart({name: changed}, ours)
    assert distances[0] == x.size - 1
    assert sum(distances.values()) == x.size
    assert max(distances) > 1


def test_configurations_name_what_was_left(models):
    """The reader's list of what is no weight is the list of matrices in the file that are none."""
    folder = models / MODELS[0].name
    config = json.loads((folder / "config.json").read_bytes())["quantization_config"]
    with SafetensorsFile(folder / "model.safetensors") as file:
        plain = {n for n, i in file.tensors.items() if i.dtype == "BF16" and len(i.shape) > 1}
    assert set(config["ignore"]) == {n.removesuffix(".weight") for n in plain}


@pytest.mark.parametrize("case", [c for c in MATRICES if c.convention == "modelopt"], ids=lambda c: c.name)
def test_both_configurations_are_one(case, matrices):
    """config.json holds what ModelOpt makes of our hf_quant_config.json."""
    config = json.loads((matrices / case.name / "config.json").read_bytes())
    assert (
        json.loads((matrices / case.name / "by-modelopt.json").read_bytes()) == config["quantization_config"]
    )
