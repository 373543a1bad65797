"""The function that is examined and its arrays: what is handed to it, what it gives back, what it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.arguments import function
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import foreign, no_exit
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.storage.hosted import Door, on_host

NAMES = ("q", "k", "v")
_TAKEN = ("float32", "float16", "bfloat16")
_AXES = 2  #: tokens and channels
_OUT = Door(
    kinds="a NumPy array, a torch, CuPy or JAX array, or a DLPack object",
    dtypes=(*_TAKEN, "float64"),
    allowed="float32, float16, bfloat16 or float64 is allowed",
)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A function and the arrays that it is called with, by name: q, k, v, or x alone."""

    f: Callable[..., Any]
    given: Mapping[str, AnyArray]

    @property
    def length(self) -> int:
        """Return the number of tokens."""
        return int(next(iter(self.given.values())).shape[-2])

    def call(self, changed: Mapping[str, AnyArray] | None = None) -> AnyArray:
        """Return the output (..., T, dv) for copies of the arrays, some of them changed."""
        arrays = {**self.given, **(changed or {})}
        length = next(iter(arrays.values())).shape[-2]
        return self._called([x.copy() for x in arrays.values()], length)

    def written(self) -> tuple[str, ...]:
        """Return the names of the arrays that the function changes in place."""
        copies = {name: x.copy() for name, x in self.given.items()}
        self._called(list(copies.values()), self.length)
        return tuple(n for n, x in copies.items() if moved(rows(x), rows(self.given[n])).any())

    def _called(self, arrays: list[AnyArray], length: int) -> AnyArray:
        what = "q, k and v" if len(arrays) > 1 else "x"
        allowed = f"a function of {what} that gives an array is allowed"
        with foreign("f", allowed), no_exit("f", allowed), np.errstate(all="ignore"):
            out = on_host(self.f(*arrays), "the output of f", _OUT)
        if out.ndim < _AXES or out.shape[-2] != length:
            msg = f"f gives shape {out.shape}: (..., {length}, dv) is allowed"
            raise ShapeError(msg)
        return out


def subject(f: Callable[..., Any], q: Any, k: Any, v: Any) -> Subject:
    """Return the subject: f(q, k, v), or f(q) where neither k nor v is given; it gives the same bits twice.

    Raises: InputError where f is no function, where one of k and v is missing, or where f gives other bits
            for the same input; ShapeError and DtypeError for arrays that do not fit.
    """
    function(f, "f")
    if (k is None) is not (v is None):
        msg = "one of k and v without the other: both, or neither for a function of x, are allowed"
        raise InputError(msg)
    given = {"x": q} if k is None else dict(zip(NAMES, (q, k, v), strict=True))
    made = Subject(f, {name: _array(x, name) for name, x in given.items()})
    if len({x.shape[-2] for x in made.given.values()}) != 1:
        msg = f"q, k, v of {[x.shape for x in made.given.values()]}: one number of tokens is allowed"
        raise ShapeError(msg)
    return made


def determined(s: Subject) -> AnyArray:
    """Return the output for the arrays as they are, if two calls give the same bits; InputError else."""
    base = s.call()
    if differ(base, s.call()):
        msg = "f gives other bits for the same input: one that is determined is allowed"
        raise InputError(msg)
    return base


def _array(x: Any, name: str) -> AnyArray:
    found = as_numpy(x)
    if found.dtype.name not in _TAKEN:
        msg = f"{name} of dtype {found.dtype}: float32, float16 or bfloat16 is allowed"
        raise DtypeError(msg)
    if found.ndim < _AXES or not found.size:
        msg = f"{name} of shape {found.shape}: (..., tokens, d) is allowed"
        raise ShapeError(msg)
    return found


def rows(x: AnyArray) -> AnyArray:
    """Return (T, n): what each token has, over all other axes."""
    return np.ascontiguousarray(np.moveaxis(x, -2, 0)).reshape(x.shape[-2], -1)


def moved(x: AnyArray, y: AnyArray) -> Bool:
    """Return (T,): where any bit of a row differs; both (T, n)."""
    differs: Bool = np.any(bits(x) != bits(y), axis=1)
    return differs


def bits(x: AnyArray) -> AnyArray:
    """Return the bits of (T, n) floats as unsigned whole numbers of their width."""
    return np.ascontiguousarray(x).view(np.dtype(f"u{x.dtype.itemsize}"))


def differ(x: AnyArray, y: AnyArray) -> bool:
    """Return whether two outputs differ in shape, dtype or any bit."""
    return x.shape != y.shape or x.dtype != y.dtype or bool(moved(rows(x), rows(y)).any())


def with_token(x: AnyArray, j: int, new: AnyArray) -> AnyArray:
    """Return x (..., T, d) with another token j, cast to the dtype of x; what overflows is infinite."""
    changed = x.copy()
    with np.errstate(over="ignore"):
        changed[..., j, :] = new.astype(x.dtype)
    return changed
