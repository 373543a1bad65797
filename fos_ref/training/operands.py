"""One operand of a product: transposed, rotated, quantized; or the codes of another, transposed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.engines.front import dequantize, quantize, trace
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.model.trace import Trace
from fos_ref.rotate import hadamard
from fos_ref.storage.layout import one_a_byte, stored
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.training.stack import Operand, Origin, Rotation

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """An operand with its bits, and what it was made from."""

    operand: Operand
    tensor: QuantizedTensor  #: (rows, columns), blocked along the axis that is summed over
    values: AnyArray | None  #: what was quantized, rotated if so; None where codes were transposed
    decided: Bool | None  #: which of the rotated values every order of summation gives; None: no rotation
    random_bits: Any  #: as they were given; None for an operand without

    def trace(self) -> Trace:
        """Return every intermediate of its quantization. Raises: InputError for transposed codes."""
        if self.values is None:
            msg = f"trace of {self.operand.name}: its codes are those of another operand, transposed"
            raise InputError(msg)
        more = {} if self.random_bits is None else {"random_bits": self.random_bits}
        return trace(self.values, self.operand.recipe, **more)


def made_of(  # noqa: PLR0917 -- all of one operand
    operand: Operand,
    tensor: AnyArray,
    first: Made | None,
    signs: Any,
    random_bits: Any,
    engine: str = "auto",
) -> Made:
    """Return an operand.

    tensor: (R, C), the tensor in high precision
    first:  the tensor's operand of the forward product, where this one is made from it
    engine: as `fos_ref.quantize` takes it
    Rounding: values read back, to bfloat16; a rotation, once to its `out`; then the recipe's.
    """
    if operand.origin is Origin.SAVED_CODES:
        assert first is not None
        return Made(
            operand=operand, tensor=transposed(first.tensor), values=None, decided=None, random_bits=None
        )
    values = tensor
    if operand.origin is Origin.SAVED_VALUES:
        assert first is not None
        values = dequantize(first.tensor, _BFLOAT16)
    if operand.transposed:
        values = np.ascontiguousarray(values.T)
    decided = None
    if operand.rotation is not None:
        values, decided = rotated(values, operand.rotation, signs)
    more = {} if random_bits is None else {"random_bits": random_bits}
    tensor_ = quantize(values, operand.recipe, engine=engine, **more)
    return Made(operand=operand, tensor=tensor_, values=values, decided=decided, random_bits=random_bits)


def rotated(values: AnyArray, rotation: Rotation, signs: Any) -> tuple[AnyArray, Bool]:
    """Return rotated values in the program's order, and which of them every order of summation gives."""
    n = rotation.size
    chosen = signs if rotation.signs is None else rotation.signs
    y, decided = hadamard(values, n, chosen, rotation.out)
    if rotation.order is None:
        return y, decided
    order = list(rotation.order)
    found = [np.ascontiguousarray(a.reshape(-1, n)[:, order]).reshape(a.shape) for a in (y, decided)]
    return found[0], found[1]


def transposed(q: QuantizedTensor) -> QuantizedTensor:
    """Return a tensor of 16x16 tiles with its codes transposed: the same tiles, scales and amax.

    Shapes: codes (N, K/2), block scales (N, K/16) -> (K, N/2) and (K, N/16)
    """
    r = q.recipe
    assert r.block_rows == r.block_cols
    codes = one_a_byte(q.codes, r).T
    scales, picked = (_tiles(a, r.block_rows) for a in (q.block_scales, q.picked4))
    return replace(
        q,
        codes=stored(np.ascontiguousarray(codes), r),
        block_scales=scales,
        picked4=picked,
        shape=(q.shape[1], q.shape[0]),
    )


def _tiles(a: Any, side: int) -> Any:
    """Return what is the same on all rows of a tile, (R, C/n), for the transposed tiles: (C, R/n)."""
    return None if a is None else np.ascontiguousarray(np.repeat(a[::side].T, side, axis=0))
