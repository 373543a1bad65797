"""The fast kernel compiles for every target, and its PTX holds what is declared and no more."""

from __future__ import annotations

import pytest

from fos_gpu.build import kernels, nvrtc
from fos_gpu.build.lower import admitted, fused, INPUTS
from fos_gpu.build.ptx import count_fused, entries, unused, violations
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.errors import ToolchainError
from tests.gpu.cases import BY_NAME

TARGETS = ("sm_80", "sm_90", "sm_100a", "sm_120a")
ADMITTED = tuple(r for r in SUPPORTED if admitted(r))


def missing() -> str:
    try:
        nvrtc.library()
    except ToolchainError as e:
        return str(e)
    return ""


pytestmark = pytest.mark.skipif(missing() != "", reason=f"the kernels were not compiled: {missing()}")


def check(r, dtype, target) -> str:
    """Compile, compare the PTX with what is declared, and return the fast kernel's."""
    cubin, ptx = kernels.compile_fast(r, dtype, target)
    declared = kernels.declared(kernels.fast_options(r, dtype, target), target)
    assert cubin[:4] == b"\x7fELF"
    assert violations(ptx, fused=fused(r), declared=declared) == []
    assert unused(ptx, declared) == []
    return entries(ptx)[kernels.FAST_ENTRY]


@pytest.mark.sample(1)
@pytest.mark.parametrize("target", ["sm_80", "sm_90", "sm_100a"])
def test_a_choice_holds_what_is_declared(target):
    assert ".local" not in check(BY_NAME["4over6"], "bfloat16", target)


@pytest.mark.long
def test_fused_operations_are_counted():
    """Two for the division by 6; for 32 values two of the rounding and one of the sum; then the choice."""
    text = check(BY_NAME["4over6"], "bfloat16", "sm_90")
    consistent, chosen = 2, 3
    assert count_fused(text) == 2 + 32 * 3 + chosen + consistent


@pytest.mark.long
def test_what_is_not_declared_is_found():
    _, ptx = kernels.compile_fast(BY_NAME["4over6"], "bfloat16", "sm_90")
    assert violations(ptx, fused=False) == ["cvt.rn.satfinite.e4m3x2.f32", "fma.rn.f32"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", ADMITTED, ids=lambda r: r.name)
def test_every_admitted_preset_for_every_target(r):
    for target in TARGETS:
        for dtype in INPUTS:
            check(r, dtype, target)
