"""What a caller may fix: a tensor amax or a tensor scale, checked once; and what a recipe refuses of x."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import InputError, ShapeError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.quantize import given_encode_scale, given_tensor_scale, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope, NonFinite
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.hosted import Door, on_host

_NUMBERS = (int, float, np.integer, np.floating)
_NO_NUMBERS = (bool, np.timedelta64)  #: although Python and NumPy count them among the integers
AMAX = Door(
    kinds="a number, a list of numbers or an array",
    dtypes=(),
    allowed="finite numbers are allowed",
    error=InputError,
)


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

    def keywords(self) -> dict[str, Any]:
        """Return it as keywords of `quantize`."""
        return {"amax": self.amax, "tensor_scale": self.tensor_scale, "encode_scale": self.encode_scale}

    @property
    def scaled(self) -> bool:
        """Whether S or D is given, which an amax may not give to the last bit."""
        return self.tensor_scale is not None or self.encode_scale is not None

    @property
    def nothing(self) -> bool:
        """Whether the tensor's own amax is taken."""
        return all(v is None for v in self.keywords().values())

    def scales(self, r: Recipe, rows: int, dtype: np.dtype[Any]) -> Scales | None:
        """Return the tensor scales that this fixes for `rows` rows, or None where nothing was given."""
        decode = None if self.tensor_scale is None else _check_tensor_scale(self.tensor_scale, r)
        encode = None if self.encode_scale is None else _check_encode_scale(self.encode_scale, r, rows)
        amax = None if self.amax is None else _check_amax(self.amax, r, rows)
        check_float_environment()  # after the caller's objects have had their say
        if decode is not None:
            return given_tensor_scale(decode, r, dtype)
        if encode is not None:
            return given_encode_scale(encode, r, dtype)
        return None if amax is None else tensor_scales(amax, r, dtype)


def _check_tensor_scale(tensor_scale: Any, r: Recipe) -> np.float32:
    """Return the caller's decode scale: a number that is a normal float32 and leaves A = D*C finite."""
    if r.amax_scope is AmaxScope.ROW:
        msg = f"a tensor scale was given: recipe {r.name!r} has one per row; an amax per row is allowed"
        raise InputError(msg)
    d = float32_values(tensor_scale, "tensor scale")
    info = np.finfo(np.float32)
    if d.ndim or not info.tiny <= d <= info.max / r.range_max:
        allowed = f"one positive normal float32 up to FLT_MAX / {r.range_max}"
        msg = f"tensor scale {shown(tensor_scale)}: {allowed} is allowed"
        raise InputError(msg)
    return np.float32(d)


def _check_encode_scale(encode_scale: Any, r: Recipe, rows: int) -> F32:
    """Return the caller's encode scale, () or (rows,): positive, and D = 1/S leaves A = D*C finite."""
    s = _per_tensor_or_row(encode_scale, "encode scale", r, rows)
    if np.any(s < np.float32(r.range_max) / np.finfo(np.float32).max):
        msg = (
            f"encode scale {shown(encode_scale)}: float32 values from {r.range_max} / FLT_MAX on are allowed"
        )
        raise InputError(msg)
    return s


def _check_amax(amax: Any, r: Recipe, rows: int) -> F32:
    """Return the caller's amax, () or (rows,); -0 counts as 0."""
    given = _per_tensor_or_row(amax, "amax", r, rows)
    if np.any(given < 0):
        msg = f"amax {shown(amax)}: values of 0 and above are allowed"
        raise InputError(msg)
    return np.abs(given)


def _per_tensor_or_row(value: Any, name: str, r: Recipe, rows: int) -> F32:
    """Return a caller's numbers, () or (rows,) as the recipe has amaxes."""
    given = float32_values(value, name)
    wanted = (rows,) if r.amax_scope is AmaxScope.ROW else ()
    if given.shape != wanted and not (wanted == () and given.size == 1):
        takes = f"one per row, shape {wanted}" if wanted else "one number"
        msg = f"{name} of shape {given.shape}: recipe {r.name!r} takes {takes}"
        raise ShapeError(msg)
    return given.reshape(wanted)


def float32_values(value: Any, name: str) -> F32:
    """Return a caller's numbers as float32 where each of them is a finite float32 already; InputError.

    Nothing is cast: no integer that float32 lacks, no float64 or longdouble between two float32, no masked
    value, no bool, no string.
    """
    given = _numbers(value, name)
    if given is None or not np.all(_finite(given)):
        msg = f"{name} {shown(value)}: finite numbers are allowed"
        raise InputError(msg)
    with np.errstate(all="ignore"):
        narrow: F32 = given.astype(np.float32)
    if not np.array_equal(narrow.astype(given.dtype), given):
        msg = f"{name} {shown(value)} is not a float32 value: round it first, nothing is cast silently"
        raise InputError(msg)
    return narrow


def _numbers(value: Any, name: str) -> AnyArray | None:
    """Return real numbers, exactly: floats in their own dtype, integers as Python's; None for others."""
    if is_a(value, (int, float, list, tuple)):
        given = value if is_a(value, (list, tuple)) else [value]
        if not all(is_a(v, _NUMBERS) and not is_a(v, _NO_NUMBERS) for v in given):
            return None
        exact = [v.item() if is_a(v, np.generic) else v for v in given]
        objects = np.array([*exact, None], dtype=object)[:-1]  # else NumPy looks for a dtype of its own
        return objects if given is value else objects.reshape(())
    array = np.asarray(value) if is_a(value, np.generic) else on_host(value, name, AMAX)
    if array.dtype.type.__module__ == ml_dtypes.__name__:
        return array.astype(np.float64)  # exact: they are narrower
    return {"f": array, "i": array.astype(object), "u": array.astype(object)}.get(array.dtype.kind)


def _finite(numbers: AnyArray) -> AnyArray:
    """Return where numbers are finite, and an integer below the largest float64."""
    if numbers.dtype != object:
        return np.isfinite(numbers)
    return np.array([abs(v) <= sys.float_info.max for v in numbers.flat], dtype=np.bool_)
