"""Planting a mistake: for a while, every module of the model finds another object where it held one.

A step is reached through a name of its module or through a table (a read-only mapping, imported by name into
several modules). Both are attributes of a module, so one operation plants everything: where a module holds
`old`, it holds `new` instead. Afterwards every `new` is `old` again.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.errors import InputError
from fos_ref.formats.arrays import F32
from fos_ref.model.quantize import (
    given_encode_scale,
    given_tensor_scale,
    quantize_matrix,
    tensor_scales,
)
from fos_ref.model.trace import Scales, Trace
from fos_ref.recipes.recipe import Recipe

#: Not planted in: the mutants, which call what they replace, and the compiled engine, a model of its own.
_SPARED = ("fos_ref.mutants", "fos_ref.fast")
_LOCK = threading.RLock()


@dataclass(frozen=True, slots=True, eq=False)
class Swap:
    """`new` in place of `old`, in every module of the package that holds it."""

    old: Any
    new: Any


def entry(table: Mapping[Any, Any], entries: Mapping[Any, Any]) -> Swap:
    """Return the swap that gives some keys of a step table another function."""
    return Swap(table, MappingProxyType({**table, **entries}))


def step(old: Callable[..., Any], wrap: Callable[..., Any]) -> Swap:
    """Return the swap that puts `wrap(old)` in place of a step function."""
    return Swap(old, wrap(old))


def read_as(change: Callable[[Recipe], Recipe]) -> tuple[Swap, ...]:
    """Return the swaps under which the model reads each recipe r as `change(r)`."""

    def walk(x: F32, scales: Scales, r: Recipe, *random: Any) -> Trace:
        return replace(quantize_matrix(x, scales, change(r), *random), recipe=r)

    return (
        Swap(tensor_scales, lambda amax, r, *dtype: tensor_scales(amax, change(r), *dtype)),
        Swap(given_tensor_scale, lambda decode, r, *dtype: given_tensor_scale(decode, change(r), *dtype)),
        Swap(given_encode_scale, lambda encode, r, *dtype: given_encode_scale(encode, change(r), *dtype)),
        Swap(quantize_matrix, walk),
    )


@contextmanager
def planted(swaps: Sequence[Swap]) -> Iterator[None]:
    """Keep the swaps in place inside the `with` block. The whole process sees them; one block at a time.

    Raises: InputError where no module holds what a swap would replace, so that nothing would be planted.
    """
    with _LOCK:
        done: list[Swap] = []
        try:
            for s in swaps:
                if not _exchange(s.old, s.new):
                    msg = f"{_called(s.old)} is not in place: one planted mutant at a time is allowed"
                    raise InputError(msg)
                done.append(s)
            yield
        finally:
            for s in reversed(done):
                _exchange(s.new, s.old)


def _exchange(old: Any, new: Any) -> int:
    """Replace `old` by `new` wherever it is held; return in how many places."""
    held = [(o, name) for o in _holders() for name, value in vars(o).copy().items() if value is old]
    for owner, name in held:
        setattr(owner, name, new)
    return len(held)


def _holders() -> list[Any]:
    """Return the modules of the package, and the class whose methods are steps."""
    own = [(name, m) for name, m in list(sys.modules.items()) if name.startswith("fos_ref")]
    modules = [m for name, m in own if _is_own(name)]
    return [*modules, NumpyEngine]


def _is_own(name: str) -> bool:
    return name.partition(".")[0] == "fos_ref" and not name.startswith(_SPARED)


def _called(thing: Any) -> str:
    keys = [str(k) for k in thing] if isinstance(thing, Mapping) else []
    return f"the table of {', '.join(keys)}" if keys else f"{getattr(thing, '__name__', thing)}"
