"""Which readings have something for them: codes or scale bytes that fit better than in the layout asked for.

A reading that fits no better is not tried: a few mistakes at once make something of any bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.names import encode_scales
from fos_ref.check.evidence.tensor_scale import solve
from fos_ref.formats.arrays import I64
from fos_ref.recipes.recipe import Recipe

_OF_BLOCKS = ("Transposed", "RowPermutation", "StridesIgnored")
_OF_CODES = ("NibbleOrder", *_OF_BLOCKS)
_OF_SCALES = ("ScaleLayout", "ScaleTransposed")
_TIMES, _PLUS = 1.2, 0.005  #: as many equal code bytes, for codes to fit better,
_REST = 0.8  #: or as many that are not
_MORE = 0.05  #: of the scale bytes, for scales to fit better
_FEW = 1 << 11  #: blocks that are looked at


def better_than_the_first(cases: Sequence[Case], r: Recipe) -> list[Case]:
    """Return the first reading and those that fit better; all of them where the first is no more likely."""
    first, cases = cases[0], _once(cases)
    if first.flags:
        return cases
    own = _scales_fit(first, r)
    return [first, *(c for c in cases[1:] if _better(c, first, own, r))]


def _better(c: Case, first: Case, own: float, r: Recipe) -> bool:
    """Return whether what a reading moves fits better; where it moves codes and scales alike, one of both."""
    if set(c.flags) & set(_OF_BLOCKS) and _scales_fit(c, r) > own + _MORE:
        return True
    return _codes_better(c, first) and _scales_better(c, own, r)


def _once(cases: Sequence[Case]) -> list[Case]:
    """Return the readings without those that read the very bytes of an earlier one."""
    kept: dict[tuple[int, int, int], Case] = {}
    for c in cases:
        codes, scales = (hash(np.ascontiguousarray(a).tobytes()) for a in (c.got.codes, c.got.scales))
        kept.setdefault((id(c.source), codes, scales), c)
    return list(kept.values())


def _codes_better(c: Case, first: Case) -> bool:
    if not set(c.flags) & set(_OF_CODES):
        return True
    rest = 1 - c.alike < _REST * (1 - first.alike)
    return rest or c.alike > _TIMES * first.alike + _PLUS


def _scales_better(c: Case, own: float, r: Recipe) -> bool:
    return not set(c.flags) & set(_OF_SCALES) or _scales_fit(c, r) > own + _MORE


def _scales_fit(c: Case, r: Recipe) -> float:
    """Return the share of scale bytes that are off by one constant, or none, or follow one tensor scale."""
    some = _some(c)
    if not len(some):
        return 0.0
    off = c.got.scales[some, 0].astype(np.int64) - c.want.scales[some, 0]
    modal = np.bincount(off + 0xFF).max() / len(some)
    expected = float(encode_scales(r, c.source.pick(some[:1]))[0])
    solved = solve(c, r, expected, some)
    return max(float(modal), 0.0 if solved is None else solved.share)


def _some(c: Case) -> I64:
    """Return positions of blocks whose scale byte is known, spread over all of them."""
    found = np.flatnonzero(c.got.seen)
    return found[:: max(1, len(found) // _FEW)]
