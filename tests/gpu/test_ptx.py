"""What the check of PTX lets pass, what it names, and that a declaration holds for one entry alone."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from fos_gpu.build import training
from fos_gpu.build.lower import numerics
from fos_gpu.build.ptx import count_fused, entries, harmless, instructions, unused, violations

#: Two kernels and a function, as NVRTC writes them.
PTX = """
.version 9.5
.target sm_90
.global .align 4 .f32 table[2]; // add.f32
.visible .func  (.param .b32 func_retval0) helper(
	.param .b32 helper_param_0
)
{
	.reg .f32 	%f<3>;
	rcp.rn.f32 	%f1, %f2;
}
	// .globl	literal
.visible .entry literal(
	.param .u64 .ptr .align 1 literal_param_0
)
.maxntid 128, 1, 1
{
	@%p1 bra 	$L__BB0_2;
	mul.rn.f32 	%f1, %f2, 0f3F800000;
	mad.lo.s64 	%rd1, %rd2, %rd3, %rd4;
}
	// .globl	filtered
.visible .entry filtered(
)
{
	fma.rn.f32 	%f1, %f2, %f3, %f4;
	rcp.approx.ftz.f32 	%f5, %f6;
}
"""
FORBIDDEN = (
    "add.ftz.f32",
    "add.f32",
    "mul.f32",
    "add.rz.f32",
    "add.rn.sat.f32",
    "div.full.f32",
    "div.approx.f32",
    "rcp.approx.ftz.f32",
    "sqrt.approx.f32",
    "ex2.approx.f32",
    "tanh.approx.f32",
    "setp.lt.ftz.f32",
    "min.ftz.f32",
    "cvt.ftz.f32.f16",
    "cvt.rz.bf16.f32",
    "cvt.rn.satfinite.e4m3x2.f32",
    "fma.rn.f32",
    "fma.rn.f64",
    "fma.rn.f32x2",
    "fma.rn.relu.f16x2",
    "mad.rn.f32",
    "add.f16",
    "mul.bf16x2",
    "atom.global.add.f32",
    "red.global.add.f32",
)
ALLOWED = (
    "add.rn.f32",
    "mul.rn.f32x2",
    "div.rn.f32",
    "sqrt.rn.f32",
    "ld.global.nc.v4.f32",
    "setp.lt.f32",
    "cvt.rn.bf16x2.f32",
    "cvt.rn.f16.f32",
    "cvt.f32.bf16",
    "cvt.rni.f32.f32",
    "cvt.rn.f32.s32",
    "neg.f32",
    "min.NaN.f32",
)


@pytest.mark.parametrize("word", FORBIDDEN)
def test_it_is_named(word):
    assert violations(f"\t{word} \t%f1, %f2;", fused=False) == [word]


@pytest.mark.parametrize("word", ALLOWED)
def test_it_passes(word):
    assert instructions(f"{word} %f1;") == {word}
    assert harmless(word)


def test_each_instruction_is_named_once_and_sorted():
    ptx = "add.ftz.f32 %a; add.ftz.f32 %b; rcp.approx.f32 %c; div.full.f32 %d; fma.rn.f32 %e; fma.rn.f64 %f;"
    all_of_them = ["add.ftz.f32", "div.full.f32", "fma.rn.f32", "fma.rn.f64", "rcp.approx.f32"]
    assert violations(ptx, fused=False) == all_of_them
    assert violations(ptx, fused=True) == [v for v in all_of_them if v != "fma.rn.f32"]
    assert violations("div.rn.f32 %f1; mul.rn.f32 %f2; mad.lo.s64 %r;", fused=False) == []


def test_a_text_is_taken_apart_by_kernel():
    found = entries(PTX)
    assert list(found) == ["", "helper", "literal", "filtered"]
    assert instructions(found["helper"]) == {"rcp.rn.f32"}
    assert instructions(found["literal"]) == {"mul.rn.f32"}
    assert instructions(found["filtered"]) == {"fma.rn.f32", "rcp.approx.ftz.f32"}
    assert instructions(found[""]) == set()
    assert entries("add.f32 %f1;") == {"": "add.f32 %f1;"}


def test_a_declaration_holds_for_its_entry_alone():
    both = {"fma.rn.f32", "rcp.approx.ftz.f32"}
    assert violations(PTX, fused=False) == sorted(both)
    assert violations(PTX, fused=False, declared={"filtered": both}) == []
    assert violations(PTX, fused=False, declared={"filtered": {"fma.rn.f32"}}) == ["rcp.approx.ftz.f32"]
    assert violations(PTX, fused=False, declared={"literal": both}) == sorted(both)


def test_a_declaration_that_nothing_needs_is_named():
    assert unused(PTX, {"filtered": {"fma.rn.f32"}}) == []
    assert unused(PTX, {"filtered": {"fma.rn.f64"}, "gone": {"fma.rn.f32"}}) == [
        "filtered: fma.rn.f64",
        "gone: fma.rn.f32",
    ]


def test_fused_operations_are_counted():
    assert count_fused("fma.rn.f32 %a; mad.rn.f32 %b; mad.lo.s64 %c; fma.rn.f32x2 %d; mad.wide.u32 %e;") == 3


#: The files that may write an instruction by name, or an operation that the options do not govern.
MAY_WRITE_PTX = {"fos_ptx.cuh", "fos_filter_words.h", "fos_feed_probe.cu"}
WRITTEN = re.compile(
    r"\basm\b|__f(?:add|sub|mul|div|rcp|sqrt|maf)_|__fdividef|__frsqrt|\b(?:fmaf?|rsqrtf?)\("
)


def test_only_named_files_write_instructions():
    """The literal path cannot hold what another declares: its text has no way to say it, but for fused()."""
    folder = files("fos_gpu") / "csrc"
    paths = [p for p in folder.iterdir() if p.is_file()]
    texts = numerics() | training.texts() | {p.name: p.read_text(encoding="utf-8") for p in paths}
    found = {name: set(WRITTEN.findall(text)) for name, text in texts.items() if WRITTEN.search(text)}
    assert found["model/bits.h"] == {"__fmaf_"}
    assert texts["model/bits.h"].count("__fmaf_rn") == 1
    assert set(found) - MAY_WRITE_PTX == {"model/bits.h"}
