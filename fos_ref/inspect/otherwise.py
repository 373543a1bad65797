"""Weights that lie otherwise than the rest of their file: read like those, they decode to other values."""

from __future__ import annotations

from collections.abc import Sequence

from fos_ref.errors.text import listed
from fos_ref.inspect.problems import joined, Kind, Problem
from fos_ref.inspect.reading import Nibbles, usual_nibbles
from fos_ref.inspect.weight import WeightFound
from fos_ref.storage.conventions import TensorScaleForm
from fos_ref.storage.held import ScaleLayout


def lies_otherwise(weights: Sequence[WeightFound]) -> list[Problem]:
    """Return weights whose nibbles or scales lie otherwise than those of most weights of their convention.

    Only where the original decided on the reading. A layout that the shape shows is one that readers see.
    """
    said = []
    told = [w for w in weights if w.blocks and w.reads and w.equal == w.blocks]
    for family in dict.fromkeys(w.held.family.name for w in told):
        mine = [w for w in told if w.held.family.name == family]
        expected = (usual_nibbles(mine[0].held), ScaleLayout.LINEAR)
        usual = _most([(w.reading.nibbles, w.reading.layout) for w in mine if not _shown(w)], expected)
        for w in mine:
            if usual is None or _shown(w):
                continue
            nibbles, layout = usual
            words = [w.reading.nibbles.value] if w.reading.nibbles is not nibbles else []
            words += [f"scales {w.reading.layout.value}"] if w.reading.layout is not layout else []
            if words:
                what = (
                    f"{listed(words)}, unlike most weights of the file: read like those it is another weight"
                )
                said.append((Kind.BLOCKS_DIFFER, w.held.name, what))
    return joined(said)


def _shown(w: WeightFound) -> bool:
    """Return whether the shape shows the layout, so that readers see it."""
    return w.held.layout is not None and not w.held.interleaved


def _most(
    readings: Sequence[tuple[Nibbles, ScaleLayout]], expected: tuple[Nibbles, ScaleLayout]
) -> tuple[Nibbles, ScaleLayout] | None:
    """Return what most weights have; of two that are as many the one that readers expect."""
    return max(set(readings), key=lambda r: (readings.count(r), r == expected), default=None)


def turned_scales(weights: Sequence[WeightFound]) -> list[Problem]:
    """Return weights whose tensor scale multiplies where the names say that it divides, or the reverse."""
    said = []
    for w in weights:
        form, named = w.reading.form, w.held.family.form
        if w.blocks and w.reads and form is not None and form is not named:
            other = "multiplier" if form is TensorScaleForm.MULTIPLIER else "divisor"
            what = (
                f"its tensor scale {w.stored:.6g} is a reciprocal: {other}, and the names say {named.value}"
            )
            said.append((Kind.TENSOR_SCALE, w.held.name, what))
    return joined(said)
