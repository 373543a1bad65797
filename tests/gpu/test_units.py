"""The kernels beside the quantizer's own compile without a GPU, and their PTX rounds as the recipes say."""

from __future__ import annotations

import pytest

from fos_gpu.build import modules, nvrtc
from fos_gpu.build.lower import fused, INPUTS
from fos_gpu.build.ptx import entries, unused, violations
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.errors import ToolchainError
from tests.gpu.cases import BY_NAME, FEW, TILES

TARGETS = ("sm_80", "sm_90", "sm_100a", "sm_120a")
R = BY_NAME[FEW[0]]
ONE_EACH = (
    modules.products_unit(),
    modules.layout_unit(),
    modules.tensor_unit(R, "bfloat16"),
    modules.columns_unit(R, "bfloat16"),
    modules.whole_unit(R, "bfloat16"),
    modules.dequantize_unit(R, "bfloat16"),
    modules.errors_unit(R, "bfloat16", columnwise=True),
)


def missing() -> str:
    try:
        nvrtc.library()
    except ToolchainError as e:
        return str(e)
    return ""


needs_nvrtc = pytest.mark.skipif(missing() != "", reason=f"the kernels were not compiled: {missing()}")


def check_fast(r, dtype: str, target: str) -> None:
    """The fast path along columns compiles; what it holds beyond the recipe is declared and needed."""
    unit = modules.fast_columns_unit(r, dtype)
    said = modules.declared(unit, target)
    _, ptx = modules.compile_unit(unit, target)
    assert modules.FAST_COLUMNS in entries(ptx)
    assert violations(ptx, fused=fused(r), declared=said) == []
    assert fused(r) or unused(ptx, said) == []


@pytest.mark.long
@needs_nvrtc
@pytest.mark.parametrize("unit", ONE_EACH, ids=lambda u: u.source)
def test_a_unit_compiles(unit):
    cubin, ptx = modules.compile_unit(unit, "sm_90")
    assert cubin[:4] == b"\x7fELF"
    assert violations(ptx, fused=False) == []


@pytest.mark.long
@needs_nvrtc
def test_the_fast_path_along_columns_compiles():
    check_fast(R, "bfloat16", "sm_90")


def test_recipes_that_dequantize_alike_share_their_kernel():
    same, other = (BY_NAME[n] for n in ("te-mse-256", "4over6"))
    assert modules.dequantize_unit(BY_NAME["te-mae-256"], "float32") == modules.dequantize_unit(
        same, "float32"
    )
    assert modules.dequantize_unit(other, "float32") != modules.dequantize_unit(same, "float32")


def test_a_scale_for_each_row_is_quantized_word_for_word():
    assert modules.fast_columns_unit(BY_NAME[FEW[3]], "float32") is None


def test_the_list_for_other_targets_holds_each_unit_once():
    units = modules.units()
    assert len(set(units)) == len(units)
    assert {u.source for u in ONE_EACH} == {u.source for u in units}


@needs_nvrtc
@pytest.mark.exhaustive
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("r", SUPPORTED, ids=lambda r: r.name)
def test_every_preset_along_columns_for_every_target(r, target):
    for dtype in INPUTS if r.name in (*FEW, *TILES) else ("bfloat16",):
        _, ptx = modules.compile_unit(modules.columns_unit(r, dtype), target)
        assert violations(ptx, fused=fused(r)) == []
        if modules.fast_columns_unit(r, dtype) is not None:
            check_fast(r, dtype, target)
