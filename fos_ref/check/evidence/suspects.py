"""The tensor scales to try: those with a name that the scale bytes allow, or the one solved from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.evidence.names import constant, encode_scales, Named, named
from fos_ref.check.evidence.refined import refined
from fos_ref.check.evidence.some import some_of
from fos_ref.check.evidence.tensor_scale import Bounds, bounds, FOLLOWS, SAMPLE, solve, Solved
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.flaws.flaw import Flaw
from fos_ref.check.population import Population
from fos_ref.check.subject import Subject
from fos_ref.formats.arrays import AnyArray, F64, I64
from fos_ref.model.scales import FLT_MAX
from fos_ref.recipes.recipe import Recipe

_GLANCE = 1 << 11  #: blocks of a reading that are looked at first
_AS_GOOD = 0.002  #: of the blocks, that a name may miss beside the best
_ROUNDED = ("bfloat16", "float16")  #: names that may be so near that no scale byte tells
#: Flags of mistakes by which the whole tensor has another tensor scale.
_KNOWN = ("Bound", "AmaxPrecision", "TensorScaleInverted")
_NAMES = 4  #: names that are tried: the more usual ones


@dataclass(frozen=True, slots=True)
class Suspects:
    """What the scale bytes of a reading say about the tensor scale."""

    expected: float | None  #: None where rows have their own
    solved: Solved | None
    other: bool  #: whether the bytes follow another one
    names: tuple[Named, ...] = ()  #: that the bytes allow
    known: tuple[Flaw, ...] = ()  #: mistakes with flags of their own that give such a scale
    unnamed: Flaw | None = None

    @property
    def every(self) -> tuple[Flaw, ...]:
        """The mistakes that the bytes allow, the less usual names among them."""
        return (*self.flaws, *(n.flaw for n in self.names[_NAMES:]))

    @property
    def flaws(self) -> tuple[Flaw, ...]:
        """The mistakes to try."""
        unnamed = () if self.unnamed is None else (self.unnamed,)
        return (*self.known, *(n.flaw for n in self.names[:_NAMES]), *unnamed)


def suspects(c: Case, r: Recipe, x: AnyArray) -> Suspects:
    """Return the tensor scales that a reading's scale bytes allow."""
    some = some_of(c.source.size, SAMPLE)
    p = c.source.pick(some)
    own = encode_scales(r, p)
    alike = bool(len(own)) and bool(np.isfinite(own[0])) and bool((own == own[0]).all())
    expected = float(own[0]) if alike else None
    solved = solve(c, r, expected)
    b = bounds(c, r, some, "nearest" if solved is None else solved.rounding)
    if b is None or not len(b.index):
        return Suspects(expected, solved, other=False)
    at = np.searchsorted(some, b.index)
    as_is = b.share(own[at])
    shares = {n: _share(b, r, p, at, own, n.flaw) for n in named(r, x)}
    best = max(as_is, 0.0 if solved is None else solved.share, *shares.values())
    open_ = not np.isfinite(b.high).any()  # every block saturates: nothing bounds S from above
    other = as_is < 1 if open_ else best > as_is + _AS_GOOD and (solved is not None or best >= FOLLOWS)
    least = 1.0 if open_ else best - _AS_GOOD
    found = [n for n, share in shares.items() if share >= least]
    known = tuple(f for f in catalogue(r) if f.flag in _KNOWN and _share(b, r, p, at, own, f) >= least)
    if not other:
        near = tuple(n for n in found if n.name in _ROUNDED) if solved is not None and solved.follows else ()
        return Suspects(expected, solved, other=False, names=near, known=known if near else ())
    if found or known or solved is None:
        return Suspects(expected, solved, other=True, names=tuple(found), known=known)
    if solved.high > float(FLT_MAX):
        return Suspects(expected, solved, other=False)
    return Suspects(expected, solved, other=True, unnamed=constant(refined(c, r, solved)))


def _share(b: Bounds, r: Recipe, p: Population, at: I64, own: F64, f: Flaw) -> float:  # noqa: PLR0917
    """Return the share of blocks that allow the tensor scale of a mistake; 0 where it is the recipe's own."""
    s = encode_scales(r, p, (f,))
    return 0.0 if np.array_equal(s, own) or not np.isfinite(s).all() else b.share(s[at])


def suspects_of(cases: Sequence[Case], s: Subject) -> dict[int, Suspects]:
    """Return by id of a reading what its scale bytes say: of the first, and where nearly all agree."""
    found: dict[int, Suspects] = {}
    known: dict[tuple[int, bytes], Suspects] = {}
    read: dict[tuple[int, bytes], Case] = {}  #: whose codes it was told by
    for i, c in enumerate(cases):
        few = some_of(c.source.size, _GLANCE)
        same = (id(c.source), c.got.scales[few, 0].tobytes() + c.got.seen[few].tobytes())
        if same not in known:
            worth = i == 0 or _glance(c, s.recipe, few)
            known[same] = suspects(c, s.recipe, s.x) if worth else Suspects(None, None, other=False)
            read[same] = c
        found[id(c)] = told = known[same]
        if told.unnamed is not None and told.solved is not None and c is not read[same]:
            found[id(c)] = replace(told, unnamed=constant(refined(c, s.recipe, told.solved)))
    return found


def _glance(c: Case, r: Recipe, few: AnyArray) -> bool:
    """Return whether a few scale bytes follow a tensor scale, and not the recipe's."""
    own = encode_scales(r, c.source.pick(few[:1]))
    solved = solve(c, r, float(own[0]), few)
    return solved is not None and solved.follows
