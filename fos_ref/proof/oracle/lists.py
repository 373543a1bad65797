"""A trace of the model as plain Python lists, one entry per block: what the exact oracle is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.model.blocks import to_blocks
from fos_ref.model.candidates import EXPANSION
from fos_ref.model.dequantize import dequantize_matrix
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.errors import ERROR_DOMAIN
from fos_ref.model.trace import Blocks, Candidate, Trace
from fos_ref.model.trial import trial_difference
from fos_ref.model.unscaled import unscaled_difference
from fos_ref.recipes.axes import ErrorDomain

_UNITS = 149  #: values are counted in units of 2**-149


def units(v: AnyArray) -> AnyArray:
    """Return float32 values in units of 2**-149 as float64: exact, at most 2**277."""
    return np.ldexp(np.asarray(v, dtype=np.float64), _UNITS)


def per_block(v: AnyArray) -> list[list[Any]]:
    """Return an array (T, B) or (T, B, n) as T * B lists of 1 or n entries."""
    return v.reshape(v.shape[0] * v.shape[1], -1).tolist()


class CandidateLists:
    """The steps of one candidate; fields as in fos_ref.model.trace.Candidate."""

    def __init__(self, c: Candidate, differences: F32 | None) -> None:
        self.base = per_block(units(c.base))
        self.scale_code = per_block(c.scale_code)
        self.scale = per_block(units(c.scale))
        self.multiplier = per_block(units(c.multiplier))
        self.scaled = per_block(units(np.abs(c.scaled)))
        self.negative = per_block(np.signbit(c.scaled))
        self.codes = per_block(c.codes)
        self.values = per_block(units(c.values))
        self.differences = None if differences is None else per_block(units(differences))
        self.error = None if c.error is None else per_block(units(c.error))


class TraceLists:
    """The steps of a trace, and what its recipe's dequantization makes of the kept codes (N14)."""

    def __init__(self, t: Trace) -> None:
        r = self.recipe = t.recipe
        self.blocks_per_row: int = t.block_amax.shape[1]
        self.per_row = t.scales.amax.ndim > 0
        self.amax, self.encode, self.decode = (
            units(v).reshape(-1, 1).tolist() for v in (t.scales.amax, t.scales.encode, t.scales.decode)
        )
        self.block_amax, self.base = per_block(units(t.block_amax)), per_block(units(t.base))
        self.map6, self.map4 = (
            None if c is None else CandidateLists(c, differences(t, c)) for c in (t.map6, t.map4)
        )
        values = dequantize_matrix(t.codes, t.block_scales, t.scales, r)
        self.codes = per_block(to_blocks(t.codes, r.block_rows, r.block_cols))
        self.dequantized = per_block(to_blocks(units(values), r.block_rows, r.block_cols))
        self.block_scales, self.picked4 = (
            per_block(to_blocks(v, r.block_rows, 1)) for v in (t.block_scales, t.picked4)
        )

    def place(self, i: tuple[int, ...]) -> int:
        """Return the entry of block (row of blocks, column of blocks)."""
        row, col = i
        return row * self.blocks_per_row + col

    def tensor_place(self, i: tuple[int, ...]) -> int:
        """Return the entry of the tensor scales that the block is under."""
        return i[0] if self.per_row else 0


def differences(t: Trace, c: Candidate) -> F32 | None:
    """Return the model's element differences (T, B, n) of a candidate; the trace keeps their sum. N10."""
    r = t.recipe
    if r.error_domain is None:
        return None
    with np.errstate(all="ignore"):
        if r.error_domain is ErrorDomain.TRIAL:
            amax = t.block_amax if c is t.map6 else t.block_amax * EXPANSION
            return trial_difference(Blocks(x=t.x, amax=amax, scales=t.scales), r)
        if r.error_domain is ErrorDomain.UNSCALED:
            return unscaled_difference(t.x, t.block_amax, t.scales.dtype)
        unit = ELEMENT_FORMAT[r.element_format][0 if c is t.map6 else 1].unit
        return ERROR_DOMAIN[r.error_domain](c.values, c.scale[..., None], t.x, t.scales.per_element(), unit)
