"""The header's list of axis values, and what a recipe becomes for the compiler."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

import fos_ref
from fos_gpu.build.lower import axes, definitions, HEADER, member_name, members, numerics, unsupported
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.proof.engine import DISTINCT
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.recipes.recipe import DESCRIPTIVE, field_kind

#: They change no bit of the kernels: the first two are other steps, the third is two constants.
ELSEWHERE = {"dequantize", "reciprocal", "scale_max"}
#: Axis values of other formats than NVFP4.
FOREIGN = {"int4", "e2m1_or_int4", "row_32", "seven", "float_or_int"}
FOREIGN |= {member_name(m) for m in ScaleFormat if m.is_power}
FOREIGN |= {"amax", "logarithm", "logarithm_in_input_dtype", "zero_alone_is_one"}
FOREIGN |= {"scale_2_127", "scale_2_126", "not_positive"}


def test_every_axis_is_lowered_or_named_as_another_steps():
    fields = set(fos_ref.recipe("4over6").axes())
    assert set(axes()) | ELSEWHERE == fields
    assert set(DESCRIPTIVE) & set(axes()) == set()


@pytest.mark.parametrize("axis", axes())
def test_the_header_has_every_value_of_nvfp4(axis):
    wanted = {member_name(m) for m in field_kind(axis)} - FOREIGN
    assert members()[axis.replace("_", "")] - {"unset"} == wanted


def test_every_nvfp4_preset_has_kernels_and_no_other():
    nvfp4 = [
        r for r in DISTINCT if r.element_format is ElementFormat.E2M1 and r.scale_format is ScaleFormat.E4M3
    ]
    assert list(SUPPORTED) == nvfp4
    assert len(SUPPORTED) > 100


def test_a_recipe_of_another_format_is_refused_with_the_value():
    assert "'E8M0-up'" in unsupported(fos_ref.recipe("fouroversix-mxfp4-static6"))
    assert "'INT4'" in unsupported(fos_ref.recipe("fouroversix-nvint4"))


@pytest.mark.parametrize("axis", axes())
def test_an_axis_that_differs_gives_other_options(axis):
    r = fos_ref.recipe("4over6")
    given = {o.split("=")[0]: o for o in definitions(r)}
    assert given[f"-DFOS_{axis.upper()}"] == f"-DFOS_{axis.upper()}={member_name(getattr(r, axis))}"


def test_the_bound_reaches_the_compiler():
    r = fos_ref.recipe("te-mse-256")
    assert set(definitions(r)) ^ set(definitions(replace(r, scale_max=448))) == {
        "-DFOS_SCALE_MAX=256",
        "-DFOS_SCALE_MAX=448",
    }


def test_the_header_includes_its_parts_alone_and_names_no_recipe():
    folder = files("fos_gpu") / "csrc" / "model"
    assert set(numerics()) == {HEADER} | {f"model/{p.name}" for p in folder.iterdir()}
    assert not [name for name, text in numerics().items() if "#include" in text and name != HEADER]
    text = "".join(numerics().values())
    for name in fos_ref.PRESETS:
        assert not re.search(rf"[^\w-]{re.escape(name)}[^\w-]", text)
