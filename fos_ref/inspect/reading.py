"""How the bytes are read: what the tensor scale does, which nibble comes first, how the scales lie.

With the original weight at hand a reading is tried on a sample of rows: a right one leaves an error of a few
per cent, a wrong one an error as large as the weight. The tensor scale is judged apart from the rest: nibbles
and layout by the error that the best factor would leave, so that a wrong tensor scale hides neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

import numpy as np

from fos_ref.formats import decode, E2M1
from fos_ref.formats.arrays import AnyArray, F64, U8
from fos_ref.formats.bits import widen
from fos_ref.inspect.findings import Finding, SCALE_VALUES, UNTOLD
from fos_ref.inspect.source import Source
from fos_ref.storage.conventions import TensorScaleForm
from fos_ref.storage.held import Held, ScaleLayout
from fos_ref.storage.held_bytes import fits_short_tiles, linear, Packed
from fos_ref.storage.layout import from_halves, swap_nibbles, unpack_nibbles

SAMPLE_ROWS = 64  #: at most, and no more than make SAMPLE_VALUES
SAMPLE_VALUES = 1 << 16
CLOSE = 0.5  #: relative error above which no reading is right
APART = 0.5  #: the best reading's error has to be this much smaller than any that differs from it
_CODE_VALUES: F64 = decode(np.arange(1 << E2M1.bits), E2M1)
_TIMES = 10.0  #: from here on an error is given as a multiple


class Nibbles(Enum):
    """Which element of a block is in which half of a byte."""

    LOW = "low nibble first"
    HIGH = "high nibble first"
    HALVES = "halves: low nibbles hold the first half of each block"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a weight."""

    layout: ScaleLayout
    nibbles: Nibbles
    form: TensorScaleForm | None  #: None: the file holds no tensor scale

    def __str__(self) -> str:
        form = "no tensor scale" if self.form is None else f"the tensor scale a {self.form.value}"
        return f"{self.nibbles.value}, scales {self.layout.value}, {form}"

    def codes(self, packed: U8, block: int) -> U8:
        """Return packed codes with the even element in the low nibble."""
        match self.nibbles:
            case Nibbles.LOW:
                return packed
            case Nibbles.HIGH:
                return swap_nibbles(packed)
            case Nibbles.HALVES:
                return from_halves(packed, block)


@dataclass(frozen=True, slots=True)
class Misfit:
    """How far the values of a reading are from the original's, in parts of its size."""

    as_stored: float  #: with the tensor scale in the file
    at_best: float  #: with whatever factor fits best
    factor: float  #: that one, as a multiple of the one in the file


