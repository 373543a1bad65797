"""The list of what is compiled for every target, and that the count sees a kernel that breaks a rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from fos_gpu import kernels, modules, nvrtc, sweep, targets
from fos_gpu.beside import SUPPORTED
from fos_gpu.lower import definitions, INPUTS
from fos_gpu.targets import compile_one, covering, distinct, plan, TARGETS, Task
from fos_ref.errors import ToolchainError

EVERY = {value for r in SUPPORTED for value in definitions(r)}


def silent(done, tasks):
    """Show no progress."""


def quantizing(tasks):
    return [t for t in tasks if t.source == kernels.KERNELS]


def test_every_kernel_is_in_the_plan_for_every_target():
    tasks = plan()
    assert len(set(tasks)) == len(tasks)
    compiled = {t.options[1:] for t in quantizing(tasks)}
    assert {(*definitions(r), "-DFOS_INPUT=bfloat16") for r in SUPPORTED} <= compiled
    assert Counter(t.target for t in tasks) == dict.fromkeys(TARGETS, len(tasks) // 4)
    assert all(t.options[0] == f"-arch={t.target}" for t in tasks)
    units = {(t.source, t.options[1:]) for t in tasks}
    assert {(u.source, u.definitions) for u in modules.units()} <= units
    assert sweep.KERNELS in {t.source for t in tasks}


@pytest.mark.parametrize("few", [True, False])
def test_each_value_of_each_constant_meets_each_target(few):
    tasks = quantizing(plan(few=few))
    for target in TARGETS:
        for dtype in ("bfloat16",) if few else INPUTS:
            mine = [t.options for t in tasks if t.target == target and f"-DFOS_INPUT={dtype}" in t.options]
            assert {v for given in mine for v in given} >= EVERY


def test_few_are_few_and_every_is_all():
    assert len(covering()) < len(distinct()) // 5
    assert len(quantizing(plan(every=True))) == len(distinct()) * len(INPUTS) * len(TARGETS)


@dataclass
class Fake:
    """NVRTC with one answer, which remembers what it was asked."""

    ptx: str
    cubin: bytes = b"\x7fELF"

    def __call__(self, text, headers, options):
        self.asked = (text, headers, options)
        return self.cubin, self.ptx


def fake(monkeypatch, ptx, cubin=b"\x7fELF"):
    found = Fake(ptx, cubin)
    monkeypatch.setattr(nvrtc, "compile_source", found)
    monkeypatch.setattr(nvrtc, "version", lambda: (13, 5))
    return found


TASK = Task(kernels.KERNELS, ("-arch=sm_90", "-DX"), "4over6 bfloat16", "sm_90", fused=False)
CLEAN = ".target sm_90\n.visible .entry fos_quantize(\n)\n{ mul.rn.f32 %f1, %f2; }\n"


def test_a_clean_kernel_counts_once(monkeypatch):
    nvrtc_fake = fake(monkeypatch, CLEAN)
    found = targets.run([TASK], silent, 1)
    assert (found.compared, found.unexplained) == (1, 0)
    assert found.figures["entries"] == {"fos_quantize": 1}
    assert found.figures["files by target"] == {"sm_80": 0, "sm_90": 1, "sm_100a": 0, "sm_120a": 0}
    assert found.figures["files by source"] == {"fos_kernels.cu": 1}
    assert nvrtc_fake.asked[2] == ("-arch=sm_90", "-DX")
    assert {"fos_numerics.h", "fos_ptx.cuh"} < set(nvrtc_fake.asked[1])


def test_a_flushed_product_is_a_violation_with_its_kernel(monkeypatch):
    fake(monkeypatch, CLEAN.replace("mul.rn.f32", "mul.rn.ftz.f32"))
    found = targets.run([TASK], silent, 1)
    assert found.unexplained == 1
    assert found.figures["violations"] == {"fos_kernels.cu 4over6 bfloat16 sm_90: mul.rn.ftz.f32": 1}


def test_a_recipe_that_says_fma_has_to_have_one(monkeypatch):
    fake(monkeypatch, CLEAN)
    found = targets.run([TASK._replace(fused=True)], silent, 1)
    assert found.figures["violations"] == {"fos_kernels.cu 4over6 bfloat16 sm_90: no fma.rn.f32": 1}


def test_a_declared_instruction_passes_in_its_source_alone(monkeypatch):
    fake(
        monkeypatch,
        CLEAN.replace("fos_quantize", "fos_sweep_e4m3").replace("mul.rn", "cvt.rn.satfinite.e4m3x2"),
    )
    assert targets.run([TASK._replace(source=sweep.KERNELS)], silent, 1).unexplained == 0
    assert targets.run([TASK], silent, 1).unexplained == 1


@pytest.mark.parametrize(("ptx", "cubin"), [(CLEAN, b""), (CLEAN.replace("90", "80"), b"\x7fELF")])
def test_what_is_no_cubin_of_the_target_is_an_error(monkeypatch, ptx, cubin):
    fake(monkeypatch, ptx, cubin)
    with pytest.raises(ToolchainError, match="no cubin for sm_90"):
        compile_one(TASK)


def test_without_nvrtc_the_command_fails_and_says_what_to_install(monkeypatch, capsys):
    def absent():
        raise ToolchainError(nvrtc.MISSING)

    monkeypatch.setattr(nvrtc, "version", absent)
    assert targets.main(["--few"]) == 2
    assert "pip install nvidia-cuda-nvrtc" in capsys.readouterr().err
