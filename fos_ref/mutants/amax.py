"""Mutants of the maxima and of the tensor scale (N2-N4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.model.candidates import unrounded
from fos_ref.model.quantize import _MAXIMUM, tensor_amax, tensor_scales
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import FLT_MAX, ONE, TENSOR_SCALE
from fos_ref.model.trace import Scales
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, read_as, step, Swap
from fos_ref.recipes.axes import AmaxScope, TensorScale
from fos_ref.recipes.recipe import Recipe, SCALE_BOUNDS

BF16 = np.dtype(ml_dtypes.bfloat16)
_TINY = np.finfo(np.float32).tiny


def flushed(x: F32) -> F32:
    """Return x with subnormals as zeros of their sign, as -ftz=true would."""
    return np.where(np.abs(x) < _TINY, np.copysign(np.float32(0), x), x).astype(np.float32)


def other_bound(bound: int) -> tuple[Swap, ...]:
    """Return the swaps under which every recipe of the other bound is read with `bound`."""

    def change(r: Recipe) -> Recipe:
        return replace(r, scale_max=bound) if r.scale_max in SCALE_BOUNDS else r

    return read_as(change)


def reciprocal_first(amax: F32, r: Recipe, _: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S = RN(1/A) * C, otherwise as N3b: what `C / tensor` does in torch."""
    s: F32 = np.minimum((ONE / amax) * np.float32(r.range_max), FLT_MAX)
    s = np.where((s == 0) | (amax == 0), ONE, s).astype(np.float32)
    return s, ONE / s


def own_quotients(amax: F32, r: Recipe, dtype: np.dtype[Any]) -> tuple[F32, F32]:
    """Return S as N3b and D = A/C by a division of its own."""
    s, d = TENSOR_SCALE[TensorScale.CLAMPED_ZERO_IS_ONE](amax, r, dtype)
    return s, np.where(amax == 0, d, amax / np.float32(r.range_max)).astype(np.float32)


def _row_amax(x: F32, r: Recipe, *dtype: np.dtype[Any]) -> F32:
    return tensor_amax(x, replace(r, amax_scope=AmaxScope.ROW) if r.block_rows == 1 else r, *dtype)


def _one_amax(x: F32, r: Recipe, *dtype: np.dtype[Any]) -> F32:
    a = tensor_amax(x, r, *dtype)
    return np.full_like(a, np.max(a, initial=np.float32(0)))


def _one_amax_of_chunks(engine: NumpyEngine, x: AnyArray, recipe: Recipe) -> F32:
    a = _ENGINE_AMAX(engine, x, recipe)
    return np.full_like(a, np.max(a, initial=np.float32(0)))


_ENGINE_AMAX = NumpyEngine.amax


def _inverted(s: Scales) -> Scales:
    return replace(s, encode=s.decode, decode=s.encode)


def _without_last(a: F32, axis: int | None) -> F32:
    """Return the part of |x| that a loop over n - 1 values sees, where the maximum is a block's."""
    return a[..., :-1] if axis == -1 else a


