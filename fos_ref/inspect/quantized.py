"""Two quantized files beside each other: the bytes of each weight, and the values that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fos_ref.formats.arrays import U8
from fos_ref.inspect.layout import LayoutVotes
from fos_ref.inspect.originals import renamed
from fos_ref.inspect.plain import read_plainly, votes_of
from fos_ref.inspect.problems import Kind
from fos_ref.inspect.reading import decoded, factor_of, usable
from fos_ref.inspect.weight import Compared, WeightFound
from fos_ref.storage.held import Held
from fos_ref.storage.held_bytes import codes_of, linear, Readable, row_chunks, scales_of


@dataclass(slots=True)
class Beside:
    """The comparison with another quantized file."""

    file: Readable
    other: Readable
    theirs: Mapping[str, Held]
    votes: LayoutVotes
    renames: Sequence[tuple[str, str]]
    said: list[tuple[Kind, str, str]] = field(default_factory=list)

    def compare(self, found: WeightFound) -> str | None:
        """Count equal blocks of a weight; return why it cannot be compared."""
        held = found.held
        other = self.theirs.get(renamed(held.name, self.renames))
        if other is None:
            return "the other file has no weight of this name"
        if (other.shape, other.block) != (held.shape, held.block):
            theirs_is = f"it is {list(other.shape)} in blocks of {other.block} there"
            return f"{theirs_is}: {list(held.shape)} in blocks of {held.block} fits"
        twin = read_plainly(self.other, other, self.votes, lambda _: None)
        equal, error, power = 0, 0.0, 0.0
        mine, theirs = (_scales(f, w) for f, w in ((self.file, found), (self.other, twin)))
        first: slice | None = None
        for rows in row_chunks(held):
            a, b = (_codes(f, w, rows) for f, w in ((self.file, found), (self.other, twin)))
            same = (a == b).reshape(*mine[rows].shape, -1).all(axis=-1) & (mine[rows] == theirs[rows])
            equal += int(np.count_nonzero(same))
            first = rows if first is None and not same.all() else first
            x = decoded(b, theirs[rows], other) * factor_of(twin.stored, twin.reading.form)
            y = decoded(a, mine[rows], held) * factor_of(found.stored, found.reading.form)
            error, power = error + float(((x - y) ** 2).sum()), power + float((x * x).sum())
        off = (error / power) ** 0.5 if power else 0.0
        found.blocks, found.equal = held.blocks, equal
        found.compared = Compared(blocks=held.blocks, equal={}, owners={}, error=off)
        if equal < held.blocks:
            self.said.append(
                (Kind.BLOCKS_DIFFER, held.name, f"{held.blocks - equal:,} of {held.blocks:,} blocks differ")
            )
        self._say_scale(found, twin)
        return None

    def _say_scale(self, found: WeightFound, twin: WeightFound) -> None:
        a, b = (_multiplier(w) for w in (found, twin))
        same_form = found.reading.form is twin.reading.form
        apart = a != b if same_form else abs(a / b - 1) > 2 * np.finfo(np.float32).eps if b else a != b
        if apart and usable(found.stored) and usable(twin.stored):
            what = f"its tensor scale multiplies by {a:.8g}, that of the other file by {b:.8g}"
            self.said.append((Kind.TENSOR_SCALE, found.held.name, what))


def _multiplier(w: WeightFound) -> float:
    return factor_of(w.stored, w.reading.form)


def _scales(file: Readable, w: WeightFound) -> U8:
    return np.ascontiguousarray(linear(scales_of(file, w.held), w.held, w.reading.layout))


def _codes(file: Readable, w: WeightFound, rows: slice) -> U8:
    return w.reading.codes(codes_of(file, w.held, rows), w.held.block)


def beside(
    file: Readable, other: Readable, theirs: Iterable[Held], renames: Sequence[tuple[str, str]]
) -> Beside:
    """Prepare the comparison with another quantized file."""
    weights = list(theirs)
    return Beside(file, other, {h.name: h for h in weights}, votes_of(other, weights), renames)
