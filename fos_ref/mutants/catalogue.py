"""Mutants: quantizers with one deliberate mistake each, to test a test-suite or a set of vectors.

Each mutant makes one mistake that somebody could make, or has made, in one step of the model. If a suite
passes under a planted mutant, it does not test that step. If vectors pass, they do not cover that mistake.

    from fos_ref.verify.mutants import MUTANTS
    q = MUTANTS["tie-four"].quantize(x)              # what an implementation with this mistake gives
    with MUTANTS["tie-four"].planted():              # the model itself has the mistake in here
        run_my_tests()
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fos_ref.arguments import is_a
from fos_ref.errors import InputError, near
from fos_ref.foreign import shown
from fos_ref.mutants import amax, elements, errors, layout, scales
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.reported import elements as reported_elements
from fos_ref.mutants.reported import layout as reported_layout
from fos_ref.mutants.reported import scales as reported_scales

_FIRST = (layout, amax, scales, elements, errors)
_REPORTED = (reported_layout, reported_scales, reported_elements)
_ALL = [m for part in (*_FIRST, *_REPORTED) for m in part.MUTANTS]
#: name -> mutant, edition by edition in the order of the walk: layout, maxima, scales, elements, choice.
MUTANTS: Mapping[str, Mutant] = MappingProxyType({m.name: m for m in _ALL})
EDITIONS = max(m.edition for m in _ALL)


def of_edition(edition: int) -> Mapping[str, Mutant]:
    """Return the mutants that an edition of the golden vectors added."""
    return {name: m for name, m in MUTANTS.items() if m.edition == edition}


def up_to(edition: int) -> Mapping[str, Mutant]:
    """Return the mutants that an edition of the golden vectors knows."""
    return {name: m for name, m in MUTANTS.items() if m.edition <= edition}


_LONGEST = 100  #: characters of a name that near names are looked for


def mutant(name: str) -> Mutant:
    """Return the mutant called `name`. Raises InputError, with names near it, for another one."""
    if not is_a(name, str) or name not in MUTANTS:
        close = near(name[:_LONGEST], MUTANTS) if is_a(name, str) else []
        some = ", ".join(close or list(MUTANTS)[:3])
        msg = f"no mutant is called {shown(name)}: one of {len(MUTANTS)} is allowed, such as {some}"
        raise InputError(msg)
    return MUTANTS[name]


__all__ = ["MUTANTS", "Mutant", "mutant"]
