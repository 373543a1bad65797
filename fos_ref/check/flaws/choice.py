"""Flaws of the choice: metric, error domain, order of the sum, ties, no choice at all (N10-N13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from fos_ref.check.flaws.amax import BF16
from fos_ref.check.flaws.flaw import Flaw, Wrap
from fos_ref.check.orders import for_tiles, FUSED_ORDERS, Order, ROW_ORDERS, TILE_ORDERS
from fos_ref.formats.arrays import F32
from fos_ref.model.errors import ERROR_TERM, input_product
from fos_ref.model.rounding import fma, to_dtype
from fos_ref.model.scales import ONE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import BlockShape, Candidates, ErrorDomain, ErrorMetric, Reduction, Tie
from fos_ref.recipes.recipe import Recipe

_METRIC_FLAGS = {
    ErrorMetric.MSE: "MetricMse",
    ErrorMetric.MAE: "MetricMae",
    ErrorMetric.ABS_MAX: "MetricAbsMax",
}
_FUSED = (Reduction.FUSED_SEQUENTIAL, Reduction.FUSED_EVEN_ODD)
_UNFUSED = {Reduction.FUSED_SEQUENTIAL: Reduction.SEQUENTIAL, Reduction.FUSED_EVEN_ODD: Reduction.SEQUENTIAL}


def flaws(r: Recipe) -> Iterator[Flaw]:
    """Yield the flaws of this part of the walk under r; without a choice, the other candidate alone."""
    if r.search is not None:
        yield Flaw("AlwaysSix", "there is no search: block scales follow from the block amax", _NO_SEARCH)
        yield from _metrics(r)
    if not r.chooses:
        yield from _other_maximum(r)
        return
    yield from _no_choice()
    yield from _metrics(r)
    yield from _domains(r)
    if r.error_domain is not ErrorDomain.TRIAL:
        yield from _own_domains(r)
        yield from _fused_residuals(r)
    yield from _orders(r)


_NO_SEARCH = {"candidates": Candidates.SIX} | dict.fromkeys(
    ("error_domain", "error_metric", "reduction", "tie")
)


def _no_choice() -> Iterator[Flaw]:
    for flag, wins in (("AlwaysSix", False), ("AlwaysFour", True)):
        what = f"every block maps to {'4' if wins else '6'}"
        yield Flaw(flag, what, wraps={"pick": _always(wins)})
    yield Flaw("TieRule", "map-to-4 wins a tie", {"tie": Tie.FOUR}, ties=True)
    yield Flaw("TieRule", "map-to-6 wins a tie", {"tie": Tie.SIX}, ties=True)


def _other_maximum(r: Recipe) -> Iterator[Flaw]:
    """Yield the mistakes of a recipe that maps every block to one magnitude: it is the other one."""
    if r.candidates not in _MAPS_TO:
        return
    own, (other, flag, candidates) = r.element_max, _MAPS_TO[r.candidates]
    what = f"block scales are b/{other} where the recipe has b/{own}"
    m = np.float32(other)
    yield Flaw(flag, what, wraps={"base": lambda old: lambda b, t, _, r: old(b, t, m, r)})
    yield Flaw(flag, f"{what}, and C follows", {"candidates": candidates})
    stored = _stored_as(np.float32(own / other))
    yield Flaw(flag, f"{what}; the codes are those of b/{own}", wraps={"cast_scale": stored}, usual=False)


def _stored_as(factor: np.float32) -> Wrap:
    """Return the wrap that stores another multiple of the block scale than the codes are made with."""

    def wrap(old: Any) -> Any:
        def cast(base: F32, r: Recipe) -> Any:
            return old(base * factor, r)[0], old(base, r)[1]

        return cast

    return wrap


#: candidates -> (the other magnitude, the flag of mapping to it, its candidates)
_MAPS_TO = {
    Candidates.SIX: (4, "AlwaysFour", Candidates.FOUR),
    Candidates.FOUR: (6, "AlwaysSix", Candidates.SIX),
}


def _always(wins: bool) -> Wrap:  # noqa: FBT001
    return lambda _: lambda err4, err6, r: np.full(err6.shape, wins)  # noqa: ARG005


def _metrics(r: Recipe) -> Iterator[Flaw]:
    for metric, flag in _METRIC_FLAGS.items():
        if metric is r.error_metric:
            continue
        for reduction in _reductions(metric, r):
            order = f", added {reduction.value}" if reduction and reduction is not r.reduction else ""
            yield Flaw(flag, f"the metric is {metric.value}{order}", _metric_axes(metric, reduction, r))


def _metric_axes(metric: ErrorMetric, reduction: Reduction | None, r: Recipe) -> dict[str, Any]:
    axes: dict[str, Any] = {"error_metric": metric}
    return axes if reduction is r.reduction else axes | {"reduction": reduction}


def _reductions(metric: ErrorMetric, r: Recipe) -> tuple[Reduction | None, ...]:
    """Return the orders that a sum of the metric may have in place of the recipe's."""
    if metric is ErrorMetric.ABS_MAX:
        return (None,)
    if r.reduction is None:
        return (Reduction.SEQUENTIAL, Reduction.TORCH_CPU, Reduction.HALVES)
    return (_UNFUSED.get(r.reduction, r.reduction),)


# --- N10 -----------------------------------------------------------------------------------------------