@dataclass(slots=True)
class Sample:
    """Rows of a weight and of its original, on which readings are tried."""

    held: Held
    raw: U8  #: all block scales, as they lie in the file
    stored: np.float32 | None
    x: F64
    packed: U8
    rows: AnyArray
    misfits: dict[Reading, Misfit]

    @classmethod
    def of(cls, packed: Packed, stored: np.float32 | None, source: Source) -> Sample:
        """Read a sample, spread over the weight."""
        held = packed.held
        count = max(2, min(SAMPLE_ROWS, SAMPLE_VALUES // held.shape[1]))
        rows = np.unique(np.linspace(0, held.shape[0] - 1, count).astype(np.int64))
        each = [slice(r, r + 1) for r in rows.tolist()]
        if rows.size == held.shape[0]:
            each = [slice(0, held.shape[0])]
        x = np.concatenate([widen(source.rows(r)) for r in each]).astype(np.float64)
        codes = np.concatenate([packed.codes(r) for r in each])
        return cls(held, packed.scales, stored, x, codes, rows, {})

    def misfit(self, reading: Reading) -> Misfit | None:
        """Return how far a reading is off; None where the sample holds zeros only."""
        if reading not in self.misfits:
            power = float((self.x * self.x).sum())
            if not power or not np.isfinite(power):
                return None
            self.misfits[reading] = self._measured(reading, power)
        return self.misfits[reading]

    def _measured(self, reading: Reading, power: float) -> Misfit:
        scales = linear(self.raw, self.held, reading.layout)[self.rows]
        values = decoded(reading.codes(self.packed, self.held.block), scales, self.held)
        own = float((values * values).sum())
        if not own:
            return Misfit(1.0, 1.0, 0.0)
        cross = float((values * self.x).sum())
        best = cross / own
        factor = factor_of(self.stored, reading.form)
        with np.errstate(all="ignore"):
            at_best = max(0.0, 1 - cross * cross / own / power) ** 0.5
            off = (max(0.0, power - 2 * factor * cross + factor * factor * own) / power) ** 0.5
        return Misfit(off, at_best if best > 0 else 1.0, best / factor if factor else 0.0)

    def explore(self, *, short: bool = False) -> None:
        """Try every reading that the shapes allow; `short`: those that few files have, too."""
        for reading in _possible(self.held, self.stored, short=short):
            self.misfit(reading)

    def best(self) -> Reading | None:
        """Return the reading with the least error; None where none is close, whatever the factor."""
        if not self.misfits:
            return None
        key = {r: (m.at_best, m.as_stored) for r, m in self.misfits.items()}
        least = min(m.at_best for m in self.misfits.values())
        if least >= CLOSE:
            return None
        near = [r for r, m in self.misfits.items() if m.at_best <= least * (1 + 1e-9)]
        return min(near, key=lambda r: key[r][1])


def _possible(held: Held, stored: np.float32 | None, *, short: bool) -> Iterator[Reading]:
    layouts = held.layouts
    if short and held.layout is None and fits_short_tiles(held):
        layouts = (*layouts, ScaleLayout.SHORT)
    usual = (usual_nibbles(held), Nibbles.HIGH)
    nibbles = tuple(Nibbles) if short else usual
    forms: Iterable[TensorScaleForm | None] = (None,) if stored is None else tuple(TensorScaleForm)
    return (Reading(*parts) for parts in product(layouts, nibbles, forms))


def usual_nibbles(held: Held) -> Nibbles:
    """Return the order that readers of a weight's family expect."""
    return Nibbles.HALVES if held.interleaved else Nibbles.LOW


def usable(stored: np.float32 | None) -> bool:
    """Return whether a tensor scale is a positive finite number, or there is none."""
    return stored is None or bool(np.isfinite(stored) and stored > 0)


def factor_of(stored: np.float32 | None, form: TensorScaleForm | None) -> float:
    """Return what a decoded value is multiplied by; 1 where the tensor scale is none to multiply by."""
    if stored is None or not usable(stored):
        return 1.0
    return float(stored) if form is TensorScaleForm.MULTIPLIER else 1.0 / float(stored)


def decoded(packed: U8, scales: U8, held: Held) -> F64:
    """Return code times block scale (R, K) in float64; NaN scales count as 0, signs of scales not at all."""
    values = _CODE_VALUES[unpack_nibbles(packed)].reshape(*scales.shape, held.block)
    values *= SCALE_VALUES[held.format][scales][..., None]
    return values.reshape(scales.shape[0], -1)


def reading_findings(sample: Sample, best: Reading) -> dict[str, Finding]:
    """Return what the original says of form, nibble order and layout."""
    return {
        "tensor_scale": _property(sample, best, "form"),
        "nibble_order": _property(sample, best, "nibbles"),
        "scale_layout": _property(sample, best, "layout"),
    }


def _property(sample: Sample, best: Reading, name: str) -> Finding:
    """Return one property of the best reading, if every reading that differs in it alone is far worse."""
    mine, misfits = getattr(best, name), sample.misfits
    if mine is None:
        return Finding(None, "the file holds no tensor scale")
    by_form = name == "form"
    error = _error(misfits[best], by_form=by_form)
    others = [
        _error(m, by_form=by_form)
        for r, m in misfits.items()
        if getattr(r, name) != mine and replace(r, **{name: mine}) == best
    ]
    said = f"read so, the weight is {percent(error)} off the original"
    if by_form and error >= CLOSE:
        return Finding(None, f"{said}: it is neither a multiplier nor a divisor of this weight")
    if not others:
        return Finding(mine.value, f"{said}; the shapes allow no other reading")
    if error > APART * min(others):
        return Finding(None, f"{said}, otherwise {percent(min(others))}: too close to tell")
    return Finding(mine.value, f"{said}, otherwise {percent(min(others))}")


def _error(m: Misfit, *, by_form: bool) -> float:
    return m.as_stored if by_form else min(m.as_stored, m.at_best)


def percent(error: float) -> str:
    """Return an error in per cent, a large one as a multiple."""
    return f"{error:.2%}" if error < _TIMES else f"{error:.3g} times"


#: Largest magnitudes that a weight matrix may have before the reading is doubted.
PLAUSIBLE = (2.0**-20, 2.0**12)


def form_of(stored: np.float32 | None, product_max: float, named: TensorScaleForm) -> Finding:
    """Return whether the stored tensor scale multiplies or divides, from its size and the names.

    A multiplier makes a largest weight of its size times 1536 or 2688, a divisor of 1536 or 2688 over it, and
    only one of the two is a size that weights have.
    """
    if stored is None:
        return Finding(None, "the file holds no tensor scale")
    by_name = f"the names say {named.value}"
    if not usable(stored) or not product_max:
        return Finding(None, f"{UNTOLD} (it is {stored:g}); {by_name}")
    sizes = {
        TensorScaleForm.MULTIPLIER: product_max * float(stored),
        TensorScaleForm.DIVISOR: product_max / float(stored),
    }
    likely = [form for form, a in sizes.items() if PLAUSIBLE[0] <= a <= PLAUSIBLE[1]]
    seen = ", ".join(f"as a {form.value} it makes a largest weight of {a:.3g}" for form, a in sizes.items())
    if len(likely) != 1:
        return Finding(None, f"{UNTOLD}: {stored:g}: {seen}; {by_name}")
    return Finding(likely[0].value, f"{stored:g}: {seen}; {by_name}")
