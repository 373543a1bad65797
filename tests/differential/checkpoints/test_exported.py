"""What the peers' own exporters write, inspected: convention, dialect, and no problem where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from fos_ref.errors import InputError
from fos_ref.inspect.api import inspect
from fos_ref.inspect.report import Inspection

from .programs import once, run
from .values import as_model, said, tensors

pytestmark = pytest.mark.peer


@dataclass(frozen=True)
class Said:
    """What `inspect` has to say of a checkpoint beside its original."""

    convention: str
    dialect: str | None  #: which gives every block; None: no preset does
    weights: int
    compared: int | None = None  #: None: all
    form: str | None = "multiplier"
    layout: str = "linear"
    kind: str = "llama"  #: folder of the original
    problems: tuple[str, ...] = ()


def _modelopt(weights: int, kind: str = "llama", **more: object) -> Said:
    return Said("modelopt", "modelopt-nvfp4", weights, kind=kind, **more)  # type: ignore[arg-type]


def _packed(weights: int, kind: str = "llama", **more: object) -> Said:
    form = "divisor"
    return Said("compressed-tensors", "compressed-tensors-nvfp4", weights, kind=kind, form=form, **more)  # type: ignore[arg-type]


#: Exporter -> folder -> what it is. A layer has 7 matrices; 4 of attention and 3 for each of 4 experts.
FILES: Mapping[str, Mapping[str, Said]] = {
    "modelopt": {
        "llama": _modelopt(14),
        "llama-w4a16": _modelopt(14),
        "llama-mlp-only": _modelopt(6),
        "llama-fp8-cache": _modelopt(16),  # the embedding and the head, too
        "llama-mxfp4": Said("modelopt", "modelopt-mxfp4", 14, form=None),
        "qwen3_moe": _modelopt(32, "qwen3_moe"),
        "mixtral": _modelopt(32, "mixtral"),
        "gpt_oss": _modelopt(24, "gpt_oss"),  # its stacks lie (E, K, N), blocks along K
        # Its blocks lie along N.
        "gpt_oss-mxfp4": Said("modelopt", "modelopt-mxfp4", 24, form=None, kind="gpt_oss"),
        "llama4": _modelopt(30, "llama4"),
    },
    "llmcompressor": {
        "llama": _packed(14),
        "llama-w4a16": _packed(14),
        "llama-mxfp4": Said("compressed-tensors", "compressed-tensors-mxfp4", 14, form=None),
        "qwen3_moe": _packed(32, "qwen3_moe"),
        # It calls experts gate_proj, up_proj and down_proj, whatever they were, and takes stacks apart.
        "mixtral": _packed(32, "mixtral"),
        "gpt_oss": _packed(32, "gpt_oss", compared=8),
        "llama-in-shards": _packed(14),
        "llama-mixed": _packed(6),  # attention is FP8
    },
    "autoround": {"llama": Said("compressed-tensors", None, 14, form="divisor")},  # it searches over scales
    "torchao": {
        "llama": Said("torchao", "torchao-nvfp4", 14, layout="swizzled"),
        "llama-no-tensor-scale": Said("torchao", "torchao-nvfp4", 14, form=None, layout="swizzled"),
        "llama-mxfp4": Said("torchao", "torchao-mxfp4-rceil", 14, form=None, layout="swizzled"),
    },
    "mlx": {
        "nvfp4": Said("mlx", "mlx-cpu-nvfp4-unscaled", 5, form=None, kind=""),
        "mxfp4": Said("mlx", "mlx-mxfp4", 5, form=None, kind=""),
    },
}
CASES = [(exporter, name) for exporter, files in FILES.items() for name in files]
IDS = ["-".join(case) for case in CASES]
_FITS = 0.2  #: relative error of a reading that fits: FP4 takes 0.09 to 0.13


def problems(found: Inspection) -> set[str]:
    return {p.problem for p in found.problems}


def original(folder: Path, kind: str) -> Path:
    return folder / "original" / kind


@pytest.mark.parametrize(("exporter", "name"), CASES, ids=IDS)
def test_what_an_exporter_wrote_is_named(exporter, name, exported):
    want, folder = FILES[exporter][name], exported(exporter)
    found = inspect(folder / name, original(folder, want.kind), blocks=None)
    findings = {k: f.value for k, f in found.findings.items()}
    assert findings["convention"] == want.convention
    assert (findings["tensor_scale"], findings["scale_layout"]) == (want.form, want.layout)
    assert findings["nibble_order"] == "low nibble first"
    assert problems(found) == set(want.problems), [p.what for p in found.problems]
    weights = found.to_dict()["weights"]
    compared = {n: w for n, w in weights.items() if n not in found.not_compared}
    assert len(weights) == want.weights
    assert len(compared) == (want.weights if want.compared is None else want.compared)
    assert all(0.05 < w["relative_error"] < _FITS for w in compared.values())
    blocks, equal = (sum(w[key] for w in compared.values()) for key in ("blocks", "equal"))
    if want.dialect is None:
        assert equal < blocks
    else:
        assert findings["dialect"] == want.dialect
        assert equal == blocks > 500


@pytest.mark.parametrize(("exporter", "name"), CASES, ids=IDS)
def test_alone_it_has_the_same_problems(exporter, name, exported):
    want, found = FILES[exporter][name], inspect(exported(exporter) / name)
    assert problems(found) == set(want.problems), [p.what for p in found.problems]
    assert found.findings["convention"].value == want.convention


def test_blocks_of_32_under_e4m3_are_not_nvfp4(exported):
    """ModelOpt's W4A8_NVFP4_FP8 has one E4M3 scale for 32 values and amax / 448 as the tensor scale."""
    with pytest.raises(InputError, match="block scales F8_E4M3") as refused:
        inspect(exported("modelopt") / "llama-w4a8")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("exporter", "name"), [("modelopt", "mixtral"), ("llmcompressor", "llama")])
def test_one_flipped_bit_is_one_block(exporter, name, exported, tmp_path):
    """The comparison can fail: equality above is not of nothing."""
    want, folder = FILES[exporter][name], exported(exporter)
    data = bytearray((folder / name / "model.safetensors").read_bytes())
    data[-3] ^= 1  # the last tensor of the file holds codes
    (tmp_path / "model.safetensors").write_bytes(data)
    weights = inspect(tmp_path, original(folder, want.kind), blocks=None).to_dict()["weights"]
    assert sum(w["blocks"] - w["equal"] for n, w in weights.items() if w["equal"] is not None) == 1


@pytest.fixture(scope="session")
def loaded(room, exported):
    """Return the file of llm-compressor's Qwen3-MoE as transformers loads it."""

    def make(folder: Path) -> None:
        for path in (exported("llmcompressor") / "qwen3_moe").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        run("readers.models", folder / "values")

    return once(room / "llmcompressor-loaded", make) / "values"


def test_transformers_drops_the_tensor_scale_of_experts(loaded, exported):
    """Of transformers 5.24.0, with llm-compressor's own file: why test_loaded.py compares such experts so."""
    whole = tensors(original(exported("llmcompressor"), "qwen3_moe") / "model.safetensors")
    theirs, ours = tensors(loaded), as_model(whole)
    assert said(loaded)["missing_keys"] == []
    ratios = {
        n: np.linalg.norm(theirs[n].astype(np.float32)) / np.linalg.norm(x.astype(np.float32))
        for n, x in ours.items()
        if x.dtype == ml_dtypes.bfloat16 and "_proj" in n
    }
    assert all((r > 1000) == (".experts." in n) for n, r in ratios.items()), ratios
