"""Training's kernels: which source, which constants, what their PTX holds on purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from fos_gpu.build.kernels import COMMON
from fos_gpu.build.lower import definitions, INPUTS, member_name, source, unsupported
from fos_gpu.build.modules import Unit
from fos_gpu.build.ptx import Declared, FMA
from fos_gpu.build.training import DEFINITIONS, texts
from fos_ref.recipes.axes import BlockShape, ElementRounding, RandomFeed, ScaleFormat
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.rotate import Order

WORDS, QUANTIZE, ROTATE, EDEN, PROBE = (
    "fos_words.cu",
    "fos_stochastic.cu",
    "fos_rotate.cu",
    "fos_eden.cu",
    "fos_feed_probe.cu",
)
WITH_WORDS, AND_DRAW = "fos_quantize_with_words", "fos_quantize_and_draw"
RS = "cvt.rs.satfinite.e2m1x4.f32"
HAVE_RS = ("sm_100a", "sm_103a")  #: targets of the stochastic conversion to E2M1
TE_SOFTWARE = "te_software"
#: Presets that are compared on tiles too: without a choice, and with one by words shared or own.
TILED = (
    "te-train-gradient-byte-lane",
    "te-train-gradient-software",
    "fouroversix-triton-sr-absmax-pair-reversed",
    "fouroversix-sr-4over6",
    "quartet2-simulator-sr-4over6",
)


@dataclass(frozen=True, slots=True)
class TrainingUnit(Unit):
    """One kernel file of training with its constants."""

    @property
    def headers(self) -> dict[str, str]:
        """The texts that the source may include, by name."""
        return texts() | {name: source(name) for name in COMMON}


@cache
def words_unit() -> TrainingUnit:
    """Return the kernel of the random words."""
    return TrainingUnit(WORDS, DEFINITIONS)


@cache
def stochastic_unit(r: Recipe, dtype: str) -> TrainingUnit:
    """Return the quantizers of a recipe with stochastic elements, for inputs of `dtype`."""
    return TrainingUnit(QUANTIZE, (*recipe_definitions(r), f"-DFOS_INPUT={dtype}"))


def recipe_definitions(r: Recipe) -> tuple[str, ...]:
    """Return the -D options of a recipe with stochastic elements."""
    random = (
        f"-DFOS_ELEMENT_ROUNDING={member_name(r.element_rounding)}",
        f"-DFOS_RANDOM_FEED={member_name(r.random_feed)}",
        f"-DFOS_RANDOM_WIDTH={r.random_width}",
    )
    return (*definitions(r), *random)


@cache
def rotate_unit(order: Order, dtype: str, *, narrow: bool) -> TrainingUnit:
    """Return the rotation of 16 values of `dtype`, to bfloat16 where `narrow`, else to float32."""
    own = (f"-DFOS_ORDER={order.name.lower()}", f"-DFOS_INPUT={dtype}", f"-DFOS_NARROW={str(narrow).lower()}")
    return TrainingUnit(ROTATE, (*DEFINITIONS, *own))


@cache
def eden_unit() -> TrainingUnit:
    """Return the two passes of MS-EDEN."""
    return TrainingUnit(EDEN, DEFINITIONS)


@cache
def probe_unit() -> TrainingUnit:
    """Return the kernel that asks a device for the feed of its stochastic conversion."""
    return TrainingUnit(PROBE)


@cache
def samples() -> tuple[Recipe, ...]:
    """Return the presets that a feed is known for, recipes of every other rounder and feed, and tiles."""
    found = [r for r in {r.name: r for r in STOCHASTIC.values()}.values() if takes(r) is None]
    te = replace(STOCHASTIC["te-train-gradient-byte-lane"], source="", evidence="own")
    for rounding, feed, width in (
        (ElementRounding.SR_A, RandomFeed.BYTE_NATURAL, 8),
        (ElementRounding.SR_B, RandomFeed.HALF_REVERSED, 16),
        (ElementRounding.SR_C, RandomFeed.HALF, 13),
    ):
        name = f"te-train-gradient, {rounding.value} {feed.value} {width}"
        own: dict[str, Any] = {"element_rounding": rounding, "random_feed": feed, "random_width": width}
        found.append(replace(te, name=name, **own))
    tiles = [replace(STOCHASTIC[name], source="", evidence="own") for name in TILED]
    found += [replace(r, name=f"{r.name}, 16x16", block_shape=BlockShape.TILE_16X16) for r in tiles]
    return tuple(found)


def takes(r: Recipe) -> str | None:
    """Return why no kernel of training quantizes by a recipe, None if one does."""
    if not r.rounds_elements or r.random_feed is RandomFeed.HARDWARE_DECIDES:
        return "no kernel for a recipe whose elements are not rounded by bits of a known feed"
    if r.block_cols != BLOCK or r.scale_format is not ScaleFormat.E4M3:
        return f"stochastic kernels take blocks of {BLOCK} and tiles of {BLOCK}x{BLOCK} under scales in E4M3"
    return unsupported(nearest(r))


def nearest(r: Recipe) -> Recipe:
    """Return a recipe with the same steps and elements rounded to nearest: N2 to N8 are the same."""
    plain: dict[str, Any] = {"random_feed": None, "random_width": 0, "random_draws": None}
    return replace(r, element_rounding=ElementRounding.NEAREST, **plain)


def units() -> tuple[TrainingUnit, ...]:
    """Return what a check of every target compiles: each rounder, order and dtype, each unit once."""
    found = [words_unit(), eden_unit(), probe_unit()]
    found += [stochastic_unit(r, INPUTS[i % len(INPUTS)]) for i, r in enumerate(samples())]
    found += [
        rotate_unit(order, d, narrow=n)
        for order in Order
        for d, n in (("bfloat16", True), ("float32", False))
    ]
    return tuple(found)


def declared(unit: Unit, arch: str) -> Declared:
    """Return what a unit's PTX holds on purpose."""
    if unit.source == EDEN:
        return {"fos_eden_of_blocks": {FMA}}
    if f"-DFOS_ELEMENT_ROUNDING={TE_SOFTWARE}" in unit.definitions:
        return {WITH_WORDS: {FMA}, AND_DRAW: {FMA}}
    if unit.source == PROBE and arch in HAVE_RS:
        return {"fos_feed_probe": {RS}}
    return {}
