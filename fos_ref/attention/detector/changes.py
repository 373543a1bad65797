"""How a token is changed, and what a change of earlier outputs says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from fos_ref.attention.detector.subject import bits, moved, Subject, with_token
from fos_ref.formats.arrays import AnyArray, Bool, F32

_SEED = 2026
NEGATED = "negated"
_HUGE = 20  #: binary orders; what a scale of such a token leaves of its neighbours is nothing


def changes(x: AnyArray, j: int) -> Iterator[tuple[str, AnyArray]]:
    """Yield (kind, x with another token j): times 64, huge, zero, drawn anew, negated, times 1.01."""
    token = x[..., j, :].astype(np.float32)
    drawn = np.random.default_rng([_SEED, j]).normal(size=token.shape).astype(np.float32)
    kinds = (
        ("times 64", token * np.float32(64)),
        ("huge", token * _huge(token, x.dtype)),
        ("zero", np.zeros_like(token)),
        ("drawn", drawn),
        (NEGATED, -token),
        ("times 1.01", token * np.float32(1.01)),
    )
    for kind, new in kinds:
        yield kind, with_token(x, j, new)


def _huge(token: F32, dtype: np.dtype) -> np.float32:
    """Return 2^20, or the largest power of two that keeps the token in a quarter of its dtype's range."""
    largest = np.max(np.abs(np.where(np.isfinite(token), token, np.float32(0))), initial=0.0)
    top = 16 if dtype == np.float16 else 128  # binary orders of the dtype
    room = top - 2 - int(np.frexp(np.maximum(largest, np.float32(1)))[1])
    return np.float32(2.0 ** min(_HUGE, max(0, room)))


@dataclass(slots=True, eq=False)
class Moves:
    """What changes of one tensor have shown."""

    pairs: Bool  #: (T, T)
    odd: bool = False  #: a change of sign moved an earlier output
    largest: float = 0.0  #: change of a row over its magnitude


@dataclass(slots=True, eq=False)
class Seen:
    """What the changes have shown so far."""

    length: int
    names: tuple[str, ...]
    moves: dict[str, Moves] = field(init=False)
    bit: int = -1  #: the highest that differed, 0 for the last
    width: int = 0  #: bits of an output
    worst: tuple[str, int, int] | None = None  #: (tensor, i, j) of the largest change

    def __post_init__(self) -> None:
        """Make the empty matrices."""
        shape = (self.length, self.length)
        self.moves = {n: Moves(np.zeros(shape, dtype=np.bool_)) for n in self.names}

    @property
    def largest(self) -> float:
        """Return the largest change of a row over its magnitude, by any tensor."""
        return max(m.largest for m in self.moves.values())

    def add(self, name: str, j: int, kind: str, base: AnyArray, out: AnyArray) -> None:
        """Take the outputs (T, n) before and after a change of token j of one tensor."""
        hit = moved(base[:j], out[:j])
        if not hit.any():
            return
        found = self.moves[name]
        found.pairs[:j, j] |= hit
        found.odd |= kind == NEGATED
        self.width = 8 * base.dtype.itemsize
        self.bit = max(self.bit, int(np.max(bits(base[:j]) ^ bits(out[:j]))).bit_length() - 1)
        sizes = np.where(hit, relative(base[:j], out[:j]), -1.0)
        at = int(np.argmax(sizes))
        if self.worst is None or sizes[at] > self.largest:
            self.worst = (name, at, j)
        found.largest = max(found.largest, float(sizes[at]))


def relative(x: AnyArray, y: AnyArray) -> AnyArray:
    """Return (T,): the largest change of an output row over the larger of its two magnitudes, 0 to 2."""
    with np.errstate(all="ignore"):
        before, after = (np.nan_to_num(a.astype(np.float64)) for a in (x, y))
        apart, size = (
            np.max(np.abs(a), axis=1, initial=0.0)
            for a in (before - after, np.maximum(np.abs(before), np.abs(after)))
        )
        found: AnyArray = np.nan_to_num(apart / np.where(size > 0, size, 1))
    return found


def probe(s: Subject, name: str, j: int) -> Iterator[tuple[str, AnyArray]]:
    """Yield (kind, output) for every change of token j of one tensor."""
    for kind, changed in changes(s.given[name], j):
        yield kind, s.call({name: changed})