def _domains(r: Recipe) -> Iterator[Flaw]:
    assert r.error_domain is not None
    pair = {ErrorDomain.FUSED_RESIDUAL, ErrorDomain.INPUT_PRODUCT}
    for domain in ErrorDomain:
        if domain in (r.error_domain, ErrorDomain.TRIAL):
            continue
        flag = "FmaContraction" if {domain, r.error_domain} == pair else "ErrorDomain"
        what = f"the error is {domain.value} where the recipe has {r.error_domain.value}"
        yield Flaw(flag, what, {"error_domain": domain})


def _own_domains(r: Recipe) -> Iterator[Flaw]:
    assert r.error_domain is not None
    for flag, form, difference in _OWN_DOMAINS:
        what = f"the error is {form} where the recipe has {r.error_domain.value}"
        usual = flag == "ReciprocalForDivision"
        yield Flaw(flag, what, wraps={"difference": _instead(difference)}, usual=usual)


Difference = Callable[[F32, F32, F32, Scales], F32]


def _instead(difference: Difference) -> Wrap:
    return lambda _: lambda q, s, x, t, unit, r: difference(q * unit, s, x, t)  # noqa: ARG005


def _rounded_value(q: F32, s: F32, x: F32, t: Scales) -> F32:
    return to_dtype(((q * s) * t.amax) / t.range_max, BF16) - x


def _wide(q: F32, s: F32, x: F32, t: Scales) -> F32:
    value = q.astype(np.float64) * s * t.amax / t.range_max
    return np.asarray((value - x).astype(np.float32))


#: Differences that no recipe has: q is what the code is worth, s the block scale.
_OWN_DOMAINS: tuple[tuple[str, str, Difference], ...] = (
    ("ErrorDomain", "x/(s*D) - q times s*D", lambda q, s, x, t: (q - x / (s * t.decode)) * (s * t.decode)),
    ("ErrorDomain", "(q - x/(s*D))*s", lambda q, s, x, t: (q - x / (s * t.decode)) * s),
    ("ErrorDomain", "q*(s*(A/C)) - x", lambda q, s, x, t: q * (s * (t.amax / t.range_max)) - x),
    ("ErrorDomain", "(q*s)/S - x", lambda q, s, x, t: (q * s) / t.encode - x),
    ("ErrorDomain", "(q*s)*(A/C) - x", lambda q, s, x, t: (q * s) * (t.amax / t.range_max) - x),
    ("ErrorDomain", "that of a value rounded to bfloat16", _rounded_value),
    ("ErrorDomain", "taken in float64", _wide),
    (
        "ReciprocalForDivision",
        "((q*s)*A)*(1/C) - x",
        lambda q, s, x, t: ((q * s) * t.amax) * (ONE / t.range_max) - x,
    ),
    (
        "ReciprocalForDivision",
        "(q*s)*(A*(1/C)) - x",
        lambda q, s, x, t: (q * s) * (t.amax * (ONE / t.range_max)) - x,
    ),
)


# --- fused ---------------------------------------------------------------------------------------------


def _residual_forms() -> Mapping[ErrorDomain, Difference]:
    return {
        ErrorDomain.INPUT_DECODE: lambda q, s, x, t: fma(q * s, t.decode, -x),
        ErrorDomain.SCALED: lambda q, s, x, t: fma(-x, t.encode, q * s),
        ErrorDomain.INPUT_PRODUCT: lambda q, s, x, t: fma(q, s * t.decode, -x),
        ErrorDomain.INPUT_QUOTIENT: lambda q, s, x, t: fma(q, s / t.encode, -x),
        ErrorDomain.FUSED_RESIDUAL: lambda q, s, x, t: input_product(q, s, x, t, ONE),
    }


def _fused_residuals(r: Recipe) -> Iterator[Flaw]:
    """Yield contractions of a difference, alone and with that of the sum."""
    assert r.error_domain is not None
    form = _residual_forms().get(r.error_domain)
    if form is None:
        return
    residual = {"difference": _instead(form)}
    yield Flaw(
        "FmaContraction", "the difference from x is one fused operation or, as given, two", wraps=residual
    )
    if r.reduction is Reduction.SEQUENTIAL and r.error_metric is ErrorMetric.MSE:
        both = residual | {"total": _fused_total(FUSED_ORDERS["in order"])}
        yield Flaw("FmaContraction", "the difference and e + d*d are fused", wraps=both)


# --- N12 -----------------------------------------------------------------------------------------------


def _orders(r: Recipe) -> Iterator[Flaw]:
    if r.reduction is None:
        return
    if r.error_metric is ErrorMetric.MSE:
        yield from _fusions(r)
    tiles = r.block_shape is BlockShape.TILE_16X16
    for name, order in (TILE_ORDERS if tiles else ROW_ORDERS).items():
        flag = "FmaContraction" if r.reduction in _FUSED and name.endswith("in order") else "ReductionOrder"
        what = f"error terms are added {name}, where the recipe has {r.reduction.value}"
        yield Flaw(flag, what, wraps={"total": _total(order)})


def _fusions(r: Recipe) -> Iterator[Flaw]:
    assert r.reduction is not None
    for name, order in FUSED_ORDERS.items():
        own = r.reduction not in _FUSED
        flag = "FmaContraction" if own else "ReductionOrder"
        what = f"squares are added by fused multiply-add, {name}, where the recipe has {r.reduction.value}"
        yield Flaw(flag, what, wraps={"total": _fused_total(for_tiles(order))})


def _total(order: Order) -> Wrap:
    return lambda _: (
        lambda d, r: order(ERROR_TERM[r.error_metric](d)) if r.reduction else np.abs(d).max(axis=-1)
    )


def _fused_total(order: Order) -> Wrap:
    return lambda old: lambda d, r: order(d) if r.error_metric is ErrorMetric.MSE else old(d, r)
