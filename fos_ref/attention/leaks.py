"""Where a causal function looks ahead: change one token, and see which earlier outputs move a bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.arguments import function, whole
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import foreign
from fos_ref.formats.arrays import AnyArray, Bool

NAMES = ("q", "k", "v")
_LARGE = 0.5  #: of an output: a new block scale moves more, another choice of one less
_PERIODS = (8, 16, 32, 64, 128)
_SEED = 2026


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeakReport:
    """What `leaks` found. It is true if something leaks."""

    leaks: bool
    pairs: int  #: pairs (i, j), i < j, with an output i that depends on token j of q, k or v
    reach: int  #: the largest j - i of them; 0 for none
    kind: str | None  #: "block-scale" | "tensor-amax" | "mean" | "choice" | None
    period: int | None  #: tokens in a block where every pair lies in one; None else
    by_tensor: Mapping[str, Bool]  #: q, k, v -> (T, T): True at (i, j) where output i depends on token j
    largest: float  #: the largest change of an output row, over its magnitude

    def __bool__(self) -> bool:
        """Return `leaks`."""
        return self.leaks

    def __str__(self) -> str:
        if not self.leaks:
            return "no leak: no output depends on a later token"
        each = ", ".join(f"{name} {int(m.sum()):,}" for name, m in self.by_tensor.items())
        blocks = f", in blocks of {self.period}" if self.period else ""
        return (
            f"leak by {self.kind}: {self.pairs:,} pairs (q, k, v: {each}), reach {self.reach}{blocks}, "
            f"up to {self.largest:.2g} of an output"
        )


def leaks(
    f: Callable[[Any, Any, Any], Any], q: Any, k: Any, v: Any, *, tokens: Iterable[int] | None = None
) -> LeakReport:
    """Return which outputs of a causal function f(q, k, v) depend on later tokens.

    tokens:   the tokens j that are changed; None: all
    Shapes:   q, k, v (..., T, d) with one T; f gives (..., T, dv)
    Dtypes:   float32, float16 or bfloat16; f gets arrays of the same kind, and gives any array of floats
    Method:   token j of one tensor is multiplied by 64, set to 0, drawn anew, negated and multiplied by 1.01;
              bits of the outputs before j are compared with those of the unchanged call.
    Kinds:    "mean": a change of sign moves earlier outputs, as sums of tokens do; scales and choices are
              made of magnitudes. Else "tensor-amax": pairs reach across blocks. Else every pair lies in a
              block: "block-scale", or "choice" where no output changes by more than half of itself. The
              tokens of the first block tell these two apart best: nothing else is in their outputs.
    Raises:   InputError where f gives other bits for the same input, or is no function; ShapeError and
              DtypeError for arrays that do not fit; what f raises, as an InputError.
    Source:   docs/products.md, "Attention".
    """
    function(f, "f")
    given = {name: _array(x, name) for name, x in zip(NAMES, (q, k, v), strict=True)}
    length = given["q"].shape[-2]
    if len({x.shape[-2] for x in given.values()}) != 1:
        msg = f"q, k, v of {[x.shape for x in given.values()]}: one number of tokens is allowed"
        raise ShapeError(msg)
    wanted = range(length) if tokens is None else [whole(j, "token", most=length - 1) for j in tokens]
    base = _call(f, given, length)
    if _moved(base, _call(f, given, length)).any():
        msg = "f gives other bits for the same input: one that is determined is allowed"
        raise InputError(msg)
    return _found(f, given, base, wanted)


def _array(x: Any, name: str) -> AnyArray:
    found = as_numpy(x)
    if found.dtype.name not in ("float32", "float16", "bfloat16"):
        msg = f"{name} of dtype {found.dtype}: float32, float16 or bfloat16 is allowed"
        raise DtypeError(msg)
    if found.ndim < 2 or not found.shape[-2]:  # noqa: PLR2004
        msg = f"{name} of shape {found.shape}: (..., tokens, d) is allowed"
        raise ShapeError(msg)
    return found


def _call(f: Callable[[Any, Any, Any], Any], given: Mapping[str, AnyArray], length: int) -> AnyArray:
    """Return the output with the tokens first, (T, ...)."""
    with foreign("f", "a function of q, k and v that gives an array is allowed"):
        out = np.asarray(f(*(x.copy() for x in given.values())))
    if out.ndim < 2 or out.shape[-2] != length:  # noqa: PLR2004
        msg = f"f gives shape {out.shape}: (..., {length}, dv) is allowed"
        raise ShapeError(msg)
    return np.moveaxis(out, -2, 0).reshape(length, -1)


def _moved(x: AnyArray, y: AnyArray) -> Bool:
    """Return (T,): where any bit of a row differs."""
    width = x.dtype.itemsize
    bits = [np.ascontiguousarray(a).view(np.uint8).reshape(len(a), -1) for a in (x, y)]
    assert bits[0].shape == bits[1].shape, width
    moved: Bool = np.any(bits[0] != bits[1], axis=1)
    return moved


def _changes(x: AnyArray, j: int) -> Iterator[tuple[str, AnyArray]]:
    """Yield (kind, x with another token j)."""
    token = x[..., j, :].astype(np.float32)
    drawn = np.random.default_rng([_SEED, j]).normal(size=token.shape).astype(np.float32)
    kinds = (
        ("times 64", token * np.float32(64)),
        ("zero", np.zeros_like(token)),
        ("drawn", drawn),
        ("negated", -token),
        ("times 1.01", token * np.float32(1.01)),
    )
    for kind, new in kinds:
        changed = x.copy()
        changed[..., j, :] = new.astype(x.dtype)
        yield kind, changed


def _found(
    f: Callable[[Any, Any, Any], Any],
    given: Mapping[str, AnyArray],
    base: AnyArray,
    wanted: Iterable[int],
) -> LeakReport:
    length = len(base)
    matrices = {name: np.zeros((length, length), dtype=np.bool_) for name in NAMES}
    odd, largest = False, 0.0
    for j in (j for j in wanted if j):  # nothing is before the first
        for name in NAMES:
            for kind, changed in _changes(given[name], j):
                out = _call(f, {**given, name: changed}, length)
                moved = _moved(base[:j], out[:j])
                matrices[name][:j, j] |= moved
                odd |= kind == "negated" and bool(moved.any())
                largest = max(largest, _change(base[:j], out[:j]))
    return _report(matrices, odd=odd, largest=largest)


def _change(x: AnyArray, y: AnyArray) -> float:
    """Return the largest change of an output row over the larger of its two magnitudes: 0 to 2."""
    with np.errstate(all="ignore"):
        before, after = (np.nan_to_num(a.astype(np.float64)) for a in (x, y))
        apart, size = (
            np.max(np.abs(a), axis=1, initial=0.0)
            for a in (before - after, np.maximum(np.abs(before), np.abs(after)))
        )
    return float(np.max(apart / np.where(size > 0, size, 1), initial=0.0))


def _report(matrices: dict[str, Bool], *, odd: bool, largest: float) -> LeakReport:
    any_tensor = np.logical_or.reduce(list(matrices.values()))
    rows, columns = np.nonzero(any_tensor)
    inside = [p for p in _PERIODS if p < len(any_tensor) and np.array_equal(rows // p, columns // p)]
    period = inside[0] if len(rows) and inside else None
    kind = None
    if len(rows):
        in_blocks = "block-scale" if largest > _LARGE else "choice"
        kind = "mean" if odd else "tensor-amax" if period is None else in_blocks
    return LeakReport(
        leaks=bool(len(rows)),
        pairs=len(rows),
        reach=int(np.max(columns - rows, initial=0)),
        kind=kind,
        period=period,
        by_tensor=MappingProxyType(matrices),
        largest=largest,
    )
