"""The header's list of axis values, and what a recipe becomes for the compiler."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import pytest

import fos_ref
from fos_gpu.build import lower
from fos_gpu.build.lower import (
    absent_on_device,
    axes,
    definitions,
    HEADER,
    member_name,
    members,
    numerics,
    unsupported,
)
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.recipes.axes import ElementFormat, ScaleFormat
from fos_ref.recipes.recipe import DESCRIPTIVE, field_kind

EVERY = tuple(dict.fromkeys(fos_ref.PRESETS.values()))

#: They change no bit of the kernels: the first two are other steps, the third is two constants.
ELSEWHERE = {"dequantize", "reciprocal", "scale_max"}
#: Values of searches among many scales, which kernels do not carry out.
SEARCHED = {"factors", "ranges", "scales", "reciprocals", "unscaled", "power"}
#: Values of corrected scales, which have kernels of their own, or none.
CORRECTED = {"eden_16", "eden_128", "of_scales"}
FOREIGN = SEARCHED | CORRECTED


def test_every_axis_is_lowered_or_named_as_another_steps():
    fields = set(fos_ref.recipe("4over6").axes())
    assert set(axes()) | ELSEWHERE == fields
    assert set(DESCRIPTIVE) & set(axes()) == set()


@pytest.mark.parametrize("axis", axes())
def test_the_header_has_every_value(axis):
    wanted = {member_name(m) for m in field_kind(axis)} - FOREIGN
    assert members()[axis.replace("_", "")] - {"unset"} == wanted


def test_every_preset_but_the_searches_has_kernels():
    assert [r for r in EVERY if r not in SUPPORTED] == [r for r in EVERY if r.search is not None]
    assert unsupported(fos_ref.recipe("scale-optimum")) == "no kernel for candidates 'search-126'"
    assert len(SUPPORTED) > 150


def test_a_value_without_a_kernel_is_refused(monkeypatch):
    monkeypatch.setattr(lower, "members", lambda: members() | {"scaleformat": frozenset({"e4m3"})})
    assert unsupported(fos_ref.recipe("ocp-mxfp4")) == "no kernel for scale_format 'E8M0-floor'"
    assert unsupported(fos_ref.recipe("4over6")) is None


def test_arrays_on_a_device_take_one_layout():
    on_device = [r for r in SUPPORTED if absent_on_device(r) is None]
    assert {(r.element.width, r.block_cols, r.scale_format) for r in on_device} == {(4, 16, ScaleFormat.E4M3)}
    assert "blocks of 16" in absent_on_device(fos_ref.recipe("ocp-mxint8"))


@pytest.mark.parametrize("fmt", ElementFormat)
def test_a_grid_is_what_the_formats_say(fmt):
    """The fields of Grid, in its order; a format that differs has another text."""
    r = next((r for r in SUPPORTED if r.element_format is fmt), None)
    assert r is not None
    info = r.element.first.format
    given = dict(o.removeprefix("-DFOS_").split("=") for o in definitions(r))
    fields = given["FIRST_GRID"].split(",")
    assert fields[:4] == [str(n) for n in (info.bits, info.exponent_bits, info.fraction_bits, info.bias)]
    assert fields[4] == f"{info.max_code}u"
    assert (given["FIRST_GRID"] != given["SECOND_GRID"]) == (r.element.second is not None)


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
        "-DFOS_BOUND=256",
        "-DFOS_BOUND=448",
        "-DFOS_RANGE_MAX=1536",
        "-DFOS_RANGE_MAX=2688",
    }


def test_the_header_includes_its_parts_alone_and_names_no_recipe():
    folder = files("fos_gpu") / "csrc" / "model"
    assert set(numerics()) == {HEADER} | {f"model/{p.name}" for p in folder.iterdir()}
    assert not [name for name, text in numerics().items() if "#include" in text and name != HEADER]
    text = "".join(numerics().values())
    for name in fos_ref.PRESETS:
        assert not re.search(rf"[^\w-]{re.escape(name)}[^\w-]", text)
