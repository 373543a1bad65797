"""The factor of the tensor scales, alpha: the exact ratio, and the forms in which programs compute it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.matmul.nearest import FORMS, nearest
from fos_ref.oracle.exact_error import AMAX_FORMS, ENCODE_FORMS
from fos_ref.recipes.axes import TensorScale
from fos_ref.storage.tensor import QuantizedTensor

#: (a, b) -> alpha, float32 () or (M, 1), (1, N), (M, N)
AlphaFn = Callable[[QuantizedTensor, QuantizedTensor], F32]


def ratios(q: QuantizedTensor) -> list[Fraction | None]:
    """Return what the codes times block scales of each row are worth: A/C, D or 1/S as the recipe has it.

    One number where all rows share it; None where it is not finite.
    """
    amax, encode, decode = (v.ravel().tolist() for v in (q.tensor_amax, q.encode_scale, q.decode_scale))
    if q.recipe.dequantize in AMAX_FORMS:
        return [_ratio(v, q.recipe.range_max) for v in amax]
    if q.recipe.dequantize in ENCODE_FORMS:
        return [_ratio(1, v) for v in encode]
    return [_ratio(v, 1) for v in decode]


def _ratio(n: float, d: float) -> Fraction | None:
    if not (np.isfinite(n) and np.isfinite(d)) or not d:
        return None
    return Fraction(n) / Fraction(d)


def exact_alpha(a: QuantizedTensor, b: QuantizedTensor) -> F32:
    """Return the exact ratio rounded once."""
    form = FORMS["float32"]

    def one(x: Fraction | None, y: Fraction | None) -> float:
        return float("nan") if x is None or y is None else nearest(x * y, form)

    found = [[one(x, y) for y in ratios(b)] for x in ratios(a)]
    return _shaped(np.array(found, dtype=np.float32))


def amax_product(a: QuantizedTensor, b: QuantizedTensor) -> F32:
    """Return RN(RN(A*B) / (Ca*Cb)): two roundings.

    Source: NVIDIA/TransformerEngine@d0067d0:transformer_engine/pytorch/custom_recipes/
            reference_nvfp4.py::NVFP4QuantizerRef.qgemm
    """
    with np.errstate(all="ignore"):
        product = _column(_amax(a)) * _row(_amax(b))
        return _shaped(product / np.float32(_range(a) * _range(b)))


def encode_product(a: QuantizedTensor, b: QuantizedTensor) -> F32:
    """Return RN(1 / RN(Sa*Sb)): two roundings; 0 where the product overflows.

    Source: flashinfer-ai/flashinfer@fb28d72:tests/gemm/test_mm_fp4.py
    """
    with np.errstate(all="ignore"):
        return _shaped(np.float32(1) / (_column(a.encode_scale) * _row(b.encode_scale)))


def decode_product(a: QuantizedTensor, b: QuantizedTensor) -> F32:
    """Return RN(RN(A/Ca) * RN(B/Cb)): three roundings.

    Source: pytorch/ao@36027d8:torchao/prototype/mx_formats/nvfp4_tensor.py::_addmm_nvfp4_dispatch
    """
    with np.errstate(all="ignore"):
        left = _column(_amax(a)) / np.float32(_range(a))
        return _shaped(left * (_row(_amax(b)) / np.float32(_range(b))))


ALPHAS: Mapping[str, AlphaFn] = MappingProxyType(
    {
        "exact": exact_alpha,
        "amax-product": amax_product,
        "encode-product": encode_product,
        "decode-product": decode_product,
    }
)


def _amax(q: QuantizedTensor) -> F32:
    """Return A; 1 for a recipe without a tensor scale."""
    return np.ones_like(q.tensor_amax) if q.recipe.tensor_scale is TensorScale.NONE else q.tensor_amax


def _range(q: QuantizedTensor) -> int | float:
    return 1 if q.recipe.tensor_scale is TensorScale.NONE else q.recipe.range_max


def _column(v: F32) -> F32:
    return np.asarray(v, dtype=np.float32).reshape(-1, 1)


def _row(v: F32) -> F32:
    return np.asarray(v, dtype=np.float32).reshape(1, -1)


def _shaped(found: F32) -> F32:
    """Return one number as (), others as they are."""
    return found.reshape(()) if found.size == 1 else found