MUTANTS = (
    Mutant(
        name="amax-in-bfloat16",
        flag="AmaxPrecision",
        comment="The tensor amax is rounded to bfloat16. Every scale of the tensor moves by up to 0.4 %. "
        "Whoever reduces in the tensor's own dtype, or keeps amax histories in bfloat16.",
        swaps=(step(tensor_amax, lambda old: lambda x, r, *t: to_dtype(old(x, r, *t), BF16)),),
    ),
    Mutant(
        name="block-amax-in-bfloat16",
        flag="AmaxPrecision",
        comment="Each block amax is rounded to bfloat16 before the division by 6. Block scales near a "
        "midpoint of E4M3 change. Whoever takes the maximum in packed bfloat16 of a float32 input.",
        swaps=(step(unrounded, lambda old: lambda b, t, r, m=None: old(to_dtype(b, BF16), t, r, m)),),
    ),
    Mutant(
        name="amax-of-row",
        flag="AmaxPrecision",
        comment="Each row gets the amax of the row where one for the tensor was asked. Codes differ in every "
        "row but the largest. Whoever reuses an activation kernel (per token) for weights.",
        swaps=(Swap(tensor_amax, _row_amax),),
    ),
    Mutant(
        name="amax-of-tensor",
        flag="AmaxPrecision",
        recipe="te-mse-256-row",
        comment="Each row gets the amax of the whole tensor where its own was asked. Codes differ in every "
        "row but the largest. Whoever broadcasts a scalar into the per-row argument.",
        swaps=(Swap(tensor_amax, _one_amax), Swap(_ENGINE_AMAX, _one_amax_of_chunks)),
    ),
    Mutant(
        name="amax-signed",
        flag="Unexplained",
        comment="The tensor amax is max(x), not max|x|. Wrong where the largest magnitude is negative: half "
        "of all tensors. Whoever forgets the absolute value.",
        swaps=(step(tensor_amax, lambda old: lambda x, r, *t: old(np.maximum(x, np.float32(0)), r, *t)),),
    ),
    Mutant(
        name="amax-at-least-1e-12",
        flag="Unexplained",
        comment="The tensor amax is at least 1e-12, against a division by zero. Tensors below that lose "
        "their range, all-zero ones get another tensor scale. Whoever writes amax.clamp(min=eps).",
        swaps=(step(tensor_amax, lambda old: lambda x, r, *t: np.maximum(old(x, r, *t), np.float32(1e-12))),),
    ),
    Mutant(
        name="block-amax-misses-last",
        flag="Unexplained",
        comment="The block amax is taken over all values but the last. Wrong where the last one is the "
        "largest: one block in 16. Whoever has a loop that ends one early.",
        swaps=(
            entry(
                _MAXIMUM,
                {k: lambda a, axis, f=f: f(_without_last(a, axis), axis) for k, f in _MAXIMUM.items()},
            ),
        ),
    ),
    Mutant(
        name="bound-448",
        flag="Bound",
        comment="The tensor scale maps to 448 where the recipe says 256. Scales above 298 have no map-to-4 "
        "candidate of their own. Whoever keeps the constant of plain NVFP4.",
        swaps=other_bound(448),
    ),
    Mutant(
        name="bound-256",
        flag="Bound",
        recipe="te-mse-448",
        comment="The tensor scale maps to 256 where the recipe says 448. Every block scale differs. Whoever "
        "takes the published method for the only one.",
        swaps=other_bound(256),
    ),
    Mutant(
        name="tensor-scale-inverted",
        flag="TensorScaleInverted",
        comment="Encode scale S and decode scale D are exchanged. Nothing is left unless both are near 1. "
        "Whoever reads a checkpoint's multiplier as a divisor.",
        swaps=(step(tensor_scales, lambda old: lambda *given: _inverted(old(*given))),),
    ),
    Mutant(
        name="tensor-scale-by-reciprocal",
        flag="ReciprocalForDivision",
        comment="S = RN(1/A) * C where the recipe divides C by A. S is one step off for about a third of all "
        "A, so block scales near a midpoint change. Whoever writes `1536 / amax` in torch.",
        swaps=(entry(TENSOR_SCALE, {TensorScale.CLAMPED_ZERO_IS_ONE: reciprocal_first}),),
    ),
    Mutant(
        name="decode-scale-by-quotient",
        flag="Unexplained",
        comment="D = A/C where the recipe takes 1/S. D is one step off at times, so elements near a midpoint "
        "change. Whoever computes both scales from the amax.",
        swaps=(entry(TENSOR_SCALE, {TensorScale.CLAMPED_ZERO_IS_ONE: own_quotients}),),
    ),
    Mutant(
        name="decode-scale-flushed",
        flag="FlushToZero",
        comment="A subnormal D is flushed to zero: every element of a tensor with an amax below about 2e-35 "
        "comes out as a zero or the largest code. Whoever compiles with -ftz=true or --use_fast_math.",
        swaps=(step(tensor_scales, lambda old: lambda *given: _flush_decode(old(*given))),),
    ),
)


def _flush_decode(s: Scales) -> Scales:
    return replace(s, decode=flushed(s.decode))
