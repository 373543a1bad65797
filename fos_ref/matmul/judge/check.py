"""`fos_ref.verify.check_matmul`: an output against what is known of the product."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.engines.given import float32_values
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, ShapeError
from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.formats.environment import check_float_environment
from fos_ref.matmul.judge.diagnosis import ANY_ORDER, CERTIFIED, MatmulDiagnosis, OUTSIDE, RUNNING, Wrong
from fos_ref.matmul.judge.known import expected, Known, known, Models, sure_of
from fos_ref.matmul.judge.mistakes import causes
from fos_ref.matmul.models import Last, MODELS
from fos_ref.matmul.nearest import FORMS
from fos_ref.matmul.run import finished
from fos_ref.storage.tensor import QuantizedTensor


class _Judged(NamedTuple):
    """Where outputs are certified, where they have the value of certified ones, where they are outside."""

    sure: Bool
    equal: Bool
    wrong: Bool


def check_matmul(
    out: Any, a: QuantizedTensor, b: QuantizedTensor, model: str | None = None, alpha: Any = None
) -> MatmulDiagnosis:
    """Say whether `out` is the product of `a` and `b`, whose bits it has, and what is wrong with it.

    model:    the program whose bits are asked for; None: any
    alpha:    the factor that the kernel was given, float32: one, or (M, 1), (1, N), (M, N). 1 for an
              accumulator. None: the tensor scales of a and b, in any of the known forms
    Shapes:   a (M, K), b (N, K), out (M, N)
    Dtypes:   out float32, bfloat16 or float16, of NumPy, torch, JAX, ...
    Verdict:  the first that holds. "certified-exact": every output is certified and equal.
              "inside-running-bound": certified outputs are equal, the others inside the running bound of the
              model's order, or of a model's. "inside-any-order-bound": all are inside that bound; certified
              ones may differ in the form of alpha only. "outside": some output is not. NaN has to be where
              a block scale is NaN.
    Rounding: none of `out`. Bounds are float64, far wider than their own roundings. -0 and +0 are equal.
    Raises:   as `exact`; ShapeError and DtypeError for `out`; InputError for another model or alpha.
    """
    if model is not None:
        one_of(model, MODELS, "model")
    given = as_numpy(out)
    check_float_environment()
    k = known(a, b, None)
    _check_out(given, k.sums.shape)
    if alpha is not None:
        k = _with_alpha(k, alpha)
    return _judged(given, k, model)


def _check_out(out: AnyArray, shape: tuple[int, ...]) -> None:
    if out.dtype.name not in FORMS:
        msg = f"out of dtype {out.dtype}: one of {', '.join(FORMS)} is allowed"
        raise DtypeError(msg)
    if out.shape != shape:
        msg = f"out of shape {out.shape}: the product has {shape}"
        raise ShapeError(msg)


def _with_alpha(k: Known, alpha: Any) -> Known:
    given = float32_values(alpha, "alpha")
    rows, cols = k.sums.shape
    if given.size != 1 and given.shape not in ((rows, 1), (1, cols), (rows, cols)):
        allowed = f"one number, or those of {rows} rows, of {cols} columns or of the outputs, are allowed"
        msg = f"alpha of shape {given.shape}: {allowed}"
        raise ShapeError(msg)
    return replace(k, given=given.reshape(()) if given.size == 1 else given)


def _judged(out: AnyArray, k: Known, model: str | None) -> MatmulDiagnosis:
    computed = Models(k)
    name = out.dtype.name
    sure = sure_of(k, model)
    form, equal = _certified(out, k, sure)
    same = tuple(m.name for m in MODELS.values() if _same(computed.output(m, name), out))
    values = out.astype(np.float64)
    anywhere = _inside(values, k, k.any_order(), name, roundings=3)
    fixed_alpha = k.given is not None and name == "float32"
    wrong = ~anywhere | (sure & ~equal) if fixed_alpha else ~anywhere
    verdict = _verdict(values, computed, name, _Judged(sure, equal, wrong), model)
    if same and verdict == OUTSIDE:  # the operands themselves were rounded: its own order is known
        verdict, wrong = RUNNING, np.zeros_like(wrong)
    return MatmulDiagnosis(
        equal=model in same if model is not None else bool(same) or verdict == CERTIFIED,
        verdict=verdict,
        models=same,
        certified=float(np.count_nonzero(sure) / sure.size) if sure.size else 1.0,
        outputs=out.size,
        wrong=int(np.count_nonzero(wrong)),
        causes=(*_other_alpha(out, k, sure), *causes(values, k, name)) if verdict == OUTSIDE else (),
        alpha=form,
        first=_first(values, k, wrong, sure, name) if verdict == OUTSIDE else None,
    )


def _verdict(values: F64, computed: Models, name: str, judged: _Judged, model: str | None) -> str:
    if judged.wrong.any():
        return OUTSIDE
    if np.any(judged.sure & ~judged.equal):
        return ANY_ORDER
    if judged.sure.all():
        return CERTIFIED
    names = tuple(MODELS) if model is None else (model,)
    for bound in computed.bounds(names):
        if np.all(judged.sure | _inside(values, computed.known, bound, name, roundings=1)):
            return RUNNING
    return ANY_ORDER


def _certified(out: AnyArray, k: Known, sure: Bool) -> tuple[str | None, Bool]:
    """Return the form of alpha that fits the certified outputs best, and where they are equal under it."""
    best: tuple[int, str | None, Bool] = (-1, None, np.zeros(out.shape, dtype=np.bool_))
    for name, want in expected(k, out.dtype.name):
        equal = _equal(out, want)
        count = int(np.count_nonzero(equal & sure))
        if count > best[0]:
            best = (count, name, equal)
    fits = sure.any() and bool(np.all(best[2][sure]))
    return (best[1] if fits else None), best[2]


def _other_alpha(out: AnyArray, k: Known, sure: Bool) -> tuple[str, ...]:
    """Return that certified outputs have another form of alpha than the one that was given, where they do."""
    own, name = replace(k, given=None), out.dtype.name
    if k.given is None or not sure.any():
        return ()
    if not np.all(_inside(out.astype(np.float64), own, own.any_order(), name, 3)):
        return ()
    single = k.sums.astype(np.float32)
    for form, alpha in own.alphas().items():
        want = finished(single, alpha, Last.ALPHA_THEN_CAST, name)
        if not np.array_equal(alpha, k.given) and np.all(_equal(out, want)[sure]):
            return (f"AlphaForm: alpha is another one than was given: {form}",)
    return ()


def _equal(out: AnyArray, want: AnyArray) -> Bool:
    """Return where both have the same value: every NaN is the same, and so are both zeros."""
    x, y = out.astype(np.float32), want.astype(np.float32)
    found: Bool = (x == y) | (np.isnan(x) & np.isnan(y))
    return found


def _same(want: AnyArray | None, out: AnyArray) -> bool:
    return want is not None and bool(np.all(_equal(out, want)))


def _inside(values: F64, k: Known, bound: F64, name: str, roundings: int) -> Bool:
    """Return where an output is as near to alpha times the sum as a bound of the accumulator allows."""
    with np.errstate(all="ignore"):
        allowed = distance(k, bound, name, roundings)
        near = np.abs(values - k.alpha * k.sums) <= allowed
        overflow = np.isinf(values) & (
            np.abs(k.alpha * k.sums) + allowed >= 2.0 ** (FORMS[name].overflow - 1)
        )
    both_nan: Bool = np.isnan(values) & np.isnan(k.sums)
    found: Bool = near | both_nan | overflow
    return found


def distance(k: Known, bound: F64, name: str, roundings: int) -> F64:
    """Return how far an output may be: the accumulator's bound, alpha's error and the casts."""
    form = FORMS[name]
    alpha = np.abs(k.alpha)
    size = alpha * (np.abs(k.sums) + bound)
    cast = roundings * (2.0**-form.digits * size + 2.0 ** (form.lowest - 1))
    found: F64 = alpha * bound + k.alpha_error * size + cast
    return found


def _first(values: F64, k: Known, wrong: Bool, sure: Bool, name: str) -> Wrong | None:
    found = np.argwhere(wrong)
    if not len(found):
        return None
    row, column = (int(n) for n in found[0])
    here = (row, column)
    allowed = distance(k, k.any_order(), name, 3)
    return Wrong(
        row,
        column,
        float(values[here]),
        float((k.alpha * k.sums)[here]),
        0.0 if sure[here] else float(allowed[here]),
        bool(sure[here]),
    )


__all__ = ["check_matmul"]
