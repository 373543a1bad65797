"""Adding up a block's error terms: float32 addition is not associative, so each order is written out (N12).

np.sum, `@`, einsum and .mean() have orders of their own and are never used on the error path.
Every function takes terms (..., 16) for 1x16 blocks or (..., 256) for 16x16 tiles (row-major), those in
sequence and torch's also (..., 8), and returns (...): one float32 rounding per addition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.rounding import fma
from fos_ref.recipes.axes import Reduction
from fos_ref.recipes.recipe import BLOCK

ReduceFn = Callable[[F32], F32]

_LANES = 8  #: float32 lanes of torch's vectorised CPU sum
_ACCUMULATORS = 4  #: independent vector accumulators of the same


def in_order(terms: F32) -> F32:
    """Return ((t0 + t1) + t2) + ... over the last axis."""
    total = terms[..., 0]
    for i in range(1, terms.shape[-1]):
        total = total + terms[..., i]
    return total


def halving_tree(terms: F32) -> F32:
    """Return the sum of 16 by r[i] += r[i+8], then +4, +2, +1, as a warp's shuffle-down adds."""
    while terms.shape[-1] > 1:
        half = terms.shape[-1] // 2
        terms = terms[..., :half] + terms[..., half:]
    return terms[..., 0]


def sequential(terms: F32) -> F32:
    """Return the sum in element order; a 16x16 tile: each row in order, then the rows by the tree.

    Source: TransformerEngine quantize_4over6_nvfp4.cuh and reference_nvfp4.py::_sum_4over6_2d_error.
    """
    if terms.shape[-1] <= BLOCK:
        return in_order(terms)
    return halving_tree(in_order(terms.reshape(*terms.shape[:-1], BLOCK, BLOCK)))


def halves(terms: F32) -> F32:
    """Return the sum of elements 0..7 in order plus that of 8..15: two threads of 8, one shuffle.

    Source: FlashInfer quantization_utils.cuh where a thread holds 8 elements.
    """
    return in_order(terms[..., :_LANES]) + in_order(terms[..., _LANES:])


def torch_cpu(terms: F32) -> F32:
    """Return the sum in the order of torch.sum over a contiguous last axis on a CPU (torch 2.13).

    Vectors of 8 lanes go round-robin into up to 4 accumulators, the accumulators are added in order, then
    the 8 lanes in order. For 16 terms: l[j] = t[j] + t[j+8], then l0 + l1 + ... + l7.
    """
    vectors = terms.reshape(*terms.shape[:-1], terms.shape[-1] // _LANES, _LANES)
    count = vectors.shape[-2]
    lanes = [vectors[..., a, :] for a in range(min(_ACCUMULATORS, count))]
    for v in range(_ACCUMULATORS, count):
        lanes[v % _ACCUMULATORS] = lanes[v % _ACCUMULATORS] + vectors[..., v, :]
    total = lanes[0]
    for lane in lanes[1:]:
        total = total + lane
    return in_order(total)


def maximum(terms: F32) -> F32:
    """Return the largest term: exact, so it has no order. A NaN term gives NaN."""
    largest: F32 = np.max(terms, axis=-1)
    return largest


def fused_in_order(d: F32) -> F32:
    """Return e = fma(d[i], d[i], e) over the last axis, from e = 0."""
    total = np.zeros(d.shape[:-1], dtype=np.float32)
    for i in range(d.shape[-1]):
        total = fma(d[..., i], d[..., i], total)
    return total


def fused_sequential(d: F32) -> F32:
    """Return the sum of squares by fma in element order; a 16x16 tile: rows so, then the tree.

    Source: fouroversix fp4_quant_kernel.h, whose `e += d * d` the compiler contracts.
    """
    if d.shape[-1] <= BLOCK:
        return fused_in_order(d)
    return halving_tree(fused_in_order(d.reshape(*d.shape[:-1], BLOCK, BLOCK)))


def fused_even_odd(d: F32) -> F32:
    """Return the sum of squares: per 8 elements the even and the odd ones by fma, added; then the halves.

    Source: Quartet II round_four_six.cu.
    """
    first, second = (
        fused_in_order(half[..., 0::2]) + fused_in_order(half[..., 1::2])
        for half in (d[..., :_LANES], d[..., _LANES:])
    )
    return first + second


#: Orders over error terms, whatever the metric.
REDUCE: Mapping[Reduction, ReduceFn] = MappingProxyType(
    {
        Reduction.SEQUENTIAL: sequential,
        Reduction.HALVES: halves,
        Reduction.TORCH_CPU: torch_cpu,
    }
)

#: Orders that square inside a fused multiply-add: over differences.
FUSED_REDUCE: Mapping[Reduction | None, ReduceFn] = MappingProxyType(
    {
        Reduction.FUSED_SEQUENTIAL: fused_sequential,
        Reduction.FUSED_EVEN_ODD: fused_even_odd,
    }
)
