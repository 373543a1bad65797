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

from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.mutants import amax, elements, errors, layout, scales
from fos_ref.mutants.mutant import Mutant

_ALL = [m for part in (layout, amax, scales, elements, errors) for m in part.MUTANTS]
#: name -> mutant, in the order of the walk: layout, maxima, scales, elements, choice.
MUTANTS: Mapping[str, Mutant] = MappingProxyType({m.name: m for m in _ALL})


def mutant(name: str) -> Mutant:
    """Return the mutant called `name`. Raises InputError, which lists all names, for another one."""
    if not isinstance(name, str) or name not in MUTANTS:
        msg = f"no mutant is called {shown(name)}: one of {', '.join(MUTANTS)} is allowed"
        raise InputError(msg)
    return MUTANTS[name]


__all__ = ["MUTANTS", "Mutant", "mutant"]
