"""`fos inspect` on what is odd: unusable manifests, weights of no use, nothing that comes close."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.inspect.api import inspect
from fos_ref.inspect.contenders import contenders
from fos_ref.inspect.layout import structure
from fos_ref.inspect.reading import form_of
from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import Tie
from fos_ref.storage.conventions import TensorScaleForm
from fos_ref.storage.held import BlockFormat
from tests.inspect.checkpoints import save, stored, trained


def test_a_manifest_that_cannot_be_used_is_said_and_the_rest_is_read(tmp_path, capsys):
    x = trained(16, 64)
    x[3, 16:32] = 0  # a block of zeros
    source = save({"a.weight": x}, tmp_path / "source.safetensors")
    out = tmp_path / "q.safetensors"
    quantize_checkpoint(source, out, "4over6")
    mine = PRESETS["4over6"].fingerprint().encode()
    assert out.read_bytes().count(mine) == 1
    out.write_bytes(out.read_bytes().replace(mine, b"0" * len(mine)))
    found = inspect(out, source)
    assert found.recipe is None
    assert found.manifest_holds is None
    assert found.best[0].exact
    assert "fingerprint" in found.to_dict()["manifest"]["unusable"]
    assert run(["inspect", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "manifest not usable: " in shown
    assert "zero blocks with scale byte 00" in shown


UNREAD = {
    "half a block": ((16, 4), np.zeros((16, 1), np.uint8), None, "whole blocks of 16 are read"),
    "no rows": ((0, 8), np.zeros((0, 1), np.uint8), None, "codes of a weight (0, 16)"),
    "wide scales": ((16, 8), np.zeros((16, 1), np.float16), None, "block scales of dtype F16"),
    "two tensor scales": (
        (16, 8),
        np.zeros((16, 1), np.uint8),
        np.ones(2, np.float32),
        "F32 [2]: one F32 is",
    ),
    "a wide tensor scale": (
        (16, 8),
        np.zeros((16, 1), np.uint8),
        np.ones(1, np.float64),
        "F64 [1]: one F32 is",
    ),
}


def test_weights_of_no_use_are_listed_each_with_its_reason(tmp_path):
    tensors = stored({"a": trained(16, 64)}, "4over6")
    for name, (shape, scales, tensor_scale, _) in UNREAD.items():
        tensors[f"{name}.weight"] = np.zeros(shape, np.uint8)
        tensors[f"{name}.weight_scale"] = (
            scales if scales.dtype != np.uint8 else scales.view(ml_dtypes.float8_e4m3fn)
        )
        if tensor_scale is not None:
            tensors[f"{name}.weight_scale_2"] = tensor_scale
    found = inspect(save(tensors, tmp_path / "odd"))
    assert [w.held.name for w in found.weights] == ["a.weight"]
    assert set(found.unread) == {f"{name}.weight" for name in UNREAD}
    for name, (*_, says) in UNREAD.items():
        assert says in found.unread[f"{name}.weight"]


def test_a_manifest_s_recipe_takes_part_whatever_it_is():
    other = replace(PRESETS["4over6"], name="mine", tie=Tie.FOUR)
    e4m3 = BlockFormat.NVFP4
    powers = contenders(BlockFormat.MXFP4, "modelopt", other)
    assert other not in [c.recipe for c in powers]  # its blocks are others
    every = contenders(e4m3, "modelopt", other)
    assert [c.recipe for c in every].count(other) == 1
    assert every[0].kept
    assert every[0].recipe is other  # the first among those that do equally well
    plain, again = (contenders(e4m3, "modelopt", r) for r in (None, PRESETS["4over6"]))
    assert {c.names for c in again} == {c.names for c in plain}  # it is among them under all its names
    assert "4over6" in again[0].names
    assert len(every) == len(plain) + 1


def test_bytes_that_are_all_alike_have_no_structure():
    assert structure(np.full((8, 4), 0x38, np.uint8)) == 0
    assert structure(np.array([[7]], np.uint8)) == 0
    rows = np.repeat(np.arange(8, dtype=np.uint8)[:, None], 4, axis=1)
    assert structure(rows) > 0.5


def test_without_a_tensor_scale_there_is_no_form():
    found = form_of(None, 1.0, TensorScaleForm.MULTIPLIER)
    assert found.value is None
    assert "no tensor scale" in found.evidence


def test_where_the_size_allows_one_layout_the_original_is_not_asked(tmp_path):
    x = trained(24, 64)
    source = save({"a.weight": x}, tmp_path / "source.safetensors")
    out = save(stored({"a": x}, "4over6", layout="swizzled"), tmp_path / "q.safetensors")
    found = inspect(out, source).findings
    assert found["scale_layout"].value == "swizzled"
    assert "no other reading" in found["scale_layout"].evidence
    assert found["block_shape"].value == "1x16"  # 24 rows are no whole tiles


@pytest.mark.long
def test_an_original_with_infinity_is_not_compared_and_gives_no_amax(tmp_path):
    x, odd = trained(16, 64), trained(16, 64, seed=4)
    tensors = stored({"a": x, "b": odd}, "4over6")
    tensors["a.weight_scale_2"] = np.float32(1.25) / np.float32(1536)  # of no amax that is there
    odd[0, 0] = np.inf
    source = save({"a.weight": x, "b.weight": odd}, tmp_path / "source.safetensors")
    found = inspect(save(tensors, tmp_path / "q.safetensors"), source)
    assert found.compared == ("a.weight",)
    assert found.not_compared == {"b.weight": "the original has a NaN or an infinity"}
    told = {p.problem: p for p in found.problems}
    assert told["tensor-scale"].weights == ("a.weight",)
    assert "of no amax in the original" in told["tensor-scale"].what
    assert told["not-finite"].weights == ("b.weight",)


@pytest.mark.long
def test_an_amax_that_some_presets_have_no_tensor_scale_for_stops_nothing(tmp_path):
    """C / A is infinite for a tiny A, unless a recipe clamps it: those others fall out of the comparison."""
    weights = {"a": trained(16, 64), "b": trained(16, 64, seed=4) * np.float32(1e-36)}
    source = save({f"{n}.weight": x for n, x in weights.items()}, tmp_path / "source.safetensors")
    out = tmp_path / "q.safetensors"
    quantize_checkpoint(source, out, "4over6")
    found = inspect(out, source)
    assert found.compared == ("a.weight", "b.weight")
    assert "4over6" in found.best[0].names
    assert "fouroversix-mse" not in [n for c in found.best for n in c.names]


@pytest.mark.long
def test_no_metric_is_named_where_nothing_comes_close(tmp_path):
    x = trained(64, 128)
    tensors = stored({"a": x}, "4over6-mae")
    tensors["a.weight"] = tensors["a.weight"].copy()
    tensors["a.weight"][16:] ^= 0x11
    source = save({"a.weight": x}, tmp_path / "source.safetensors")
    found = inspect(save(tensors, tmp_path / "q.safetensors"), source)
    assert found.best[0].equal == 16 * 128 // 16
    assert found.findings["dialect"].value is None
    assert found.findings["metric"].value is None
    assert "no preset comes close" in found.findings["metric"].evidence


@pytest.mark.sample(1)
@pytest.mark.parametrize("against", [None, "fused", "another"])
def test_what_is_not_held_against_the_manifest_does_not_refute_it(against, tmp_path):
    """Another quantized file, another recipe, zero scales that the recipe itself writes over tiny blocks."""
    x = trained(64, 64)
    x[:, 16:32] *= np.float32(2.0**-20)
    source = save({"m.gate_proj.weight": x, "m.up_proj.weight": trained(64, 64) / 2}, tmp_path / "source")
    out = tmp_path / "q"
    quantize_checkpoint(source, out, "te-mse-256")
    quantize_checkpoint(source, tmp_path / "fused", "te-mse-256", share="fused")
    quantize_checkpoint(source, tmp_path / "another", "nvfp4")
    found = inspect(out, None if against is None else tmp_path / against)
    assert "zero-or-nan-scale" in [p.problem for p in found.problems] or against is not None
    assert found.manifest_holds is None
    assert inspect(out, recipe="nvfp4").manifest_holds is None
    whole = inspect(out, source)
    assert whole.manifest_holds is True
    assert {p.problem for p in whole.problems} == {"fused-siblings"}


@pytest.mark.long
@pytest.mark.parametrize("asked", ["nvfp4", "4over6-mae", "fouroversix-mxfp4-static6", "te-nvfp4-row"])
def test_a_recipe_that_is_said_to_have_made_the_file_and_has_not(asked, tmp_path):
    """It is a problem; what did make the file is named all the same, and the manifest holds."""
    source = save({"a.weight": trained(64, 128)}, tmp_path / "source")
    quantize_checkpoint(source, tmp_path / "q", "4over6")
    found = inspect(tmp_path / "q", source, recipe=asked)
    assert [(p.problem, p.weights) for p in found.problems] == [("blocks-differ", ("a.weight",))]
    assert asked in found.problems[0].what
    assert "4over6" in [n for c in found.best for n in c.names]
    assert found.best[0].exact
    assert found.manifest_holds is True
    assert inspect(tmp_path / "q", source, recipe="4over6").problems == ()
