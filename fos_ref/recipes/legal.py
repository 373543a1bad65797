"""Which combinations of axes have a meaning: the legality table."""

from __future__ import annotations

from enum import Enum
from typing import cast

from fos_ref.foreign import shown
from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    ElementCast,
    ElementFormat,
    ElementNan,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    Reduction,
    ScaleFloor,
    ScaleFormat,
    TensorScale,
    Tie,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.corrections import correction_rows
from fos_ref.recipes.dialect import Dialect, NO_BOUND
from fos_ref.recipes.elements import element
from fos_ref.recipes.searches import Tried
from fos_ref.recipes.stochastic import stochastic_rows

_OF_AMAX = ", ".join(f.value for f in ScaleFormat if f.of_amax)
#: Block scales that leave a tensor scale out.
MX_BLOCK_SCALES = (BlockScale.AMAX, BlockScale.LOGARITHM, BlockScale.LOGARITHM_IN_INPUT_DTYPE)
#: Forms of N8 that divide by what they make of the scales; the others multiply.
DIVISIONS = frozenset(
    {
        ElementScaling.DIVIDE_BY_PRODUCT,
        ElementScaling.DIVIDE_BY_QUOTIENT,
        ElementScaling.DIVIDE_THEN_ENCODE,
        ElementScaling.ENCODE_THEN_DIVIDE,
        ElementScaling.DECODE_THEN_DIVIDE,
    }
)
REPLACE_MULTIPLIER = frozenset({ZeroScale.MULTIPLIER_ZERO, ZeroScale.PRODUCT_ZERO, ZeroScale.PRODUCT_TINY})
REPLACE_DIVISOR = frozenset({ZeroScale.DIVISOR_ZERO, ZeroScale.PRODUCT_ONE})
#: Casts whose codes never are -0.
_PLUS_ZERO = frozenset({ElementCast.FIRST_NEAREST, ElementCast.NEAREST_PRODUCT})
#: Orders that are known for two halves of 8 only.
_OF_HALVES = frozenset({Reduction.HALVES, Reduction.FUSED_EVEN_ODD})
LEAST_BOUND = 2  #: scale_max of a recipe with a tensor scale

_E4M3_CODES = (ScaleFloor.ZERO_IS_EIGHTH, ScaleFloor.ZERO_CODE_IS_ONE)

Row = tuple[bool, str]  #: (broken, why)


def given(value: object) -> str:
    """Return what a field holds, for a message."""
    if value is None:
        return "is not set"
    return f"= {shown(cast('Enum', value).value if issubclass(type(value), Enum) else value)}"


def values(kind: type[Enum]) -> str:
    """Return what an axis may be, for a message."""
    return ", ".join(m.value for m in kind)


def broken_rows(r: Dialect) -> list[Row]:
    """Return the legality table: (broken, why)."""
    return [
        *_choice(r),
        *_search(r),
        *_shape(r),
        *_element(r),
        *_scale(r),
        *_special(r),
        *stochastic_rows(r),
        *correction_rows(r),
    ]


def _choice(r: Dialect) -> list[Row]:
    both = r.measures
    kinds: dict[str, type[Enum]] = {"error_domain": ErrorDomain, "error_metric": ErrorMetric}
    kinds |= {} if r.search else {"tie": Tie}
    choice = {k: getattr(r, k) for k in kinds}
    unset = [f"{k} not set, one of {values(kinds[k])} is allowed" for k, v in choice.items() if v is None]
    idle = [k for k, v in {**choice, "reduction": r.reduction}.items() if v is not None]
    ordered = r.error_metric is not ErrorMetric.ABS_MAX
    fused = r.reduction in (Reduction.FUSED_SEQUENTIAL, Reduction.FUSED_EVEN_ODD)
    four_over_six = r.candidates is Candidates.FOUR_OVER_SIX
    return [
        (both and bool(unset), f"a choice has to say how it is made: {'; '.join(unset)}"),
        (
            not both and bool(idle),
            f"one candidate leaves nothing to choose: {', '.join(idle)} must not be set",
        ),
        (
            both and ordered is (r.reduction is None),
            f"reduction {given(r.reduction)}: one of {values(Reduction)} for a sum, none for absmax",
        ),
        (
            fused and r.error_metric is not ErrorMetric.MSE,
            f"reduction {given(r.reduction)} squares inside the sum: mse only",
        ),
        (
            four_over_six is (r.map4_scale is None),
            f"map4_scale {given(r.map4_scale)}: set exactly for the candidates 4/6 ({values(Map4Scale)})",
        ),
        (
            r.map4_scale is Map4Scale.EXPAND_QUOTIENT and r.block_scale is not BlockScale.DIVIDE_THEN_DIVIDE,
            f"map4_scale {given(r.map4_scale)} goes with block_scale {BlockScale.DIVIDE_THEN_DIVIDE.value!r}",
        ),
    ]


