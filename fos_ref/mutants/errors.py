"""Mutants of the choice: the error of a candidate, the order of its sum, and who wins (N10-N13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fos_ref.formats.arrays import Bool, F32, U8
from fos_ref.model.errors import (
    block_error,
    ERROR_DOMAIN,
    ERROR_TERM,
    input_decode,
    input_product,
    PICK_4,
    scaled,
    square,
)
from fos_ref.model.quantize import keep
from fos_ref.model.reduce import (
    FUSED_REDUCE,
    fused_sequential,
    halves,
    halving_tree,
    in_order,
    maximum,
    REDUCE,
    ReduceFn,
    sequential,
    torch_cpu,
)
from fos_ref.model.trace import Candidate, Scales
from fos_ref.mutants.amax import flushed
from fos_ref.mutants.mutant import Mutant
from fos_ref.mutants.plant import entry, Swap
from fos_ref.recipes.axes import ErrorDomain, ErrorMetric, Reduction, Tie
from fos_ref.recipes.recipe import BLOCK, Recipe


def adjacent_tree(terms: F32) -> F32:
    """Return the sum by pairs of neighbours: (t0 + t1) + (t2 + t3), and so on, as a butterfly adds."""
    while terms.shape[-1] > 1:
        terms = terms[..., 0::2] + terms[..., 1::2]
    return terms[..., 0]


def pairwise(terms: F32) -> F32:
    """Return the sum of 16 as np.sum adds a contiguous axis: t[j] + t[j+8], then neighbours by pairs."""
    half = terms.shape[-1] // 2
    return adjacent_tree(terms[..., :half] + terms[..., half:])


def in_float64(terms: F32) -> F32:
    """Return the sum in element order with a float64 accumulator, rounded once at the end."""
    total = terms[..., 0].astype(np.float64)
    for i in range(1, terms.shape[-1]):
        total = total + terms[..., i]
    return total.astype(np.float32)


def by_rows(order: ReduceFn, rows: ReduceFn = halving_tree) -> ReduceFn:
    """Return the sum of a block by `order`; of a tile: each row so, then the rows by `rows`."""

    def total(terms: F32) -> F32:
        if terms.shape[-1] == BLOCK:
            return order(terms)
        return rows(order(terms.reshape(*terms.shape[:-1], BLOCK, BLOCK)))

    return total


def _order(new: ReduceFn) -> tuple[Swap, ...]:
    return (entry(REDUCE, {Reduction.SEQUENTIAL: new}),)


def _contracted(difference: F32, r: Recipe) -> F32:
    fuses = r.error_metric is ErrorMetric.MSE and r.reduction is Reduction.SEQUENTIAL
    return fused_sequential(difference) if fuses else block_error(difference, r)


def _largest(difference: F32, r: Recipe) -> F32:
    return maximum(np.abs(difference)) if r.error_metric is ErrorMetric.MSE else block_error(difference, r)


def by_reciprocal(q: F32, s: F32, x: F32, t: Scales, unit: np.float32) -> F32:
    """Return (((q*s) * A) * unit) * RN(1/C) - x."""
    return (((q * s) * t.amax) * unit) * (np.float32(1) / t.range_max) - x


def _pick(new: Callable[[F32, F32], Bool]) -> tuple[Swap, ...]:
    return (entry(PICK_4, {Tie.SIX: new}),)


def _six_s_scale(map6: Candidate | None, map4: Candidate | None, picked4: Bool, r: Recipe) -> tuple[U8, U8]:
    codes, scales = keep(map6, map4, picked4, r)
    return codes, scales if map6 is None or map4 is None else map6.scale_code


def _reordered(name: str, who: str, new: ReduceFn, recipe: str = "4over6") -> Mutant:
    how = "The rows of a tile are" if recipe.endswith("16x16") else "The error terms of a block are"
    return Mutant(
        name=f"order-{name}",
        flag="ReductionOrder",
        recipe=recipe,
        comment=f"{how} added in another order ({name}). The last bits of both errors move, so nearly equal "
        f"candidates change places. {who}",
        swaps=_order(new),
    )


_ORDERS = (
    _reordered("halves", "Whoever gives a block to two threads of 8.", by_rows(halves)),
    _reordered("torch", "Whoever calls torch.sum over the block.", torch_cpu),
    _reordered("numpy", "Whoever calls np.sum over the block.", by_rows(pairwise)),
    _reordered("tree", "Whoever reduces by shuffles, 8, 4, 2, 1.", by_rows(halving_tree)),
    _reordered("butterfly", "Whoever adds neighbours first.", by_rows(adjacent_tree)),
    _reordered("reversed", "Whoever counts down.", by_rows(lambda t: in_order(t[..., ::-1]))),
    _reordered("float64", "Whoever accumulates in double precision.", by_rows(in_float64)),
    _reordered("rows-in-order", "Whoever loops over the rows.", by_rows(in_order, in_order), "4over6-16x16"),
    _reordered("256-in-order", "Whoever flattens the tile first.", in_order, "4over6-16x16"),
)

MUTANTS = (
    Mutant(
        name="metric-mae",
        flag="MetricMae",
        comment="Candidates are compared by their absolute error, not their squared one. About one block in "
        "ten is kept in the other form. Whoever takes TransformerEngine's default.",
        swaps=(entry(ERROR_TERM, {ErrorMetric.MSE: np.abs}),),
    ),
    Mutant(
        name="metric-mse",
        flag="MetricMse",
        recipe="4over6-mae",
        comment="Candidates are compared by their squared error, not their absolute one. Whoever takes the "
        "paper's metric where the recipe has another.",
        swaps=(entry(ERROR_TERM, {ErrorMetric.MAE: square}),),
    ),
    Mutant(
        name="metric-absmax",
        flag="MetricAbsMax",
        comment="Candidates are compared by their largest error, not their squared one. Whoever picks the "
        "wrong one of fouroversix's three rules.",
        swaps=(Swap(block_error, _largest),),
    ),
    Mutant(
        name="tie-four",
        flag="TieRule",
        comment="Equal errors go to map-to-4. Seen for exact ties, which coarse values bring about. Whoever "
        "writes <= for <, or asks err6 < err4 the other way round.",
        swaps=_pick(lambda err4, err6: err4 <= err6),
    ),
    Mutant(
        name="always-six",
        flag="AlwaysSix",
        comment="No selection: plain NVFP4 under the other bound. About half of all blocks differ. Whoever "
        "has the flag switched off.",
        swaps=_pick(lambda err4, _: np.zeros(err4.shape, dtype=np.bool_)),
    ),
    Mutant(
        name="always-four",
        flag="AlwaysFour",
        comment="No selection: every block to 4. About half of all blocks differ. Whoever tests one "
        "candidate and leaves the other out.",
        swaps=_pick(lambda err4, _: np.ones(err4.shape, dtype=np.bool_)),
    ),
    Mutant(
        name="picks-the-worse",
        flag="Unexplained",
        comment="The candidate with the larger error is kept. All blocks but the ties differ. Whoever mixes "
        "up the order of arguments.",
        swaps=_pick(lambda err4, err6: err4 > err6),
    ),
    Mutant(
        name="scale-of-the-loser",
        flag="Unexplained",
        comment="The codes are the winner's, the scale is always map-to-6's. Blocks that chose 4 decode a "
        "third too small. Whoever writes the scale before the choice.",
        swaps=(Swap(keep, _six_s_scale),),
    ),
    Mutant(
        name="error-in-scaled-domain",
        flag="ErrorDomain",
        comment="The error is q*s - x*S where the recipe measures it in the input's domain. Only roundings "
        "differ, so nearly equal candidates change places. Whoever saves a division per element.",
        swaps=(entry(ERROR_DOMAIN, {ErrorDomain.INPUT_AMAX: scaled}),),
    ),
    Mutant(
        name="error-by-decode-scale",
        flag="ErrorDomain",
        comment="The error is (q*s)*D - x where the recipe has ((q*s)*A)/C - x. Only roundings differ. "
        "Whoever dequantizes by the stored decode scale.",
        swaps=(entry(ERROR_DOMAIN, {ErrorDomain.INPUT_AMAX: input_decode}),),
    ),
    Mutant(
        name="error-by-reciprocal",
        flag="ReciprocalForDivision",
        comment="The error multiplies by RN(1/C) where the recipe divides by C. Only roundings differ. "
        "Whoever lets the compiler turn a constant divisor into a factor.",
        swaps=(entry(ERROR_DOMAIN, {ErrorDomain.INPUT_AMAX: by_reciprocal}),),
    ),
    *_ORDERS,
    Mutant(
        name="error-contracted",
        flag="FmaContraction",
        comment="e + d*d is one fused multiply-add. The last bits of both errors move. Whoever compiles with "
        "nvcc's defaults, or with g++ -march=native.",
        swaps=(Swap(block_error, _contracted),),
    ),
    Mutant(
        name="error-not-contracted",
        flag="FmaContraction",
        recipe="fouroversix-cuda-mse",
        comment="The square is rounded before it is added, where the recipe fuses. The last bits of both "
        "errors move. Whoever compiles that source with -fmad=false.",
        swaps=(entry(FUSED_REDUCE, {Reduction.FUSED_SEQUENTIAL: lambda d: sequential(square(d))}),),
    ),
    Mutant(
        name="residual-not-contracted",
        flag="FmaContraction",
        recipe="quartet2-4over6",
        comment="The residual x - q*(s*D) rounds its product, where the recipe fuses. The last bits of both "
        "errors move. Whoever writes fma(a, b, c) as a*b + c.",
        swaps=(entry(ERROR_DOMAIN, {ErrorDomain.FUSED_RESIDUAL: input_product}),),
    ),
    Mutant(
        name="error-misses-last",
        flag="Unexplained",
        comment="The last value's error is left out of the sum. Whoever has a loop that ends one early.",
        swaps=_order(by_rows(lambda t: in_order(t[..., :-1]))),
    ),
    Mutant(
        name="square-flushed",
        flag="FlushToZero",
        comment="A squared error below 2^-126 counts as zero, so both candidates tie at zero and 6 wins. "
        "Seen for tensors with an amax below about 1e-17. Whoever compiles with -ftz=true, as CuPy does.",
        swaps=(entry(ERROR_TERM, {ErrorMetric.MSE: lambda d: flushed(square(d))}),),
    ),
)
