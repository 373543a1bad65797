"""Training's kernels: which source, which constants, what their PTX holds on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from fos_gpu.build.kernels import COMMON
from fos_gpu.build.lower import definitions, INPUTS, source
from fos_gpu.build.modules import Unit
from fos_gpu.build.ptx import Declared, FMA
from fos_gpu.build.training import DEFINITIONS, texts
from fos_ref.random import Feed, width
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.rotate import Order

WORDS, STOCHASTIC, ROTATE, EDEN, PROBE = (
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


@dataclass(frozen=True, slots=True)
class Rounding:
    """How elements are rounded: the rule or program, who of a word's elements has which bits, how many count.

    rule: sr_a, sr_b, sr_c, te_software (8 bits), fouroversix_torch (24 bits: a whole number of 2^-24) or
          quartet2_simulator (32 bits: a word of tl.rand)
    """

    rule: str
    feed: Feed
    bits: int

    @classmethod
    def of(cls, rule: str, feed: Feed, bits: int | None = None) -> Rounding:
        """Return a rounding that takes all bits of its feed unless `bits` says how many."""
        return cls(rule, feed, width(feed) if bits is None else bits)

    @property
    def definitions(self) -> tuple[str, ...]:
        """The -D options of training/row.h."""
        return (
            f"-DFOS_ELEMENT_ROUNDING={self.rule}",
            f"-DFOS_RANDOM_FEED={self.feed.name.lower()}",
            f"-DFOS_RANDOM_WIDTH={self.bits}",
        )


#: One of each rounder, with feeds of each width.
SAMPLES = (
    Rounding.of("sr_a", Feed.BYTE_NATURAL),
    Rounding.of("sr_a", Feed.BYTE_LANE),
    Rounding.of("sr_a", Feed.PAIR_REVERSED),
    Rounding.of("sr_b", Feed.HALF_REVERSED),
    Rounding.of("sr_c", Feed.HALF, 13),
    Rounding.of(TE_SOFTWARE, Feed.BYTE_NATURAL),
    Rounding.of("fouroversix_torch", Feed.WORD, 24),
    Rounding.of("quartet2_simulator", Feed.WORD),
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
def stochastic_unit(r: Recipe, dtype: str, rounding: Rounding) -> TrainingUnit:
    """Return the quantizers of a recipe with stochastic elements, for inputs of `dtype`."""
    return TrainingUnit(STOCHASTIC, (*definitions(r), *rounding.definitions, f"-DFOS_INPUT={dtype}"))


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


def units() -> tuple[TrainingUnit, ...]:
    """Return what a check of every target compiles: each rounder, order and dtype, each unit once."""
    r, choosing = PRESETS["te-cuda-nvfp4"], PRESETS["fouroversix-mse"]
    found = [words_unit(), eden_unit(), probe_unit()]
    found += [stochastic_unit(r, INPUTS[i % len(INPUTS)], s) for i, s in enumerate(SAMPLES)]
    found += [stochastic_unit(choosing, "bfloat16", SAMPLES[0])]
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
