"""The kernels compile for every target without a GPU, and their PTX holds nothing that would change a bit."""

from __future__ import annotations

import os

import pytest

from fos_gpu.build import kernels, nvrtc
from fos_gpu.build.lower import fused, source
from fos_gpu.build.ptx import count_fused, entries, instructions, unused, violations
from fos_gpu.proof import sweep, targets
from fos_gpu.proof.targets import TARGETS
from fos_ref.errors import ToolchainError
from tests.gpu.cases import BY_NAME


def missing() -> str:
    try:
        nvrtc.library()
    except ToolchainError as e:
        return str(e)
    return ""


needs_nvrtc = pytest.mark.skipif(missing() != "", reason=f"the kernels were not compiled: {missing()}")


@pytest.mark.long
@needs_nvrtc
@pytest.mark.parametrize("target", TARGETS)
def test_a_choice_compiles_for_every_target(target):
    cubin, ptx = kernels.compile_kernels(BY_NAME["4over6"], "bfloat16", target)
    assert cubin[:4] == b"\x7fELF"
    declared = kernels.declared(kernels.options(BY_NAME["4over6"], "bfloat16", target), target)
    assert violations(ptx, fused=False, declared=declared) == []
    assert unused(ptx, declared) == []
    assert (kernels.E2M1_PAIR in ptx) == target.endswith("a")
    assert f".target {target}" in ptx


@needs_nvrtc
def test_a_recipe_that_says_fma_has_those_and_no_more():
    """Two candidates of 16 values: one fma each in the residual and one in the sum."""
    r = BY_NAME["quartet2-4over6"]
    _, ptx = kernels.compile_kernels(r, "float32", "sm_90")
    assert fused(r)
    assert violations(ptx, fused=True) == []
    assert count_fused(ptx) == 2 * 16 * 2
    assert violations(ptx, fused=False) == ["fma.rn.f32"]


@pytest.mark.long
@needs_nvrtc
def test_the_check_sees_what_the_options_forbid():
    given = kernels.options(BY_NAME["te-mse-256"], "float32", "sm_90")
    fast = (*given, "--fmad=true", "-ftz=true", "-prec-div=false")
    _, ptx = nvrtc.compile_source(source(kernels.KERNELS), kernels.headers(fast=False), fast)
    found = " ".join(violations(ptx, fused=False))
    assert "mul.ftz.f32" in found
    assert "fma.rn.ftz.f32" in found
    assert "div.approx.ftz.f32" in found or "div.full.ftz.f32" in found


@pytest.mark.sample(1)
@needs_nvrtc
@pytest.mark.parametrize("target", [*TARGETS, "sm_89", "sm_100", "sm_120", "sm_100f"])
def test_a_conversion_is_an_instruction_where_there_is_one(target):
    """E4M3 from sm_89 on; E2M1 on the targets with a letter from sm_100 on."""
    _, ptx = sweep.compile_sweep(target)
    held = {name: sorted(instructions(text)) for name, text in entries(ptx).items() if name}
    e4m3 = ["cvt.rn.satfinite.e4m3x2.f32"] if target != "sm_80" else []
    e2m1 = ["cvt.rn.satfinite.e2m1x2.f32"] if target[-1] in "af" else []
    assert [w for w in held["fos_sweep_e4m3"] if w.startswith("cvt")] == e4m3
    assert [w for w in held["fos_sweep_e2m1"] if w.startswith("cvt")] == e2m1
    assert violations(ptx, fused=False, declared=sweep.DECLARED) == []
    assert violations(ptx, fused=False) == sorted(e2m1 + e4m3)


def test_a_device_is_compiled_for_with_its_letter():
    assert [nvrtc.target(c) for c in (80, 90, 100, 103, 120)] == [
        "sm_80",
        "sm_90",
        "sm_100a",
        "sm_103a",
        "sm_120a",
    ]


@needs_nvrtc
def test_a_text_that_does_not_compile_is_an_error_with_the_log():
    with pytest.raises(ToolchainError, match="upside_down"):
        nvrtc.compile_source("__global__ void f() { upside_down; }", {}, ("-arch=sm_90",))


@needs_nvrtc
def test_an_unknown_target_is_an_error():
    with pytest.raises(ToolchainError, match="sm_10"):
        kernels.compile_kernels(BY_NAME["te-nvfp4"], "float32", "sm_10")


@needs_nvrtc
def test_a_cubin_comes_from_the_cache_the_second_time(monkeypatch):
    first = kernels.cubin(BY_NAME["te-nvfp4"], "float32", "sm_90")
    monkeypatch.setattr(kernels, "compile_kernels", None)
    assert kernels.cubin(BY_NAME["te-nvfp4"], "float32", "sm_90") == first
    assert first.read_bytes()[:4] == b"\x7fELF"


def test_without_nvrtc_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(nvrtc, "_candidates", lambda: iter(["libnot-there.so"]))
    nvrtc.library.cache_clear()
    with pytest.raises(ToolchainError, match=r"pip install nvidia-cuda-nvrtc \(libnot-there"):
        nvrtc.library()
    nvrtc.library.cache_clear()


@needs_nvrtc
@pytest.mark.exhaustive
def test_every_kernel_compiles_for_every_target():
    tasks = targets.plan("every")
    found = targets.run(tasks, lambda *_: None, os.cpu_count() or 1)
    assert (found.compared, found.figures["violations"]) == (len(tasks), {})
