"""The oracle's searches: candidate after candidate, and the range that a block keeps (N6, N10, N13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from fos_ref.oracle.errors import block_error, unscaled
from fos_ref.oracle.exact import cast, E4M3, mul, Precision, Value
from fos_ref.oracle.scales import block_scale, number, Source
from fos_ref.recipes.recipe import Recipe
from fos_ref.recipes.searches import Tried

_Kept = TypeVar("_Kept")


def starts(source: Source, r: Recipe) -> Iterator[tuple[Source, Value]]:
    """Yield what each candidate of a search starts from, and its block scale before the cast. N6e, N6g."""
    assert r.search is not None
    for (f,) in r.search.factors:
        amax = mul(source.amax, number(f))
        yield replace(source, amax=amax), block_scale(amax, source.tensor, r.element_max, r)
    for code in r.search.codes:
        yield source, E4M3[code]


def first_least(found: Iterator[tuple[Value, _Kept]], least: Value | None) -> _Kept:
    """Return the first of the least errors; a NaN replaces none, and the first of all stays if none does.

    least: what an error has to be below from the start; None: the first error
    """
    error, kept = next(found)
    if least is None or error < least:
        least = error
    for error, other in found:
        if error < least:
            least, kept = error, other
    return kept


def largest(to: Precision) -> Value:
    """Return the largest finite number of a precision."""
    return to.overflow - (to.overflow >> to.digits)


def widened(source: Source, r: Recipe) -> Source:
    """Return the source with the range that its block keeps in place of its block amax. N6f."""
    if r.search is None or r.search.tried is not Tried.RANGE:
        return source
    to = source.tensor.dtype
    measured = ((block_error(unscaled(s), r, to), s.amax) for s in _ranges(source, r))
    return replace(source, amax=first_least(measured, largest(to)))


def _ranges(source: Source, r: Recipe) -> Iterator[Source]:
    assert r.search is not None
    for factors in r.search.factors:
        amax = source.amax
        for f in factors:
            amax = cast(mul(amax, number(f)), source.tensor.dtype)
        yield replace(source, amax=amax)
