"""llm-compressor's methods under a recipe's observer: bytes of `fos quantize`, scales of the weight seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.ptq.golden import gptq
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_read import SafetensorsFile

from .conftest import program
from .runs import CASES

pytestmark = pytest.mark.peer
ROUNDED = [name for name, (_, method) in CASES.items() if method == "rtn"]


def held(folder: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Return name -> dtype, shape and bytes of every tensor."""
    with SafetensorsFile(folder / "model.safetensors") as file:
        return {
            n: (i.dtype, i.shape, np.asarray(file.read_bytes(n, 0, i.nbytes)).tobytes())
            for n, i in file.tensors.items()
        }


@pytest.mark.parametrize("name", ROUNDED)
def test_rtn_has_the_bytes_of_fos_quantize(name, made, tmp_path):
    recipe = CASES[name][0]
    share = "none" if "mx" in recipe else "fused"
    quantize_checkpoint(made / "llama", tmp_path / "q", recipe, convention="compressed-tensors", share=share)
    ours, theirs = held(tmp_path / "q"), held(made / name)
    assert len(ours) > 14
    assert ours == theirs


def test_smoothing_moved_the_weights_and_rounds_them_by_the_recipe(made):
    """The norms differ from the original's, and the scales are no longer those of the original weights."""
    plain = held(made / "rtn-4over6")
    for method in ("smoothquant", "awq"):
        smoothed = held(made / method)
        assert set(plain) == set(smoothed)
        moved = {n for n in plain if plain[n] != smoothed[n]}
        assert any("layernorm" in n for n in moved)
        assert any(n.endswith("q_proj.weight_scale") for n in moved)


def test_gptq_has_the_scales_of_the_weight_it_saw_and_nearly_all_codes_of_the_golden_walk(made):
    """All scales are equal. The factor is float64 rounded once here, float32 there: some codes may part."""
    kept, differing, count = np.load(made / "gptq.npz"), 0, 0
    with QuantizedCheckpoint(made / "gptq", recipe="4over6") as there:
        assert len(kept["names"]) == 14
        by_shape = {}
        for n in range(14):
            w, products, amax = (kept[f"{n}.{part}"] for part in ("weight", "products", "amax"))
            q = fos_ref.quantize(w, "4over6", amax=amax)
            names = [m for m in kept["names"] if same_scales(there, f"{m}.weight", q)]
            assert len(names) == 1
            by_shape[names[0]] = n
            golden = gptq(w, symmetric(products), "4over6", order="by-diagonal", amax=amax)
            theirs = there.tensor(f"{names[0]}.weight")
            assert np.array_equal(golden.block_scales, theirs.block_scales)
            a, b = (np.stack([v & 15, v >> 4]) for v in (golden.codes, theirs.codes))
            zeros = (a & 7 == 0) & (b & 7 == 0)  # the sign of a zero is the packer's
            differing, count = differing + np.count_nonzero((a != b) & ~zeros), count + a.size
    assert len(by_shape) == 14
    assert count == 2 * (64 * 64 * 2 + 64 * 32 * 2 + 64 * 128 * 3)
    assert differing <= count // 1000, f"{differing} of {count} differ"
    assert held(made / "gptq") != held(made / "rtn-4over6")


def test_the_matrix_has_the_factors_of_llmcompressor(made):
    """SmoothQuant and AWQ of benchmarks/ptq: within 8 ulp of float32, and the factors are not all one."""
    found = json.loads(program("forms", made))
    assert len(found) == 4
    for apart, spread in found.values():
        assert apart < 8 * 2.0**-23
        assert spread > 1.1


def symmetric(products):
    """Return float32 products as the mean of themselves and their transpose, which rounding parted."""
    return ((products + products.T) / 2).astype(np.float32)


def same_scales(there, name, q) -> bool:
    """Return whether a weight of a checkpoint has these block scales and this encode scale."""
    found = there.tensor(name)
    return found.block_scales.shape == q.block_scales.shape and (
        np.array_equal(found.block_scales, q.block_scales) and found.encode_scale == q.encode_scale
    )
