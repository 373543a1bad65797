"""The header's list of axis values, and what a recipe becomes for the compiler."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

import fos_ref
from fos_gpu.build import lower
from fos_gpu.build.lower import (
    axes,
    definitions,
    HEADER,
    member_name,
    members,
    numerics,
    unsupported,
)
from fos_gpu.proof.beside import SUPPORTED
from fos_ref.recipes.axes import BlockShape, ElementFormat
from fos_ref.recipes.recipe import DESCRIPTIVE, field_kind

EVERY = tuple(dict.fromkeys(fos_ref.PRESETS.values()))

#: They change no bit of the kernels: the first two are other steps, the third is two constants.
ELSEWHERE = {"dequantize", "reciprocal", "scale_max"}
#: Values of a search that comes before the tensor scale, which kernels do not carry out.
SEARCHED = {"ranges", "unscaled", "power"}
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


def test_every_preset_but_one_has_kernels():
    assert [r.name for r in EVERY if r not in SUPPORTED] == ["llmcompressor-expanded-mse"]


def test_a_search_is_lowered_in_its_order():
    given = dict(o.removeprefix("-DFOS_").split("=") for o in definitions(fos_ref.recipe("scale-optimum")))
    assert (given["TRIED"], given["TRIES"]) == ("scale", ",".join(f"{n}u" for n in range(1, 127)))
    given = dict(
        o.removeprefix("-DFOS_").split("=") for o in definitions(fos_ref.recipe("auto-round-nvfp4-search"))
    )
    bits = [int(n.removesuffix("u")) for n in given["TRIES"].split(",")]
    tried = np.array(bits, np.uint32).view(np.float32).tolist()
    assert given["TRIED"] == "amax"
    assert tried == [float(np.float32(i / 100)) for i in (100, *range(50, 100), *range(101, 152))]
    tiles = replace(fos_ref.recipe("scale-optimum"), name="tiles", block_shape=BlockShape.TILE_16X16)
    assert unsupported(tiles) == "no kernel searches in tiles"
    ranges = fos_ref.recipe("llmcompressor-expanded-mse")
    assert unsupported(ranges) == "no kernel for candidates 'search-111'"
    assert len(SUPPORTED) > 150


def test_a_value_without_a_kernel_is_refused(monkeypatch):
    monkeypatch.setattr(lower, "members", lambda: members() | {"scaleformat": frozenset({"e4m3"})})
    assert unsupported(fos_ref.recipe("ocp-mxfp4")) == "no kernel for scale_format 'E8M0-floor'"
    assert unsupported(fos_ref.recipe("4over6")) is None


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


@pytest.mark.long
def test_the_header_includes_its_parts_alone_and_names_no_recipe():
    folder = files("fos_gpu") / "csrc" / "model"
    assert set(numerics()) == {HEADER} | {f"model/{p.name}" for p in folder.iterdir()}
    assert not [name for name, text in numerics().items() if "#include" in text and name != HEADER]
    text = "".join(numerics().values())
    for name in fos_ref.PRESETS:
        assert not re.search(rf"[^\w-]{re.escape(name)}[^\w-]", text)
