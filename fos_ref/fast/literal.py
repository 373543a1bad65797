"""The recipe word for word, for 64 blocks: both candidates, errors, the choice. Right for every input."""

from __future__ import annotations

import numpy as np

from fos_ref.fast import config as k
from fos_ref.fast.codec import F32, U32
from fos_ref.fast.config import position
from fos_ref.fast.elements import cast_block, factors
from fos_ref.fast.errors import differences, TRIAL, trial_differences
from fos_ref.fast.lanes import (
    AMAX,
    BASE4,
    BASE6,
    BYTE4,
    BYTE6,
    CHOICE,
    CODES4,
    CODES6,
    ERROR4,
    ERROR6,
    EXPANDED,
    FACTOR4,
    FACTOR6,
    get,
    KEPT,
    LANES,
    PICKED,
    put,
    SCALE4,
    SCALE6,
    step,
    walk,
)
from fos_ref.fast.memory import load, store
from fos_ref.fast.reduce import reduce_block
from fos_ref.fast.scales import cast_scale, EXPANSION, map4_base, unrounded
from fos_ref.recipes.axes import Candidates, Tie

FOUR = position(Candidates.FOUR)
FOUR_OVER_SIX = position(Candidates.FOUR_OVER_SIX)
FLOAT_OR_INT = position(Candidates.FLOAT_OR_INT)
FOUR_WINS = position(Tie.FOUR)
INT4_FLAG = U32(0x80)


@step
def chooses(c: np.ndarray) -> bool:
    """Return whether there are two candidates."""
    kind = c[k.CANDIDATES_AT]
    return kind == FOUR_OVER_SIX or kind == FLOAT_OR_INT


@walk
def block_scales(w: np.ndarray, c: np.ndarray, f: np.ndarray) -> None:
    """Store base, byte, value and factor of each candidate's block scale. N5-N8."""
    unrounded(w, c, f[k.ELEMENT_MAX], f[k.SCALE_MAX], AMAX, BASE6)
    cast_scale(w, c, BASE6, BYTE6, SCALE6)
    factors(w, c, SCALE6, FACTOR6)
    if c[k.CANDIDATES_AT] == FOUR_OVER_SIX:
        for i in range(LANES):
            put(w, EXPANDED + i, F32(get(w, AMAX + i) * EXPANSION))
        map4_base(w, c, f)
    elif c[k.CANDIDATES_AT] == FLOAT_OR_INT:
        for i in range(LANES):
            store(w, EXPANDED + i, load(w, AMAX + i))
            store(w, BASE4 + i, load(w, BASE6 + i))
    if chooses(c):
        cast_scale(w, c, BASE4, BYTE4, SCALE4)
        factors(w, c, SCALE4, FACTOR4)


@walk
def quantize_literally(w: np.ndarray, c: np.ndarray, f: np.ndarray) -> None:
    """Store codes, errors and the choice of 64 blocks whose scales are known. N8-N13."""
    second = c[k.CANDIDATES_AT] == FOUR
    cast_block(w, c, f, k.FIRST_AT, (SCALE6, AMAX, FACTOR6, CODES6), second)
    if not chooses(c):
        only(w, c)
        return
    _error(w, c, f, SCALE6, AMAX, f[k.UNIT6], ERROR6)
    cast_block(w, c, f, k.SECOND_AT, (SCALE4, EXPANDED, FACTOR4, CODES4), True)
    _error(w, c, f, SCALE4, EXPANDED, f[k.UNIT4], ERROR4)
    _choose(w, c)


@step
def only(w: np.ndarray, c: np.ndarray) -> None:
    """Store the one candidate's scale byte as the one that is kept."""
    choice = U32(1) if c[k.CANDIDATES_AT] == FOUR else U32(0)
    for i in range(LANES):
        store(w, PICKED + i, U32(0))
        store(w, CHOICE + i, choice)
        store(w, KEPT + i, load(w, BYTE6 + i))


@walk
def _error(
    w: np.ndarray, c: np.ndarray, f: np.ndarray, scale: int, amax: int, unit: np.float32, out: int
) -> None:
    """Store a candidate's error; region D holds what its codes count as. N10-N12."""
    if c[k.ERROR_DOMAIN_AT] == TRIAL:
        trial_differences(w, c, f, amax)
    else:
        differences(w, c, f, scale, unit)
    reduce_block(w, c, out)


@step
def _choose(w: np.ndarray, c: np.ndarray) -> None:
    """Store the choice; a NaN error never wins. N13."""
    ties = c[k.TIE_AT] == FOUR_WINS
    for i in range(LANES):
        e4, e6 = get(w, ERROR4 + i), get(w, ERROR6 + i)
        four = e4 < e6 or (ties and e4 == e6)
        store(w, CHOICE + i, U32(1) if four else U32(0))
    keep(w, c)


@step
def keep(w: np.ndarray, c: np.ndarray) -> None:
    """Store the scale byte that is kept and whose codes go with it, from the choice."""
    flagged = c[k.CANDIDATES_AT] == FLOAT_OR_INT
    for i in range(LANES):
        four = load(w, CHOICE + i) != U32(0)
        byte = U32(load(w, BYTE4 + i) if four else load(w, BYTE6 + i))
        byte = U32(U32(byte + INT4_FLAG) & U32(0xFF)) if flagged and four else byte
        store(w, KEPT + i, byte)
        store(w, PICKED + i, U32(byte & INT4_FLAG) if flagged else U32(load(w, CHOICE + i)))
