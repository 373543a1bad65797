"""Blocks whose codes are one constant: nothing was written there, or something was written over it.

A constant carries no evidence: every mistake that kills all values gives it. So such blocks are set aside
before any mistake is tried, unless one mistake gives the constant in these blocks and in no other.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.cells import FLOOR_BYTES, is_nan, saturated_byte
from fos_ref.check.evidence.codes import nearest_codes
from fos_ref.check.evidence.names import encode_scales
from fos_ref.check.flaws.flaw import Flaw, steps_with
from fos_ref.check.outcomes.outcome import Outcome
from fos_ref.check.population import BLOCK
from fos_ref.check.signs import with_sign
from fos_ref.check.steps import Steps, walk
from fos_ref.formats.arrays import Bool, I64, U8
from fos_ref.model.elements import midpoints
from fos_ref.recipes.recipe import Recipe

FLAG = "NothingWritten"
_SAMPLE = (
    256  #: constant blocks, and three times as many others, on which a mistake may show that it is the cause
)
_LEAST_OTHERS = 4
_STRAY, _OF_ALL = 2, 0.1  #: so few blocks, of so small a share of those that differ, are no evidence
_RIGHT = 0.9  #: of the scale bytes, for them to be right although nobody wrote codes
_NEAR_ZERO = 2.0**-8  #: an unrounded block scale that another legal recipe may round to zero
_TINY = np.finfo(np.float32).tiny
_SHOWN = 4  #: bytes in words


def constant_blocks(c: Case, r: Recipe) -> Bool:
    """Return (N,): blocks that differ, of one code byte or of zeros of any sign, where the recipe's are not.

    Blocks of zeros amid them, whose codes tell nothing, go with them where they have the same bytes.
    """
    flat, ours = _flat(c.got.codes, r), _flat(c.want.codes, r)
    found: Bool = c.differing & flat & ~ours
    index = np.flatnonzero(found)
    found[index] = ~_legal(c, r, index)
    count = int(np.count_nonzero(found))
    if count < _OF_ALL * np.count_nonzero(c.differing):  # amid many others they may be what those are
        if count <= _STRAY:
            return np.zeros_like(found)
        found &= ~np.isin(c.got.scales[:, 0], FLOOR_BYTES)
    pair = c.got.codes[:, 0].astype(np.int32) << 8 | c.got.scales[:, 0]
    return found | (c.differing & flat & np.isin(pair, np.unique(pair[found])))


def _legal(c: Case, r: Recipe, index: I64) -> Bool:
    """Return where such codes may be what another legal recipe makes.

    Zeros are legal where the scale is next to zero, by the tensor's amax too, and over values that are small
    for their scale. Who writes nothing leaves scales that are right, zero or one constant.
    """
    if not len(index):
        return np.zeros(0, dtype=np.bool_)
    got, want = c.got.scales[index, 0], c.want.scales[index, 0]
    p = c.source.pick(index)
    by_tensor = np.float64(r.range_max) / np.maximum(p.amaxes["tensor"][:, 0], _TINY)
    base = p.amaxes[BLOCK][:, 0] * np.minimum(encode_scales(r, p), by_tensor) / r.element_max
    one = (got == got[0]).all() or _flat(c.got.codes, r).all()
    left_alone = (got == want)[got != 0].mean() >= _RIGHT if got.any() else False
    right, known = nearest_codes(c, r, index)
    nearest = known & right.all(axis=1) & (got != want)
    overflowed = is_nan(got, r) & (want == saturated_byte(r))  # where the recipe saturates: codes may be any
    return np.asarray(np.where(got == 0, base < _NEAR_ZERO, nearest | overflowed | ~(one | left_alone)))


def _flat(codes: U8, r: Recipe) -> Bool:
    """Return (N,): where all code bytes are the same, or all codes zeros."""
    return np.asarray((codes == codes[:, :1]).all(axis=1) | (_size(codes, r) == 0).all(axis=1))


def _size(codes: U8, r: Recipe) -> U8:
    """Return stored codes without their signs."""
    return codes & _of_every_code((1 << r.element.width - 1) - 1, r)


def _of_every_code(code: int, r: Recipe) -> np.uint8:
    """Return the byte all of whose codes are one."""
    return np.uint8(code | code << r.element.width if r.codes_per_byte > 1 else code)


def nothing_written(c: Case, r: Recipe, flaws: Iterable[Flaw]) -> Outcome | None:
    """Return the blocks in which nothing was written; None where there are none, or a flaw makes them."""
    blocks = constant_blocks(c, r)
    if not blocks.any() or _made_by_one(c, r, blocks, flaws):
        return None
    return outcome(c, r, blocks)


def outcome(c: Case, r: Recipe, blocks: Bool) -> Outcome:
    """Return the outcome for constant blocks."""
    values, scales = np.unique(c.got.codes[blocks]), np.unique(c.got.scales[blocks])
    zeros = bool((_size(values, r) == 0).all())
    shown = ", ".join(f"0x{v:02X}" for v in values[:_SHOWN])
    codes = "every code is zero" if zeros else f"every code byte is {shown}"
    beside = "their scale bytes are not"
    if len(scales) == 1:
        beside = f"every scale byte is 0x{scales[0]:02X}"
    elif (c.got.scales[blocks] == c.want.scales[blocks]).all():
        beside = "their scale bytes are right"
    why = "nothing was written there"
    if zeros:
        why += f", or every scaled value fell below {float(midpoints(r.element.first.format)[0]):g}"
    elif len(values) == 1 and values[0] in _largest(r) and (scales == saturated_byte(r)).all():
        why += ", or every value saturated"
    else:
        why += ", or it was written over"
    return Outcome(FLAG, f"{codes}, {beside}: {why}", blocks)


def _largest(r: Recipe) -> tuple[np.uint8, ...]:
    """Return the bytes whose codes are all the largest, or all the most negative."""
    fmt = r.element.first.format
    return tuple(_of_every_code(int(with_sign(fmt.max_code, minus, fmt)), r) for minus in (False, True))


def _made_by_one(c: Case, r: Recipe, blocks: Bool, flaws: Iterable[Flaw]) -> bool:
    """Return whether one mistake gives these blocks their constant and no other block one."""
    telling = ~blocks & ~_flat(c.want.codes, r)
    if np.count_nonzero(telling) < _LEAST_OTHERS:
        return False
    ours, others = _some(blocks, _SAMPLE), _some(telling, 3 * _SAMPLE)
    for f in flaws:
        steps = steps_with(r, (f,))
        if steps is None or not _gives(c, ours[:1], steps) or not _gives(c, ours, steps):
            continue
        spared = ~_flat(walk(c.source.pick(others), steps).codes, r) | _flat(c.got.codes[others], r)
        if spared.all():
            return True
    return False


def _gives(c: Case, index: I64, steps: Steps) -> bool:
    """Return whether the steps give these blocks; the signs of zeros in blocks of zeros may be others."""
    w = walk(c.source.pick(index), steps)
    got = c.got.pick(index)
    zeros = (_size(w.codes | got.codes, steps.recipe) == 0).all(axis=1)
    right = w.free | zeros | (got.codes == w.codes).all(axis=1)
    return bool((got.same_scale(w.scale) & right).all())


def _some(among: Bool, most: int) -> I64:
    found = np.flatnonzero(among)
    if len(found) <= most:
        return found
    rng = np.random.Generator(np.random.Philox(key=np.array([2, 0xC4EC], dtype=np.uint64)))
    return np.sort(rng.choice(found, most, replace=False))
