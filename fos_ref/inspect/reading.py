"""How the bytes are read: what the tensor scale does, which nibble comes first, how the scales lie.

With the original weight at hand every reading is tried on a sample of rows: a right one leaves an error of a
few per cent, a wrong one an error as large as the weight. Without it the names say, and the size of the
tensor scale is held against them: a multiplier makes a largest weight of its size times 1536 or 2688, a
divisor of 1536 or 2688 over it, and only one of the two is a size that weights have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from fos_ref.formats import decode, E2M1, UE4M3
from fos_ref.formats.arrays import AnyArray, F64, U8
from fos_ref.formats.bits import widen
from fos_ref.inspect.findings import Finding, UNTOLD
from fos_ref.inspect.tally import linear
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import TensorScaleForm
from fos_ref.storage.held import Held, ScaleLayout
from fos_ref.storage.layout import unpack_nibbles
from fos_ref.storage.shards import Shards

#: Largest magnitudes that a weight matrix may have before the reading is doubted.
PLAUSIBLE = (2.0**-20, 2.0**12)
SAMPLE_ROWS = 64  #: at most, and no more than make SAMPLE_VALUES
SAMPLE_VALUES = 1 << 16
CLOSE = 0.5  #: relative error above which no reading is right
APART = 0.5  #: the best reading's error has to be this much smaller than any that differs from it
_ODD = {False: "low nibble first", True: "high nibble first"}
_NAN_BYTE = 0x7F
_CODE_VALUES: F64 = decode(np.arange(1 << E2M1.bits), E2M1)
_SCALE_VALUES: F64 = np.nan_to_num(decode(np.arange(_NAN_BYTE + 1), UE4M3))
_TIMES = 10.0  #: from here on an error is given as a multiple


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a weight."""

    layout: ScaleLayout
    high_first: bool
    form: TensorScaleForm | None  #: None: the file holds no tensor scale


def swapped(packed: U8) -> U8:
    """Return packed codes with the two nibbles of each byte exchanged."""
    return (packed << np.uint8(4)) | (packed >> np.uint8(4))


def errors_of_readings(
    file: Shards, held: Held, raw: U8, stored: np.float32 | None, original: Shards
) -> dict[Reading, float]:
    """Return the relative error |x - value| / |x| of each possible reading on a sample of rows.

    Empty where the sample holds zeros only, or the tensor scale is none: nothing can be told then.
    """
    if not usable(stored):
        return {}
    count = max(2, min(SAMPLE_ROWS, SAMPLE_VALUES // held.shape[1]))
    rows = np.unique(np.linspace(0, held.shape[0] - 1, count).astype(np.int64))
    x = _rows_of(original, held.name, rows, held.shape[1]).astype(np.float64)
    power = float((x * x).sum())
    if not power or not np.isfinite(power):
        return {}
    packed = _packed_rows(file, held, rows)
    forms = (None,) if stored is None else tuple(TensorScaleForm)
    found = {}
    for layout, high, form in product(held.layouts, (False, True), forms):
        scales = linear(raw, held, layout)[rows]
        values = _values(swapped(packed) if high else packed, scales) * _factor(stored, form)
        found[Reading(layout, high, form)] = float((((x - values) ** 2).sum() / power) ** 0.5)
    return found


def usable(stored: np.float32 | None) -> bool:
    """Return whether a tensor scale is a positive finite number, or there is none."""
    return stored is None or bool(np.isfinite(stored) and stored > 0)


def _factor(stored: np.float32 | None, form: TensorScaleForm | None) -> float:
    if stored is None:
        return 1.0
    return float(stored) if form is TensorScaleForm.MULTIPLIER else 1.0 / float(stored)


def _values(packed: U8, scales: U8) -> F64:
    """Return code times block scale in float64; NaN scales count as 0, signs of scales not at all."""
    values = _CODE_VALUES[unpack_nibbles(packed)].reshape(*scales.shape, BLOCK)
    values *= _SCALE_VALUES[scales & np.uint8(_NAN_BYTE)][..., None]
    return values.reshape(scales.shape[0], -1)


def _rows_of(original: Shards, name: str, rows: AnyArray, cols: int) -> AnyArray:
    return np.stack([widen(original.read_values(name, r * cols, (r + 1) * cols)) for r in rows.tolist()])


def _packed_rows(file: Shards, held: Held, rows: AnyArray) -> U8:
    half = held.shape[1] // 2
    return np.stack([file.read_bytes(held.codes.name, r * half, (r + 1) * half) for r in rows.tolist()])


def best_reading(errors: dict[Reading, float]) -> Reading | None:
    """Return the reading with the least error; None where none is close to the original."""
    if not errors:
        return None
    best = min(errors, key=lambda k: errors[k])
    return best if errors[best] < CLOSE else None


def reading_findings(errors: dict[Reading, float]) -> dict[str, Finding] | None:
    """Return what the original says of form, nibble order and layout; None where it says nothing."""
    best = best_reading(errors)
    if best is None:
        return None
    return {
        "tensor_scale": _property(errors, best, "form"),
        "nibble_order": _property(errors, best, "high_first"),
        "scale_layout": _property(errors, best, "layout"),
    }


def _property(errors: dict[Reading, float], best: Reading, name: str) -> Finding:
    """Return one property of the best reading, if every reading without it is far worse."""
    mine = getattr(best, name)
    others = [e for k, e in errors.items() if getattr(k, name) != mine]
    value = _ODD[mine] if isinstance(mine, bool) else mine.value if mine is not None else None
    error = f"read so, the weight is {_percent(errors[best])} off the original"
    if value is None:
        return Finding(None, "the file holds no tensor scale")
    if not others:
        return Finding(value, f"{error}; the shapes allow no other reading")
    if errors[best] > APART * min(others):
        return Finding(None, f"{error}, otherwise {_percent(min(others))}: too close to tell")
    return Finding(value, f"{error}, otherwise {_percent(min(others))}")


def _percent(error: float) -> str:
    return f"{error:.2%}" if error < _TIMES else f"{error:.3g} times"


def form_of(stored: np.float32 | None, product_max: float, named: TensorScaleForm) -> Finding:
    """Return whether the stored tensor scale multiplies or divides, from its size and the names."""
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
