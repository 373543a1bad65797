"""Products of two quantized tensors on a device: the exact sums, and which of them every kernel has to give.

One kernel (csrc/fos_products.cu) adds the products of 16 values as whole numbers of 64 bits. It is the
definition of `fos_ref.matmul`, not its way over float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_gpu import launch
from fos_gpu.quantized import check_on_device, DeviceQuantized
from fos_gpu.tensors import empty, launching, take, to_numpy
from fos_ref.arguments import one_of
from fos_ref.errors import InputError, ShapeError
from fos_ref.formats.arrays import AnyArray
from fos_ref.matmul.certify import LEVELS
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.recipe import BLOCK

BLOCKS, ELEMENTS, TOO_WIDE = 1, 2, 4  #: bits of an output's flags, as in csrc/fos_verdict.h
GROUP_BYTES = 48  #: of an expanded group of 16 values
MOST_GROUPS = 1 << 16  #: whose sums 64 bits hold: 2^46.8 each
_ARRAYS = {"exact": "float64", "size": "float64", "te": "float32", "te_bound": "float64", "flags": "uint8"}
_SCALE_PLACES = -9  #: a block scale counts 2^-9


@dataclass(frozen=True, slots=True, eq=False)
class DeviceProduct:
    """What is known of a product (M, N), in arrays of a's framework."""

    exact: Any  #: float64: the exact sum of codes times block scales; NaN where a block scale is
    size: Any  #: float64: the sum of the magnitudes of the single products
    te: Any  #: float32: 16-blocks in order, each addition rounded
    te_bound: Any  #: float64: the running bound of `te`
    flags: Any  #: uint8: BLOCKS and ELEMENTS where certified, TOO_WIDE where float64 has not the exact sum
    groups: int  #: of 16 along K

    def words(self) -> tuple[Any, Any, Any, Any, Any]:
        """Return the arrays as the kernels take them."""
        shape = tuple(self.exact.shape)
        exact, size, te, te_bound = (
            take(v, "product").words(shape) for v in (self.exact, self.size, self.te, self.te_bound)
        )
        return exact, size, te, te_bound, take(self.flags, "flags", alignment=1).words(shape)


def exact(a: DeviceQuantized, b: DeviceQuantized) -> Any:
    """Return `fos_ref.matmul.exact` of two tensors on the device: float64 (M, N).

    Shapes:   a (M, K), b (N, K); leading axes count as rows -> (M, N)
    Dtypes:   codes of E2M1 or INT4 in blocks of 16 under E4M3 scales -> float64
    Rounding: none.
    Specials: an output that meets a NaN block scale is NaN. A zero is +0.
    Streams:  the current one of a's framework; waits for the device, to see whether float64 held every sum.
    Raises:   ShapeError for different K; DtypeError for what is no DeviceQuantized; InputError for IF4, for
              other blocks and scales, for K above 1,048,576, and where an output has more than 53 bits:
              `fos_ref.matmul.exact` has it.
    Source:   docs/products.md, "The exact product".
    """
    found = multiply(a, b, "exact")
    if np.any(to_numpy(found.flags) & TOO_WIDE):
        msg = "exact: an output has more than 53 bits: fos_ref.matmul.exact gives those on the host"
        raise InputError(msg)
    return found.exact


def certificate(a: DeviceQuantized, b: DeviceQuantized, level: str = "block") -> Any:
    """Return `fos_ref.matmul.certificate` of two tensors on the device: bool (M, N).

    level:    "block": products of 16 are what is added, as tensor cores do; "element": single products
    Shapes, dtypes, errors: as `exact`, but any number of bits; InputError for another level.
    Streams:  the current one; nothing waits for the device.
    """
    one_of(level, LEVELS, "level")
    found = multiply(a, b, "certificate")
    place = take(found.flags, "flags", alignment=1).place
    shape = tuple(found.flags.shape)
    with launching(place, f"a certificate of shape {shape}"):
        out = empty(shape, "bool", place)
        words = take(out, "out", alignment=1).words(shape)
        if words.size:
            launch.flagged(found.words()[-1], BLOCKS if level == "block" else ELEMENTS, words)
    return out


def multiply(a: DeviceQuantized, b: DeviceQuantized, what: str = "multiply") -> DeviceProduct:
    """Return all that is known of a product at once. Shapes, dtypes and errors as `exact`."""
    for q in (a, b):
        check_on_device(q, what)
    if a.cols != b.cols or a.place != b.place:
        msg = f"{what}: a has {a.cols} columns on {a.place}, b {b.cols} on {b.place}: equal ones are allowed"
        raise ShapeError(msg)
    groups = a.cols // 16
    if groups > MOST_GROUPS:
        msg = f"{what}: {a.cols} columns: at most {16 * MOST_GROUPS} are allowed"
        raise InputError(msg)
    tables = [table(q, what) for q in (a, b)]
    unit = 2 * _SCALE_PLACES - sum(places for _, places in tables)
    shape = (a.rows, b.rows)
    with launching(a.place, f"a product of shape {shape}"):
        made = {n: empty(shape, t, a.place) for n, t in _ARRAYS.items()}
        found = DeviceProduct(**made, groups=groups)
        if a.rows and b.rows:
            left, right = (_expanded(q, t) for q, (t, _) in zip((a, b), tables, strict=True))
            launch.multiply(left, right, unit, found.words())
    return found


def table(q: DeviceQuantized, what: str) -> tuple[tuple[int, int], int]:
    """Return the 16 elements as signed bytes in two words of 64 bits, and their places after the point.

    Raises: InputError for two kinds of elements in one tensor, and for other blocks, widths or block scales.
    """
    r, fmt = q.recipe, q.recipe.element_format
    if r.block_cols != BLOCK or not r.element.packed or r.scale_format is not ScaleFormat.E4M3:
        own = f"{fmt.value} in blocks of {r.block_cols} under {r.scale_format.value}"
        msg = f"{what} of {own} on a device: E2M1 or INT4 in blocks of {BLOCK} under E4M3 is allowed"
        raise InputError(msg)
    if q.recipe.element.second is not None:
        msg = f"{what} of {fmt.value} on a device: E2M1 or INT4 is allowed; fos_ref.matmul has it on the host"
        raise InputError(msg)
    values = np.asarray(ELEMENT_FORMAT[fmt][0].values, dtype=np.float64)
    places = max(int(v.item().as_integer_ratio()[1]).bit_length() - 1 for v in values)
    elements: AnyArray = np.ldexp(values, places).astype(np.int8)
    low, high = elements.view("<u8").tolist()
    return (low, high), places


def _expanded(q: DeviceQuantized, elements: tuple[int, int]) -> Any:
    """Return the groups of one side (B, R, 48) bytes, as a CuPy view."""
    groups = (q.cols // 16, q.rows, GROUP_BYTES)
    own = empty(groups, "uint8", q.place)
    words = take(own, "groups").words(groups)
    if words.size:
        launch.expand(q.words.codes, q.words.linear, elements, words)
    return words
