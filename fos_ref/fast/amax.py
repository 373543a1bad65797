"""The tensor amax: the largest magnitude as an integer maximum, one pass at the speed of memory (N2)."""

from __future__ import annotations

import numpy as np

from fos_ref.fast.cached import cached
from fos_ref.fast.codec import U32
from fos_ref.fast.memory import load
from fos_ref.fast.threads import shared_out
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.recipes.axes import AmaxScope, NonFinite
from fos_ref.recipes.recipe import Recipe

PART = 1 << 20  #: values of a part, at least: about 100 microseconds
SIGNLESS = {4: 0x7FFFFFFF, 2: 0x7FFF}
INFINITY = {"float32": 0x7F800000, "bfloat16": 0x7F80, "float16": 0x7C00}


@cached(error_model="numpy", nogil=True)
def largest_bits(x, start, stop, signless, infinity, drop_nan):
    """Return the largest magnitude's bits in x[start:stop]; a NaN has larger bits than any number."""
    most = U32(0)
    if drop_nan:
        for i in range(start, stop):
            a = U32(U32(load(x, i)) & signless)
            most = max(most, U32(0) if a > infinity else a)
    else:
        for i in range(start, stop):
            most = max(most, U32(U32(load(x, i)) & signless))
    return most


@cached(error_model="numpy", nogil=True)
def largest_of_rows(x, out, start, stop, signless, infinity, drop_nan):
    """Store the largest magnitude's bits of each of the rows start..stop of a matrix with out.size rows."""
    cols = x.size // out.size
    for i in range(start, stop):
        out[i] = largest_bits(x, i * cols, (i + 1) * cols, signless, infinity, drop_nan)


def largest(x: AnyArray, r: Recipe) -> F32:
    """Return max|x| as the recipe's non-finite policy has it, () or per row (R,) float32: exact."""
    x = np.ascontiguousarray(x)
    flat = x.reshape(-1).view(np.uint32 if x.dtype == np.float32 else np.uint16)
    flat.flags.writeable = False  # whatever x is: Numba would compile again for the other kind
    tail = (U32(SIGNLESS[x.dtype.itemsize]), U32(INFINITY[x.dtype.name]), r.nonfinite is NonFinite.DROP_NAN)
    if r.amax_scope is AmaxScope.ROW:
        found = np.zeros(x.shape[0], dtype=np.uint32)
        rows = max(1, PART // max(1, x.shape[1]))
        shared_out(lambda start, stop: largest_of_rows(flat, found, start, stop, *tail), found.size, rows)
        return _values(found, x.dtype)
    parts = shared_out(lambda start, stop: largest_bits(flat, start, stop, *tail), flat.size, PART)
    most = max(parts, default=U32(0))
    return _values(np.array(most, dtype=np.uint32), x.dtype)


def _values(bits: np.ndarray, dtype: np.dtype) -> F32:
    """Return magnitude bits of `dtype` as float32."""
    if dtype == np.float32:
        return bits.view(np.float32)
    return np.asarray(bits.astype(np.uint16).view(dtype).astype(np.float32))