def _search(r: Dialect) -> list[Row]:
    before = r.search is not None and r.search.tried is Tried.RANGE
    return [
        (
            r.search is not None and r.tie is not None,
            f"candidates {r.candidates.value!r} keep the first of equals: tie must not be set",
        ),
        (
            before is not (r.error_domain is ErrorDomain.UNSCALED),
            f"error_domain {given(r.error_domain)}: 'unscaled' goes with ranges, candidates 'search-111'",
        ),
        (
            r.error_metric is ErrorMetric.POWER and r.error_domain is not ErrorDomain.UNSCALED,
            "error_metric 'power-2.4' is rounded to the input's dtype, so error_domain has to be 'unscaled'",
        ),
        (
            r.search is not None and r.search.tried is Tried.SCALE and r.scale_format is not ScaleFormat.E4M3,
            f"candidates {r.candidates.value!r} are E4M3 bytes, so scale_format has to be E4M3",
        ),
    ]


def _shape(r: Dialect) -> list[Row]:
    return [
        (
            r.block_shape is BlockShape.TILE_16X16 and r.amax_scope is AmaxScope.ROW,
            "a 16x16 tile spans 16 rows, so amax_scope has to be tensor",
        ),
        (
            r.block_shape is BlockShape.ROW_32 and r.reduction is not None,
            f"reduction {given(r.reduction)}: no order is known for the errors of a block of 32",
        ),
        (
            r.block_shape is BlockShape.ROW_8 and r.reduction in _OF_HALVES,
            f"reduction {given(r.reduction)}: a block of 8 has no two halves of 8",
        ),
    ]


def _element(r: Dialect) -> list[Row]:
    row, first = r.element, r.element.first.format.name
    with_ = [repr(f.value) for f in ElementFormat if r.candidates in element(f).candidates]
    casts = ", ".join(c.value for c in ElementCast if c in row.casts)
    return [
        (
            r.candidates not in row.candidates,
            f"candidates {r.candidates.value!r} go with element_format {', '.join(with_)}",
        ),
        (
            r.element_cast not in row.casts,
            f"element_cast {r.element_cast.value!r} of {r.element_format.value}: one of {casts} is allowed",
        ),
        (
            first not in ("E2M1", "INT4") and r.element_nan is ElementNan.CODE_B,
            f"element_nan {r.element_nan.value!r} is a code of E2M1",
        ),
        (
            first not in ("E2M1", "INT4") and r.error_domain is ErrorDomain.TRIAL,
            "error_domain 'trial' is a quantizer to E2M1",
        ),
        (
            (r.element_cast is ElementCast.UNSATURATED) is not (r.element_nan is ElementNan.WRAPS),
            "element_nan is 'wraps' exactly when element_cast is 'unsaturated'",
        ),
        (
            r.element_cast in _PLUS_ZERO and r.zero_sign is not ZeroSign.NEVER,
            f"element_cast {r.element_cast.value!r} gives no code 8: zero_sign has to be 'never'",
        ),
        (
            r.element_cast is ElementCast.NEAREST_PRODUCT
            and r.element_scaling is not ElementScaling.DIVIDE_BY_PRODUCT,
            f"element_cast {r.element_cast.value!r} compares with s*D: element_scaling has to be 'x/(s*D)'",
        ),
    ]


def _scale(r: Dialect) -> list[Row]:
    unscaled = r.tensor_scale is TensorScale.NONE
    most = r.scale_format.largest
    bounded = r.scale_max == NO_BOUND if unscaled else LEAST_BOUND <= r.scale_max <= most
    bounds = f"{NO_BOUND}, where there is no tensor scale," if unscaled else f"{LEAST_BOUND} to {most}"
    return [
        (not bounded, f"scale_max = {r.scale_max}: {bounds} is allowed"),
        (
            r.scale_format is not ScaleFormat.E4M3 and r.scale_floor in _E4M3_CODES,
            f"scale_floor {r.scale_floor.value!r} is an E4M3 code, so scale_format has to be E4M3",
        ),
        (
            r.scale_format is ScaleFormat.E5M3 and r.candidates is Candidates.FLOAT_OR_INT,
            "scale_format 'E5M3' has no sign bit to say which format a block has",
        ),
        (
            r.scale_format is ScaleFormat.E8M0_EVEN and r.element.first.format.name != "E2M1",
            "scale_format 'E8M0-even' rounds as E2M1 does, so element_format has to be E2M1",
        ),
        (
            r.scale_format.of_amax is not (r.block_scale is BlockScale.AMAX),
            f"scale_format {r.scale_format.value!r}: block_scale 'b' goes with {_OF_AMAX}, and they with it",
        ),
        (
            r.block_scale in MX_BLOCK_SCALES and not unscaled,
            f"block_scale {r.block_scale.value!r} takes no tensor scale, so tensor_scale has to be '1'",
        ),
    ]


def _special(r: Dialect) -> list[Row]:
    return [
        (
            r.zero_scale in REPLACE_MULTIPLIER and r.element_scaling in DIVISIONS,
            f"zero_scale {r.zero_scale.value!r} replaces a multiplier: element_scaling has to multiply",
        ),
        (
            r.zero_scale in REPLACE_DIVISOR and r.element_scaling is not ElementScaling.DIVIDE_BY_PRODUCT,
            f"zero_scale {r.zero_scale.value!r} goes with element_scaling 'x/(s*D)'",
        ),
    ]
