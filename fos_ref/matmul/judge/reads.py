"""Mistakes of what is read beside the right codes: past the end of K, code 8, a bias in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.formats.arrays import AnyArray, F64
from fos_ref.matmul.judge.given import Given, product
from fos_ref.matmul.judge.known import Known
from fos_ref.matmul.nearest import FORMS
from fos_ref.matmul.operand import Operand
from fos_ref.storage.layout import unpack_nibbles
from fos_ref.storage.tensor import QuantizedTensor

_TILES = (32, 64, 128, 256)  #: values of K that a kernel reads at once
_EIGHT = 8
_OTHER_EIGHTS = (0.0, -8.0, 8.0)  #: what code 8 was taken for, where it is something else


def flat(x: Operand) -> F64:
    """Return elements times block scales (R, K)."""
    wide = x.values.astype(np.float64) * x.scales.astype(np.float64)[..., None]
    return wide.reshape(len(wide), -1)


def tail_read(k: Known) -> Iterator[Given]:
    """Yield K read up to a whole tile: what follows in memory is the next row. Source: CUTLASS issue 3568."""
    left, right = flat(k.x), flat(k.y)
    columns = left.shape[1]
    for tile in _TILES:
        more = -columns % tile
        if not more or more > columns:
            continue
        sums, size = product(*(np.concatenate([m, _behind(m, more)], axis=1) for m in (left, right)))
        says = f"{more} columns past the end of K are read from the next row"
        yield Given("TailRead", says, k.alpha * sums, np.abs(k.alpha) * size)


def _behind(rows: F64, more: int) -> F64:
    """Return what stands behind each row: the beginning of the next one, zeros behind the last."""
    found = np.zeros((len(rows), more))
    found[:-1] = rows[1:, :more]
    return found


def code_eight(k: Known) -> Iterator[Given]:
    """Yield code 8 taken for another number, 0, -8 or 8, in one operand or in both."""
    right = flat(k.x), flat(k.y)
    for value in _OTHER_EIGHTS:
        wrong = [_with_eight(q, x, value) for q, x in ((k.a, k.x), (k.b, k.y))]
        for sides, words in (((1, 0), "of a"), ((0, 1), "of b"), ((1, 1), "of a and b")):
            if not all(wrong[i][0] for i, side in enumerate(sides) if side):
                continue
            left, other = (wrong[i][1] if side else right[i] for i, side in enumerate(sides))
            sums, size = product(left, other)
            yield Given(
                "CodeEight", f"code 8 {words} counts as {value:g}", k.alpha * sums, np.abs(k.alpha) * size
            )


def _with_eight(q: QuantizedTensor, x: Operand, value: float) -> tuple[bool, F64]:
    """Return whether a code 8 is there that counts otherwise, and the row with `value` in its place."""
    wide = x.values.astype(np.float64)
    if not q.recipe.element.packed or q.recipe.element.second is not None:
        return False, flat(x)
    eight = _codes(q, x) == _EIGHT
    changed = bool(np.any(wide[eight] != value))
    wide[eight] = value
    return changed, (wide * x.scales.astype(np.float64)[..., None]).reshape(len(wide), -1)


def _codes(q: QuantizedTensor, x: Operand) -> AnyArray:
    codes = unpack_nibbles(q.codes.reshape(-1, q.codes.shape[-1])[: len(x.values)])
    return codes.reshape(x.values.shape)


def bias(values: F64, k: Known, name: str) -> Iterator[str]:
    """Yield that one number for each column was added, and what it would be before alpha and after."""
    if len(values) < 2 or not np.isfinite(values).all() or not np.isfinite(k.sums).all():  # noqa: PLR2004
        return
    rest = values - k.alpha * k.sums
    middle = np.median(rest, axis=0)
    rounding = 2.0 ** -FORMS[name].digits * (np.abs(values) + np.abs(middle))
    allowed = 4 * rounding + np.abs(k.alpha) * k.any_order()
    if np.all(np.abs(rest - middle) <= allowed) and np.any(np.abs(middle) > 4 * allowed.max(axis=0)):
        alpha = float(np.ravel(k.alpha)[0])
        first = int(np.argmax(np.abs(middle)))
        before, after = middle[first] / alpha, middle[first]
        yield (
            "BiasBeforeScale: one number a column was added; "
            f"in column {first} it is {before:.6g} before alpha, {after:.6g} after it"
        )
