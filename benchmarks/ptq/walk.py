"""The column walk of GPTQ in torch for many weights that share inputs: fos_ref/ptq/golden.py in batches.

The factor is computed in float64 and rounded to float32, as there; the products of whole spans are float32
here, in torch's order, and float64 there. Elements are E2M1, or IF4's integers where a block holds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.ptq.golden import DAMPING, SPAN
from fos_ref.recipes.axes import ElementFormat

_, _INTEGERS = ELEMENT_FORMAT[ElementFormat.E2M1_OR_INT4]
_MOST = 7


def nearest(y: Any, second: Any) -> Any:
    """Return what the nearest element counts as, ties to even: E2M1, or integers in units of 6/7."""
    a = y.abs()
    step = torch.where(a < 2, 0.5, torch.where(a < 4, 1.0, 2.0))  # noqa: PLR2004 -- the grid itself
    floats = (torch.round(a / step) * step).clamp(max=6.0) * y.sign()
    integers = torch.round((y * float(_INTEGERS.rescale)).clamp(-_MOST, _MOST)) * float(_INTEGERS.unit)
    return torch.where(second, integers, floats)


def factor(products: Any, *, by_diagonal: bool = False) -> tuple[Any, Any, Any]:
    """Return U as float32, where the diagonal was 0, and the columns in the order of the walk."""
    h = products.double().clone()
    diagonal = h.diagonal().clone()
    dead = diagonal == 0
    columns = torch.arange(len(h), device=h.device)
    if by_diagonal:
        columns = torch.argsort(-diagonal, stable=True)
    h += torch.diag(dead.double())
    h += torch.eye(len(h), dtype=h.dtype, device=h.device) * (DAMPING * h.diagonal().mean())
    inverse = torch.linalg.inv(h[columns][:, columns])
    return torch.linalg.cholesky(inverse, upper=True).float(), dead, columns


def walk(  # noqa: PLR0917
    w: Any,
    u: Any,
    dead: Any,
    columns: Any,
    step: Any,
    second: Any,
    renew: Callable[[Any, int], tuple[Any, Any]] | None = None,
) -> Any:
    """Return the values (M, K) of weights (M, K), one below the other, after the walk.

    step, second: (M, K) of each value's block, in the order of the weights' columns
    renew:        (values of 16 columns as they are (M, 16), first column) -> step and second (M,) of them;
                  for columns as they lie
    """
    work = torch.where(dead, torch.zeros_like(w), w)[:, columns]
    step, second = step[:, columns].clone(), second[:, columns].clone()
    out = torch.empty_like(work)
    width = work.shape[1]
    for start in range(0, width, SPAN):
        stop = min(start + SPAN, width)
        span, errors = work[:, start:stop].clone(), torch.empty_like(work[:, start:stop])
        for i in range(stop - start):
            at = start + i
            if renew is not None and at % 16 == 0:
                e, integers = renew(span[:, i : i + 16], at)
                step[:, at : at + 16], second[:, at : at + 16] = e[:, None], integers[:, None]
            e, x = step[:, at], span[:, i]
            q = nearest(torch.where(e == 0, 0.0, x / e), second[:, at]) * e
            error = (x - q) / u[at, at]
            out[:, at], errors[:, i] = q, error
            if i + 1 < stop - start:
                span[:, i + 1 :] -= error[:, None] * u[at, at + 1 : stop]
        work[:, stop:] -= errors @ u[start:stop, stop:]
    back = torch.empty_like(out)
    back[:, columns] = out
    return back
