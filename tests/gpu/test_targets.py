"""The list of what is compiled for every target, and that the count sees a kernel that breaks a rule."""

from __future__ import annotations

from collections import Counter

import pytest

from fos_gpu import kernels, nvrtc, targets
from fos_gpu.beside import SUPPORTED
from fos_gpu.lower import definitions, INPUTS
from fos_gpu.targets import compile_one, covering, distinct, plan, TARGETS, Task
from fos_ref.errors import ToolchainError


def silent(done, tasks):
    """Show no progress."""


def test_every_kernel_is_in_the_plan_for_every_target():
    tasks = plan()
    assert len(set(tasks)) == len(tasks)
    by_name = {r.name: r for r in SUPPORTED}
    compiled = {definitions(by_name[t.recipe]) for t in tasks if t.dtype == "bfloat16"}
    assert compiled == {definitions(r) for r in SUPPORTED}
    assert Counter(t.target for t in tasks) == dict.fromkeys(TARGETS, len(tasks) // 4)


@pytest.mark.parametrize("few", [True, False])
def test_each_value_of_each_constant_meets_each_target(few):
    every = {value for r in SUPPORTED for value in definitions(r)}
    by_name = {r.name: r for r in SUPPORTED}
    for target in TARGETS:
        for dtype in ("bfloat16",) if few else INPUTS:
            mine = [t for t in plan(few=few) if (t.target, t.dtype) == (target, dtype)]
            assert {v for t in mine for v in definitions(by_name[t.recipe])} == every


def test_few_are_few_and_every_is_all():
    assert len(covering()) < len(distinct()) // 5
    assert len(plan(every=True)) == len(distinct()) * len(INPUTS) * len(TARGETS)


def fake(monkeypatch, ptx, cubin=b"\x7fELF"):
    monkeypatch.setattr(kernels, "compile_kernels", lambda *_: (cubin, ptx))
    monkeypatch.setattr(nvrtc, "version", lambda: (13, 5))


TASK = Task("4over6", "bfloat16", "sm_90")
CLEAN = ".target sm_90\n.visible .entry fos_quantize(\n)\n{ mul.rn.f32 %f1, %f2; }\n"


def test_a_clean_kernel_counts_once(monkeypatch):
    fake(monkeypatch, CLEAN)
    found = targets.run([TASK], silent, 1)
    assert (found.compared, found.unexplained) == (1, 0)
    assert found.figures["entries"] == {"fos_quantize": 1}
    assert found.figures["files by target"] == {"sm_80": 0, "sm_90": 1, "sm_100a": 0, "sm_120a": 0}


def test_a_flushed_product_is_a_violation_with_its_kernel(monkeypatch):
    fake(monkeypatch, CLEAN.replace("mul.rn.f32", "mul.rn.ftz.f32"))
    found = targets.run([TASK], silent, 1)
    assert found.unexplained == 1
    assert found.figures["violations"] == {"4over6 bfloat16 sm_90: mul.rn.ftz.f32": 1}


def test_a_recipe_that_says_fma_has_to_have_one(monkeypatch):
    fake(monkeypatch, CLEAN)
    found = targets.run([Task("quartet2-4over6", "bfloat16", "sm_90")], silent, 1)
    assert found.figures["violations"] == {"quartet2-4over6 bfloat16 sm_90: 0 fma": 1}


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
