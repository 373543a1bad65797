"""A dialect: the axes of a recipe as a frozen value, and the numbers that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    Dequantize,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementRounding,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    Reciprocal,
    ReciprocalOverflow,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    ScaleNan,
    ScaleRounding,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.elements import Element, element
from fos_ref.recipes.searches import Search, search_of

SCALE_BOUNDS = (256, 448)  #: the two values of `scale_max` that implementations have with E4M3
BLOCK = 16  #: consecutive values of a row under one NVFP4 block scale
MX_BLOCK = 32  #: the same for MX formats
SHORT_BLOCK = 8
NO_BOUND = 1  #: scale_max of a recipe without a tensor scale
#: Fields that describe a recipe without changing any bit; not part of `diff` and `fingerprint`.
DESCRIPTIVE = ("name", "source", "evidence")
FACTORS = MappingProxyType(
    {
        RangeFactor.ONE: Fraction(1),
        RangeFactor.SIXTEEN_SEVENTEENTHS: Fraction(16, 17),
        RangeFactor.EDEN: Fraction(1600, 1581),
    }
)
EDEN_GROUP, EDEN_BOUND = 128, 255.99  #: of Quartet II's simulator: a corrected scale may be larger
SHORT = 0.01  #: what Quartet II's simulator takes from 448 for tiles
SHORTENED = frozenset({TensorScale.DECODE_TWO_QUOTIENTS_SHORT})
_COLUMNS = {BlockShape.ROW_8: SHORT_BLOCK, BlockShape.ROW_32: MX_BLOCK}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The axes: a field for every decision that moves a bit. `Recipe` adds where it was learnt."""

    name: str
    element_format: ElementFormat = ElementFormat.E2M1
    scale_format: ScaleFormat = ScaleFormat.E4M3
    block_shape: BlockShape = BlockShape.ROW_16
    amax_scope: AmaxScope = AmaxScope.TENSOR
    candidates: Candidates = Candidates.SIX
    scale_max: int = 448  #: the E4M3 magnitude that the largest block scale maps to
    tensor_scale: TensorScale = TensorScale.CLAMPED_ZERO_IS_ONE
    block_scale: BlockScale = BlockScale.DIVIDE_THEN_MULTIPLY
    map4_scale: Map4Scale | None = None
    scale_floor: ScaleFloor = ScaleFloor.NONE
    scale_nan: ScaleNan = ScaleNan.CODE_7F
    element_scaling: ElementScaling = ElementScaling.RECIPROCAL_OF_PRODUCT
    reciprocal: Reciprocal = Reciprocal.EXACT
    zero_scale: ZeroScale = ZeroScale.ZERO_CODES
    reciprocal_overflow: ReciprocalOverflow = ReciprocalOverflow.CLAMP_TO_MAX
    element_cast: ElementCast = ElementCast.SATURATE
    element_nan: ElementNan = ElementNan.CODE_7
    zero_sign: ZeroSign = ZeroSign.SIGN_BIT
    error_domain: ErrorDomain | None = None
    error_metric: ErrorMetric | None = None
    reduction: Reduction | None = None
    tie: Tie | None = None
    dequantize: Dequantize = Dequantize.AMAX_DIVIDE
    nonfinite: NonFinite = NonFinite.RAISE
    element_rounding: ElementRounding = ElementRounding.NEAREST
    random_width: int = 0  #: N, the random bits that round one value or one block scale
    random_feed: RandomFeed | None = None
    random_draws: RandomDraws | None = None
    scale_rounding: ScaleRounding = ScaleRounding.NEAREST
    range_factor: RangeFactor = RangeFactor.ONE

    @property
    def element(self) -> Element:
        """The element format's row: grids, code width, constants."""
        return element(self.element_format)

    @property
    def element_max(self) -> int | float:
        """E, what the largest element counts as in N3 and N5: the format's, or 4, times the range factor."""
        plain = 4 if self.candidates is Candidates.FOUR else self.element.maximum
        return plain if self.range_factor is RangeFactor.ONE else float(plain * FACTORS[self.range_factor])

    @property
    def range_max(self) -> int | float:
        """C = element_max * scale_max, the magnitude that the tensor amax is scaled to."""
        product = self.element_max * self.bound
        return int(product) if product == int(product) else product

    @property
    def bound(self) -> int | float:
        """M, the magnitude that the largest block scale maps to."""
        if self.candidates is Candidates.EDEN_128:
            return EDEN_BOUND
        return self.scale_max - SHORT if self.tensor_scale in SHORTENED else self.scale_max

    @property
    def corrects(self) -> bool:
        """Whether block scales are corrected by what the rounding of their elements lost."""
        return self.candidates in (Candidates.EDEN_16, Candidates.EDEN_128)

    @property
    def group(self) -> int:
        """Consecutive values of a row that one decision is made of; rows are whole groups."""
        return EDEN_GROUP if self.candidates is Candidates.EDEN_128 else self.block_cols

    @property
    def block_rows(self) -> int:
        """Rows under one block scale: 1 or 16."""
        return BLOCK if self.block_shape is BlockShape.TILE_16X16 else 1

    @property
    def block_cols(self) -> int:
        """Consecutive values of a row under one block scale: 8, 16 or 32."""
        return _COLUMNS.get(self.block_shape, BLOCK)

    @property
    def codes_per_byte(self) -> int:
        """Codes that share a byte of the stored codes: 2 of 4 bits each, else 1."""
        return 2 if self.element.packed else 1

    @property
    def block_bytes(self) -> int:
        """Bytes that the codes of a block take in each of its rows."""
        return self.block_cols // self.codes_per_byte

    @property
    def chooses(self) -> bool:
        """Whether there are two candidates to choose between."""
        return self.candidates in (Candidates.FOUR_OVER_SIX, Candidates.FLOAT_OR_INT)

    @property
    def search(self) -> Search | None:
        """The search among many scales, None where there is none."""
        return search_of(self.candidates)

    @property
    def measures(self) -> bool:
        """Whether errors are measured: for a choice between two, or for a search."""
        return self.chooses or self.search is not None

    @property
    def stochastic(self) -> bool:
        """Whether codes or block scales depend on random bits, which the caller gives."""
        return self.rounds_elements or self.scale_rounding is not ScaleRounding.NEAREST

    @property
    def rounds_elements(self) -> bool:
        """Whether it is the elements that are rounded stochastically."""
        return self.element_rounding is not ElementRounding.NEAREST

    @property
    def draws(self) -> int:
        """How many words a value has: 2 where two candidates have draws of their own."""
        return 2 if self.random_draws is RandomDraws.OWN else 1

    def laid_out_as(self, other: Dialect) -> bool:
        """Return whether codes and block scales of both have the same shapes: they can be compared."""
        return (self.block_cols, self.element.width) == (other.block_cols, other.element.width)

    def axes(self) -> dict[str, Any]:
        """Return {axis: value} for the fields that decide bits, in their order.

        A younger axis is left out where it has its default: it decides nothing there.
        """
        return {k: v for k, v in self.every_axis().items() if k not in YOUNGER or v is not YOUNGER[k]}

    def every_axis(self) -> dict[str, Any]:
        """Return {axis: value} for all axes, in their order."""
        return {name: getattr(self, name) for name in AXES}


#: The names of all axes, in their order.
AXES = tuple(f.name for f in fields(Dialect) if f.name not in DESCRIPTIVE)
#: Axes younger than the published fingerprints -> their default, which no fingerprint and no JSON has.
YOUNGER = MappingProxyType(
    {f.name: f.default for f in fields(Dialect) if f.name in AXES[AXES.index("nonfinite") + 1 :]}
)
