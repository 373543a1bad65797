"""Mutants of memory: rows out of order, strides ignored, scales of a KV cache, bytes that nobody wrote."""

from __future__ import annotations

import numpy as np

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.formats.arrays import AnyArray, Bool, I64, U8
from fos_ref.model.trace import Scales
from fos_ref.mutants.layout import after, Result, unchanged
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import Swap
from fos_ref.recipes.recipe import Recipe

_QUANTIZE = NumpyEngine.quantize
_TOKENS = 4  #: rows whose scales stand side by side
_BINADE = np.uint8(8)


def _halves_exchanged(codes: U8, scales: U8, picked4: Bool) -> Result:
    return _in_rows(np.roll(np.arange(len(codes)), len(codes) // 2), codes, scales, picked4)


def _interleaved(codes: U8, scales: U8, picked4: Bool) -> Result:
    half = len(codes) // 2
    dealt = np.arange(2 * half).reshape(2, half).T.reshape(-1)
    return _in_rows(np.append(dealt, np.arange(2 * half, len(codes))), codes, scales, picked4)


def _in_rows(at: I64, codes: U8, scales: U8, picked4: Bool) -> Result:
    return codes[at], scales[at], picked4[at]


def _in_token_groups(codes: U8, scales: U8, picked4: Bool) -> Result:
    """Return the four scales of a column side by side, where the rows come in fours."""
    rows, cols = scales.shape
    if rows % _TOKENS:
        return codes, scales, picked4
    grouped = scales.reshape(rows // _TOKENS, _TOKENS, cols).transpose(0, 2, 1)
    return codes, np.ascontiguousarray(grouped).reshape(rows, cols), picked4


def _one_run(engine: NumpyEngine, x: AnyArray, scales: Scales, recipe: Recipe) -> Result:
    """Return the bytes of as many values as x has from where x begins in memory."""
    if not x.size or x.flags.c_contiguous:
        return unchanged(engine, x, scales, recipe)
    run = np.lib.stride_tricks.as_strided(x, (x.size,), (x.itemsize,), writeable=False)
    return unchanged(engine, np.ascontiguousarray(run).reshape(x.shape), scales, recipe)


def _last_row_missing(codes: U8, scales: U8, picked4: Bool) -> Result:
    codes[len(codes) // 2 :], scales[len(scales) // 2 :] = 0, 0
    return codes, scales, picked4


MUTANTS = (
    Mutant(
        name="rows-halves-exchanged",
        flag="RowPermutation",
        edition=2,
        comment="The second half of the rows stands first, in codes and scales. Nothing fails, another matrix"
        " is multiplied. Whoever stacks up and gate projections where gate and up are read.",
        swaps=after(_halves_exchanged),
    ),
    Mutant(
        name="rows-interleaved",
        flag="RowPermutation",
        edition=2,
        comment="Rows of the two halves stand in turn. Whoever prepares gate and up for a fused activation.",
        swaps=after(_interleaved),
    ),
    Mutant(
        name="scales-in-token-groups",
        flag="ScaleLayout",
        edition=2,
        comment="The block scales of four rows stand side by side. Values are multiplied by the scale of "
        "another token. Whoever hands V scales of one attention kernel to another.",
        swaps=after(_in_token_groups),
    ),
    Mutant(
        name="strides-ignored",
        flag="StridesIgnored",
        edition=2,
        comment="A part of a wider buffer is read as one run of memory: its first row is right. Whoever takes"
        " a pointer and a shape where a slice is given.",
        swaps=(Swap(_QUANTIZE, _one_run),),
    ),
    Mutant(
        name="second-half-unwritten",
        flag="NothingWritten",
        edition=2,
        comment="The second half of the rows is zero, codes and scales; all of a single row. Whoever rounds "
        "the number of thread blocks down.",
        swaps=after(_last_row_missing),
    ),
    Mutant(
        name="scales-a-binade-low",
        flag="ScaleOffset",
        edition=2,
        comment="Every scale byte is 8 too low, so that values are half as large; the codes are right. "
        "Whoever takes the exponent bias of E4M3 for 8, as of its variant without infinities.",
        swaps=after(lambda codes, scales, picked4: (codes, scales - _BINADE, picked4)),
    ),
)
