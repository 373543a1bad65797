"""Files that break the rules: nibbles swapped, scales swizzled or transposed, a divisor for a multiplier."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import HUNTING, make, STATISTICAL
from fos_ref.inspect.api import inspect
from tests.inspect.checkpoints import save, stored, trained

WEIGHTS = {"a": trained(128, 256), "b": trained(128, 128, seed=6)}


def write(folder: Path, tensors: dict[str, np.ndarray], name: str = "q.safetensors") -> Path:
    return save(tensors, folder / name)


@pytest.fixture
def source(tmp_path) -> Path:
    return write(tmp_path, {f"{n}.weight": x for n, x in WEIGHTS.items()}, "original.safetensors")


@pytest.mark.sample(2)
@pytest.mark.parametrize("layout", ["linear", "swizzled", "transposed"])
@pytest.mark.parametrize("nibbles", ["low", "high"])
def test_the_original_tells_layout_and_nibbles_and_the_dialect_is_still_found(
    layout, nibbles, source, tmp_path
):
    out = write(tmp_path, stored(WEIGHTS, "te-mae-256", nibbles=nibbles, layout=layout))
    found = inspect(out, source)
    values = {k: f.value for k, f in found.findings.items()}
    assert values["scale_layout"] == layout
    assert values["nibble_order"] == f"{nibbles} nibble first"
    assert values["tensor_scale"] == "multiplier"
    assert (values["bound"], values["rule"], values["metric"]) == ("256", "4/6", "mae")
    assert "te-mae-256" in [n for c in found.best for n in c.names]
    assert found.best[0].exact


@pytest.mark.parametrize("layout", ["linear", "swizzled", "transposed"])
def test_rows_and_columns_tell_the_layout_without_the_original(layout, tmp_path):
    found = inspect(write(tmp_path, stored(WEIGHTS, "te-mae-256", layout=layout))).findings
    assert found["scale_layout"].value == layout
    assert found["nibble_order"].value is None
    assert "cannot be told from the bytes" in found["nibble_order"].evidence
    assert (found["bound"].value, found["rule"].value) == ("256", "4/6")


@pytest.mark.parametrize("layout", ["linear", "swizzled", "transposed"])
def test_where_rows_are_alike_no_layout_is_named(layout, tmp_path):
    alike = {"a": np.random.default_rng(2).standard_normal((512, 512)).astype(np.float32)}
    found = inspect(write(tmp_path, stored(alike, "4over6", layout=layout))).findings["scale_layout"]
    assert found.value is None
    assert "cannot be told from the bytes" in found.evidence


@pytest.mark.parametrize("shape", [(96, 256), (128, 80)])
def test_padding_tells_the_swizzle(shape, tmp_path):
    x = trained(*shape)
    tensors = stored({"a": x}, "4over6", layout="swizzled")
    assert tensors["a.weight_scale"].size > x.size // 16
    found = inspect(write(tmp_path, tensors)).findings
    assert found["scale_layout"].value == "swizzled"
    assert found["rule"].value == "4/6"


def test_a_divisor_under_a_multipliers_name_is_told_by_its_size(source, tmp_path):
    tensors = stored(WEIGHTS, "4over6")
    for name in WEIGHTS:
        tensors[f"{name}.weight_scale_2"] = np.float32(1) / tensors[f"{name}.weight_scale_2"]
    out = write(tmp_path, tensors)
    alone, beside = inspect(out), inspect(out, source)
    for found in (alone, beside):
        assert found.findings["convention"].value == "modelopt"
        assert found.findings["tensor_scale"].value == "divisor"
    assert "the names say multiplier" in alone.findings["tensor_scale"].evidence
    assert beside.best[0].exact


def test_a_tensor_scale_near_one_tells_nothing_by_its_size(tmp_path):
    x = (trained(64, 64) / np.abs(trained(64, 64)).max() * np.float32(1536)).astype(np.float32)
    found = inspect(write(tmp_path, stored({"a": x}, "4over6"))).findings["tensor_scale"]
    assert found.value is None
    assert "the names say multiplier" in found.evidence


def test_a_tensor_scale_shared_with_a_larger_weight(tmp_path):
    """Fused projections share the largest amax: one weight alone does not reach the bound."""
    pair = {"q": trained(64, 128) * np.float32(0.3), "k": trained(64, 128, seed=9)}
    amax = max(np.abs(x).max() for x in pair.values())
    assert amax == np.abs(pair["k"]).max()
    tensors = stored(pair, "4over6")
    q = fos_ref.quantize(pair["q"], "4over6", amax=amax)
    tensors |= {"q.weight": q.codes, "q.weight_scale_2": tensors["k.weight_scale_2"]}
    tensors["q.weight_scale"] = q.block_scales.view(tensors["k.weight_scale"].dtype)
    source = write(tmp_path, {f"{n}.weight": x for n, x in pair.items()}, "original.safetensors")
    found = inspect(write(tmp_path, tensors), source)
    by_name = {w.held.name: w.findings["bound"] for w in found.weights}
    assert by_name["q.weight"].value is None
    assert "cannot be told" in by_name["q.weight"].evidence
    assert found.findings["bound"].value == "256"
    assert found.best[0].exact
    assert "4over6" in [n for c in found.best for n in c.names]
    assert found.derived == []


def test_a_tensor_scale_of_an_unknown_amax_is_said(source, tmp_path):
    tensors = {}
    for name, x in WEIGHTS.items():
        q = fos_ref.quantize(x, "4over6", amax=np.float32(1.25))
        made = stored({name: x}, "4over6")
        made[f"{name}.weight"] = q.codes
        made[f"{name}.weight_scale"] = q.block_scales.view(made[f"{name}.weight_scale"].dtype)
        made[f"{name}.weight_scale_2"] = np.float32(1.25) / np.float32(1536)
        tensors |= made
    found = inspect(write(tmp_path, tensors), source)
    assert found.findings["bound"].value is None
    assert found.derived == ["a.weight", "b.weight"]
    assert found.best[0].share > 0.99
    assert "4over6" in [n for c in found.best for n in c.names]


def test_block_scales_without_a_tensor_scale(tmp_path):
    """One level of scales: every block amax over 6 fits E4M3 as it is."""
    x = trained(64, 128) * np.float32(100)
    q = fos_ref.quantize(x, "4over6", tensor_scale=1.0)
    made = stored({"a": x}, "4over6")
    one = {"a.weight": q.codes, "a.weight_scale": q.block_scales.view(made["a.weight_scale"].dtype)}
    source = write(tmp_path, {"a.weight": x}, "original.safetensors")
    found = inspect(write(tmp_path, one), source)
    assert found.findings["tensor_scale"].value is None
    assert "no tensor scale" in found.findings["tensor_scale"].evidence
    assert "4over6" in [n for c in found.best for n in c.names]
    assert found.best[0].exact


def test_scales_that_are_not_the_blocks_own(tmp_path):
    """A search over scales leaves largest codes of 3 and less: no 4/6 rule is named."""
    tensors = stored(WEIGHTS, "nvfp4")
    scales = tensors["a.weight_scale"].view(np.uint8)
    codes = tensors["a.weight"]
    tensors["a.weight"] = codes & np.uint8(0xDD)  # 6 becomes 3 (101), 3 stays, 4 becomes 2
    assert scales.max() == 0x7E
    found = inspect(write(tmp_path, {k: v for k, v in tensors.items() if k.startswith("a.")}))
    assert found.findings["rule"].value is None
    assert found.rule.neither > 0


def strays(tensors, name, count):
    """Return the tensors with some blocks of a weight moved to the scale b/4, as a search moves them."""
    x = WEIGHTS[name].astype(np.float32)
    codes, scales = tensors[f"{name}.weight"].copy(), tensors[f"{name}.weight_scale"].view(np.uint8).copy()
    four = fos_ref.quantize(x, "fouroversix-static4", amax=np.abs(x).max() * np.float32(448 * 4 / 2688))
    rows = np.arange(count)
    codes[rows, :8], scales[rows, 0] = four.codes[rows, :8], four.block_scales[rows, 0]
    kind = tensors[f"{name}.weight_scale"].dtype
    return tensors | {f"{name}.weight": codes, f"{name}.weight_scale": scales.view(kind)}


@pytest.mark.long
@pytest.mark.parametrize("count", [3, 8])
def test_a_few_stray_blocks_name_no_rule(tmp_path, count):
    tensors = {k: v for k, v in stored(WEIGHTS, "nvfp4").items() if k.startswith("a.")}
    source = write(tmp_path, {"a.weight": WEIGHTS["a"]}, "original.safetensors")
    for against in (None, source):
        found = inspect(write(tmp_path, strays(tensors, "a", count)), against)
        assert found.rule.at_4 == count
        assert found.findings["rule"].value is None
        assert "too few" in found.findings["rule"].evidence


@pytest.mark.long
def test_a_rule_that_the_original_refutes_is_not_named(tmp_path):
    """One block in ten at 4, and bytes that no preset gives."""
    tensors = strays({k: v for k, v in stored(WEIGHTS, "nvfp4").items() if k.startswith("a.")}, "a", 128)
    tensors["a.weight"] = tensors["a.weight"] ^ np.uint8(0x08)
    source = write(tmp_path, {"a.weight": WEIGHTS["a"]}, "original.safetensors")
    assert inspect(write(tmp_path, tensors)).findings["rule"].value == "4/6"
    assert inspect(write(tmp_path, tensors), source).findings["rule"].value is None


def test_weights_that_differ_are_mixed(tmp_path):
    tensors = stored({"a": WEIGHTS["a"]}, "nvfp4") | stored({"b": WEIGHTS["b"]}, "4over6")
    found = inspect(write(tmp_path, tensors)).findings
    assert found["bound"].value == "mixed"
    assert found["rule"].value == "mixed"


STRUCTURE = {
    "alike": lambda rng, shape: rng.standard_normal(shape),
    "rows": lambda rng, shape: rng.standard_normal(shape) * np.exp(0.3 * rng.standard_normal((shape[0], 1))),
    "columns": lambda rng, shape: rng.standard_normal(shape) * np.exp(0.3 * rng.standard_normal(shape[1])),
    "low rank": lambda rng, shape: rng.standard_normal((shape[0], 4)) @ rng.standard_normal((4, shape[1])),
}
TABLES = [(128, 64), (128, 256), (256, 1024), (512, 384), (1536, 384), (384, 1536)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("family", [*STRUCTURE, *STATISTICAL, *HUNTING])
def test_no_layout_is_named_wrongly(family, tmp_path):
    named = 0
    for seed, shape in enumerate(TABLES * 2):
        rng = np.random.default_rng(seed)
        x = STRUCTURE[family](rng, shape) if family in STRUCTURE else make(family, shape, seed)
        for layout in ("linear", "swizzled", "transposed"):
            path = write(tmp_path, stored({"x": x.astype(np.float32)}, "4over6", layout=layout))
            found = inspect(path).findings["scale_layout"].value
            assert found in (None, layout)
            named += found is not None
    assert named > 0 or family not in ("rows", "low rank")
