"""Flaws of flushing: what -ftz=true does to one part of the walk, or to all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.formats.arrays import F32
from fos_ref.recipes.recipe import Recipe

_TINY = np.finfo(np.float32).tiny


def flushed(x: F32) -> F32:
    """Return x with subnormals as zeros of their sign."""
    return np.where(np.abs(x) < _TINY, np.copysign(np.float32(0), x), x).astype(np.float32)


class Flushing(np.ndarray[Any, Any]):
    """A float32 array whose every operation flushes what it takes and what it gives."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Return the operation's result, flushed; other dtypes pass."""
        result = getattr(ufunc, method)(*[_flush(_plain(i)) for i in inputs], **kwargs)
        return _flush(result).view(Flushing) if isinstance(result, np.ndarray) else result


def _flush(v: Any) -> Any:
    is_float32 = isinstance(v, (np.ndarray, np.generic)) and v.dtype == np.float32
    return flushed(np.asarray(v)) if is_float32 else v


def _plain(v: Any) -> Any:
    return np.asarray(v) if isinstance(v, Flushing) else v


def _dressed(v: Any) -> Any:
    """Return an argument of a step with its float32 arrays flushing."""
    if isinstance(v, np.ndarray) and v.dtype == np.float32:
        return v.view(Flushing)
    if is_dataclass(v) and not isinstance(v, (Recipe, type)):
        arrays = {f.name: _dressed(getattr(v, f.name)) for f in fields(v)}
        return replace(v, **arrays)
    return v


def _undressed(v: Any) -> Any:
    if isinstance(v, tuple):
        return tuple(map(_undressed, v))
    return _flush(_plain(v)) if isinstance(v, np.ndarray) else v


def _flushing(old: Any) -> Any:
    return lambda *given: _undressed(old(*map(_dressed, given)))


def _scales_flushed(old: Any) -> Any:
    def scales(t: Any) -> Any:
        t = old(t)
        return replace(t, encode=flushed(t.encode), decode=flushed(t.decode))

    return scales


_X: Wrap = lambda old: lambda x: flushed(old(x))  # noqa: E731
_PARTS: Mapping[str, Mapping[str, Wrap]] = MappingProxyType(
    {
        "everywhere": {
            "x": _X,
            "tensor": _flushing,
            "scales": _scales_flushed,
            "base": _flushing,
            "scaling": _flushing,
            "difference": _flushing,
            "total": _flushing,
        },
        "in the input": {"x": _X},
        "in the tensor scales": {"tensor": _flushing, "scales": _scales_flushed},
        "in the block scale": {"base": _flushing},
        "where elements are scaled": {"scaling": _flushing},
        "in the error": {"difference": _flushing, "total": _flushing},
        "in the squares and their sum": {"total": _flushing},
        "in both scales and the elements": {
            "tensor": _flushing,
            "scales": _scales_flushed,
            "base": _flushing,
            "scaling": _flushing,
        },
    }
)


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield one flaw per part of the walk that may flush."""
    for where, wraps in _PARTS.items():
        if r.chooses or not set(wraps) <= {"difference", "total"}:
            yield Flaw("FlushToZero", f"subnormals are flushed {where}", wraps=wraps)
