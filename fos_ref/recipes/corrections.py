"""Corrected block scales as data: MS-EDEN rounds elements to nearest and lets the scale make up for it (N6).

With v the scaled values of a group and q their codes' values, the scale is multiplied by sum v^2 / sum v q.
Then it is rounded stochastically, so that the expected value of what is stored is the input.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fos_ref.recipes.axes import (
    AmaxScope,
    BlockScale,
    BlockShape,
    Candidates,
    ElementScaling,
    ScaleRounding,
    TensorScale,
)
from fos_ref.recipes.dialect import Dialect

Row = tuple[bool, str]  #: (broken, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a corrected recipe's other axes have to be."""

    tensor_scale: TensorScale
    block_scale: BlockScale
    element_scaling: ElementScaling


RULES: Mapping[Candidates, Rule] = MappingProxyType(
    {
        Candidates.EDEN_16: Rule(
            tensor_scale=TensorScale.OF_SCALES,
            block_scale=BlockScale.DIVIDE_THEN_MULTIPLY,
            element_scaling=ElementScaling.RECIPROCAL_OF_PRODUCT,
        ),
        Candidates.EDEN_128: Rule(
            tensor_scale=TensorScale.DECODE_TWO_QUOTIENTS,
            block_scale=BlockScale.DIVIDE_THEN_DIVIDE,
            element_scaling=ElementScaling.DIVIDE_BY_PRODUCT,
        ),
    }
)


def correction_rows(r: Dialect) -> list[Row]:
    """Return the rows of the legality table that corrected block scales add."""
    rule = RULES.get(r.candidates)
    name = f"candidates {r.candidates.value!r}"
    mine = r.tensor_scale is TensorScale.OF_SCALES
    given, own = repr(r.tensor_scale.value), repr(TensorScale.OF_SCALES.value)
    rows = [
        (
            mine is not (r.candidates is Candidates.EDEN_16),
            f"tensor_scale {given}: {own} goes with candidates {Candidates.EDEN_16.value!r} and they with it",
        )
    ]
    if rule is None:
        return rows
    axes = {k: getattr(rule, k) for k in rule.__slots__}
    wrong = [f"{k} has to be {v.value!r}" for k, v in axes.items() if getattr(r, k) is not v]
    plain = r.block_shape is BlockShape.ROW_16 and r.amax_scope is AmaxScope.TENSOR
    return [
        *rows,
        (bool(wrong), f"{name}: {'; '.join(wrong)}"),
        (not plain, f"{name} is known for blocks of 1x16 under one tensor amax"),
        (
            r.scale_rounding is ScaleRounding.NEAREST,
            f"{name} corrects a scale that is rounded stochastically: scale_rounding has to be stochastic",
        ),
    ]
