"""A product as a program computes it: `run`, and the accumulator before alpha, `raw`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.engines.front import dequantize
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.formats.bits import canonical_nan
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.accumulate import accumulate, Accumulator, Running
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.matmul.eight_bits import eight_bit_product
from fos_ref.matmul.models import Factors, Last, Model, MODELS
from fos_ref.matmul.nearest import cast, FORMS
from fos_ref.matmul.operand import Operand, operands
from fos_ref.matmul.product import rounded
from fos_ref.matmul.sums import SINGLE
from fos_ref.storage.tensor import check_tensor, QuantizedTensor


def run(a: QuantizedTensor, b: QuantizedTensor, model: str = "te", out: str = "float32") -> AnyArray:
    """Return the product of two quantized tensors with the bits of a program.

    model:    one of MODELS; docs/products.md has the table
    out:      "float32", "bfloat16" or "float16"
    Shapes:   a (M, K), b (N, K) -> (M, N)
    Rounding: the additions as the model's accumulator says, then alpha and the cast as its `last` says, to
              nearest even.
    Specials: a NaN block scale makes its outputs NaN (ggml: 0x7F counts as 0). NaN is 7FC00000.
    Raises:   as `exact`; InputError for another model or `out`, and for elements whose products
              no program here has (INT4 beside E2M1, 8 bits).
    """
    chosen = MODELS[one_of(model, MODELS, "model")]
    one_of(out, FORMS, "out")
    check_float_environment()
    if chosen.last is Last.ONCE:
        return rounded(a, b, out)
    if chosen.factors is Factors.EIGHT_BITS:
        return cast(eight_bit_product(a, b), out)
    total = _running(a, b, chosen, out).total
    return finished(total, None if chosen.alpha is None else ALPHAS[chosen.alpha](a, b), chosen.last, out)


def raw(a: QuantizedTensor, b: QuantizedTensor, model: str = "te") -> Running:
    """Return a model's float32 accumulator before alpha, and a bound for its distance from the exact sum.

    Raises: as `run`; InputError for a model without one.
    """
    chosen = MODELS[one_of(model, MODELS, "model")]
    check_float_environment()
    if chosen.accumulator is None or chosen.factors is not Factors.CODES:
        msg = f"model {model}: it has no accumulator of codes times block scales"
        raise InputError(msg)
    return _running(a, b, chosen, "float32")


def finished(total: F32, alpha: F32 | None, last: Last, out: str) -> AnyArray:
    """Return the output of an accumulator: alpha and the cast, rounded as `last` says."""
    with np.errstate(all="ignore"):
        if last is Last.CAST_THEN_ALPHA and alpha is not None:
            product = cast(total, out).astype(np.float32) * cast(alpha, out).astype(np.float32)
            return cast(canonical_nan(product), out)
        scaled = total if alpha is None else alpha * total
    return cast(canonical_nan(np.asarray(scaled, dtype=np.float32)), out)


def _running(a: QuantizedTensor, b: QuantizedTensor, model: Model, out: str) -> Running:
    x, y = operands(a, b, "run")
    if model.factors is Factors.CODES:
        _check_whole(a, x)
        _check_whole(b, y)
    form = model.accumulator
    assert form is not None
    if model.factors is Factors.CODES:
        return accumulate(x, y, form)
    return accumulate(_valued(a, x, model, out), _valued(b, y, model, out), form)


def _check_whole(q: QuantizedTensor, x: Operand) -> None:
    """Raise InputError for elements whose group products float32 does not hold, and for two steps."""
    most = int(np.abs(x.elements).max(initial=0)) ** 2 * x.elements.shape[2]
    if x.uneven.any() or most > SINGLE:
        fmt = q.recipe.element_format.value
        msg = f"elements of {fmt}: ones whose products of 16 add up exactly in float32 are allowed, as E2M1"
        raise InputError(msg)


def _valued(q: QuantizedTensor, x: Operand, model: Model, out: str) -> Operand:
    """Return an operand whose elements are the dequantized values, under scales of 1."""
    values = np.asarray(dequantize(check_tensor(q, "run")), dtype=np.float32)
    if model.factors is Factors.VALUES_IN_OUT:
        values = cast(values, out).astype(np.float32)
    whole = np.zeros(x.values.size, dtype=np.float32).reshape(len(x.values), -1)
    flat = values.reshape(len(whole), -1)
    whole[:, : flat.shape[1]] = flat
    return replace(x, values=whole.reshape(x.values.shape), scales=np.ones_like(x.scales))


def accumulator(model: str) -> Accumulator | None:
    """Return a model's accumulator as data; None where it adds exactly."""
    return MODELS[one_of(model, MODELS, "model")].accumulator


__all__ = ["accumulator", "finished", "raw", "run"]
