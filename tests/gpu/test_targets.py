"""The list of what is compiled for every target, and that the count sees a kernel that breaks a rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from fos_gpu.build import kernels, modules, nvrtc
from fos_gpu.build.lower import admitted, definitions, INPUTS
from fos_gpu.proof import sweep, targets
from fos_gpu.proof.beside import SUPPORTED
from fos_gpu.proof.targets import compile_one, covering, covering_units, distinct, plan, TARGETS, Task
from fos_ref.errors import ToolchainError

#: N9 as cvt.rn.satfinite.e2m1x2.f32 has it.
HARDWARE = (
    "-DFOS_ELEMENT_FORMAT=e2m1",
    "-DFOS_ELEMENT_CAST=saturate",
    "-DFOS_ELEMENT_NAN=code_7",
    "-DFOS_ZERO_SIGN=sign_bit",
)
EVERY = {value for r in SUPPORTED for value in definitions(r)}


def silent(done, tasks):
    """Show no progress."""


def quantizing(tasks):
    return [t for t in tasks if t.source == kernels.KERNELS]


def constants(r, dtype):
    """Return a recipe's options but for the target: with the fast path where it has one."""
    given = kernels.fast_options if admitted(r) else kernels.options
    return given(r, dtype, "")[1:]


@pytest.mark.long
def test_every_kernel_is_in_the_plan():
    tasks = plan()
    assert len(set(tasks)) == len(tasks)
    compiled = {t.options[1:] for t in quantizing(tasks)}
    assert {constants(r, "bfloat16") for r in SUPPORTED} <= compiled
    assert all(t.options[0] == f"-arch={t.target}" for t in tasks)
    assert {(u.source, u.definitions) for u in modules.units()} <= {(t.source, t.options[1:]) for t in tasks}
    assert [t.target for t in tasks if t.source == sweep.KERNELS] == list(TARGETS)


@pytest.mark.parametrize(("selection", "dtypes"), [("few", INPUTS[1:2]), ("", INPUTS)])
def test_each_value_of_each_constant_meets_each_target(selection, dtypes):
    tasks = quantizing(plan(selection))
    for target in TARGETS:
        for dtype in dtypes:
            mine = [t.options for t in tasks if t.target == target and f"-DFOS_INPUT={dtype}" in t.options]
            assert {v for given in mine for v in given} >= EVERY


@pytest.mark.long
def test_each_constant_of_each_other_kernel_meets_each_target():
    every = {(u.source, value) for u in modules.units() for value in ("", *u.definitions)}
    for target in TARGETS:
        mine = [t for t in plan() if t.target == target]
        assert {(t.source, value) for t in mine for value in ("", *t.options[1:])} >= every
    assert len(covering_units()) < len(modules.units()) // 2


@pytest.mark.long
def test_few_are_few_and_every_is_all():
    assert len(covering()) < len(distinct()) // 4
    every = quantizing(plan("every"))
    assert {t.options for t in every} == {
        (f"-arch={t}", *constants(r, d)) for r in distinct() for d in INPUTS for t in TARGETS
    }
    assert Counter(t.target for t in every) == dict.fromkeys(TARGETS, len(every) // 4)
    others = {(t.source, t.options) for t in plan("every") if t.source != kernels.KERNELS}
    assert {(u.source, (f"-arch={t}", *u.definitions)) for u in modules.units() for t in TARGETS} <= others


@pytest.mark.parametrize(
    ("source", "entry", "fast"),
    [
        (kernels.KERNELS, kernels.ENTRY, kernels.FAST_ENTRY),
        (modules.COLUMNS, modules.ENTRY_COLUMNS, modules.FAST_COLUMNS),
    ],
)
def test_the_fast_kernels_declare_and_the_recipe_s_own_only_its_cast(source, entry, fast):
    for t in (t for t in plan() if t.source == source):
        said, has_fast = dict(t.declared), kernels.WITH_FAST in t.options
        words = {entry, kernels.LEFT_OVER} if has_fast else {entry}
        by_instruction = t.target in {"sm_100a", "sm_120a"} and set(HARDWARE) <= set(t.options)
        assert said.keys() == (words if by_instruction else set()) | ({fast} if has_fast else set())
        assert all(said[name] == (kernels.E2M1_PAIR,) for name in words & said.keys())


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
    assert found.figures["files by target"] == dict.fromkeys(targets.TRAINED, 0) | {"sm_90": 1}
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


def test_a_declared_instruction_passes_in_its_entry_alone(monkeypatch):
    fake(monkeypatch, CLEAN.replace("mul.rn", "cvt.rn.satfinite.e4m3x2"))
    word = ("cvt.rn.satfinite.e4m3x2.f32",)
    for entry, count in (("fos_quantize", 0), ("fos_quantize_fast", 1)):
        task = TASK._replace(declared=((entry, word),))
        found = targets.run([task], silent, 1)
        assert found.unexplained == count
        held = {f"fos_quantize: {word[0]}": 1} if count == 0 else {}
        assert found.figures["declared instructions, files that hold them"] == held


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
