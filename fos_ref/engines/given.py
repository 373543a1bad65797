"""What a caller may fix: a tensor amax or a tensor scale, checked once; and what a recipe refuses of x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import F32, F64
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import given_encode_scale, given_tensor_scale, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope, NonFinite
from fos_ref.recipes.recipe import Recipe


def check_finite(amax: F32, r: Recipe) -> None:
    """Raise InputError for a NaN or infinite input where the recipe refuses it: max|x| shows both."""
    if r.nonfinite is NonFinite.RAISE and not np.all(np.isfinite(amax)):
        msg = f"x has a NaN or an infinity: recipe {r.name!r} takes finite values only"
        raise InputError(msg)


@dataclass(frozen=True, slots=True)
class Fixed:
    """What a caller may fix of the tensor scales: at most one of the three."""

    amax: Any = None
    tensor_scale: Any = None  #: D
    encode_scale: Any = None  #: S

    def __post_init__(self) -> None:
        given = {"amax": self.amax, "tensor scale": self.tensor_scale, "encode scale": self.encode_scale}
        there = [name for name, value in given.items() if value is not None]
        if len(there) > 1:
            msg = f"{' and '.join(there)} were given: one of them fixes the tensor scale"
            raise InputError(msg)

    def scales(self, r: Recipe, rows: int, dtype: np.dtype[Any]) -> Scales | None:
        """Return the tensor scales that this fixes for `rows` rows, or None where nothing was given."""
        check_float_environment()
        if self.tensor_scale is not None:
            return given_tensor_scale(_check_tensor_scale(self.tensor_scale, r), r, dtype)
        if self.encode_scale is not None:
            return given_encode_scale(_check_encode_scale(self.encode_scale, r, rows), r, dtype)
        return None if self.amax is None else tensor_scales(_check_amax(self.amax, r, rows), r, dtype)


def _check_tensor_scale(tensor_scale: Any, r: Recipe) -> np.float32:
    """Return the caller's decode scale: a number that is a normal float32 and leaves A = D*C finite."""
    if r.amax_scope is AmaxScope.ROW:
        msg = f"a tensor scale was given: recipe {r.name!r} has one per row; an amax per row is allowed"
        raise InputError(msg)
    d = _float32_values(tensor_scale, "tensor scale")
    info = np.finfo(np.float32)
    if d.ndim or not info.tiny <= d <= info.max / r.range_max:
        allowed = f"one positive normal float32 up to FLT_MAX / {r.range_max}"
        msg = f"tensor scale {tensor_scale!r}: {allowed} is allowed"
        raise InputError(msg)
    return np.float32(d)


def _check_encode_scale(encode_scale: Any, r: Recipe, rows: int) -> F32:
    """Return the caller's encode scale, () or (rows,): positive, and D = 1/S leaves A = D*C finite."""
    s = _per_tensor_or_row(encode_scale, "encode scale", r, rows)
    if np.any(s < np.float32(r.range_max) / np.finfo(np.float32).max):
        msg = f"encode scale {encode_scale!r}: float32 values from {r.range_max} / FLT_MAX on are allowed"
        raise InputError(msg)
    return s


def _check_amax(amax: Any, r: Recipe, rows: int) -> F32:
    """Return the caller's amax, () or (rows,); -0 counts as 0."""
    given = _per_tensor_or_row(amax, "amax", r, rows)
    if np.any(given < 0):
        msg = f"amax {amax!r}: values of 0 and above are allowed"
        raise InputError(msg)
    return np.abs(given)


def _per_tensor_or_row(value: Any, name: str, r: Recipe, rows: int) -> F32:
    """Return a caller's numbers, () or (rows,) as the recipe has amaxes."""
    given = _float32_values(value, name)
    wanted = (rows,) if r.amax_scope is AmaxScope.ROW else ()
    if given.shape != wanted and not (wanted == () and given.size == 1):
        takes = f"one per row, shape {wanted}" if wanted else "one number"
        msg = f"{name} of shape {given.shape}: recipe {r.name!r} takes {takes}"
        raise ShapeError(msg)
    return given.reshape(wanted)


def _float32_values(value: Any, name: str) -> F32:
    """Return a caller's finite numbers as float32, exactly; InputError for anything else."""
    wide = _numbers(value)
    if wide is None or not np.all(np.isfinite(wide)):
        msg = f"{name} {value!r}: finite numbers are allowed"
        raise InputError(msg)
    with np.errstate(over="ignore"):
        narrow: F32 = wide.astype(np.float32)
    if not np.array_equal(narrow, wide):
        msg = f"{name} {value!r} is not a float32 value: round it first, nothing is cast silently"
        raise InputError(msg)
    return narrow


def _numbers(value: Any) -> F64 | None:
    """Return real numbers as float64; None for anything that is not a number or an array of them."""
    is_plain = isinstance(value, (int, float, np.generic, np.ndarray, list, tuple))
    try:
        given = np.asarray(value if is_plain else as_numpy(value))
        return None if given.dtype.kind in "bcSUmM" else given.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
