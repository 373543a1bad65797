"""`fos inspect` on what is odd: unusable manifests, weights of no use, nothing that comes close."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np

from fos_ref.cli import run
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.inspect.api import inspect
from fos_ref.inspect.contenders import contenders
from fos_ref.inspect.layout import structure
from fos_ref.inspect.reading import form_of
from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import Tie
from fos_ref.storage.conventions import TensorScaleForm
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
    (only,) = contenders(lambda _: False, "modelopt", other)
    assert (only.recipe, only.names) == (other, ("mine",))
    assert contenders(lambda _: False, "modelopt", None) == []
    every = contenders(lambda _: True, "modelopt", other)
    assert [c.recipe for c in every].count(other) == 1
    plain, again = (contenders(lambda _: True, "modelopt", r) for r in (None, PRESETS["4over6"]))
    assert [c.names for c in again] == [c.names for c in plain]  # it is among them under all its names
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


def test_an_original_with_infinity_is_not_compared_and_gives_no_amax(tmp_path):
    x, odd = trained(16, 64), trained(16, 64, seed=4)
    tensors = stored({"a": x, "b": odd}, "4over6")
    tensors["a.weight_scale_2"] = np.float32(1.25) / np.float32(1536)  # of no amax that is there
    odd[0, 0] = np.inf
    source = save({"a.weight": x, "b.weight": odd}, tmp_path / "source.safetensors")
    found = inspect(save(tensors, tmp_path / "q.safetensors"), source)
    assert found.compared == ("a.weight",)
    assert found.not_compared == {"b.weight": "the original has a NaN or an infinity"}
    assert found.derived == ["a.weight"]


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
