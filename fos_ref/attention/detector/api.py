"""Where a causal function looks ahead: change one token, and see which earlier outputs move a bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.arguments import whole, wholes
from fos_ref.attention.detector.capacity import values_of
from fos_ref.attention.detector.changes import probe, Seen
from fos_ref.attention.detector.report import LeakReport, report
from fos_ref.attention.detector.subject import determined, rows, Subject, subject
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray


def leaks(
    f: Callable[..., Any],
    q: Any,
    k: Any = None,
    v: Any = None,
    *,
    tokens: Iterable[int] | None = None,
    sweep: int = 0,
) -> LeakReport:
    """Return which outputs of a causal function f(q, k, v), or f(x), depend on later tokens.

    q, k, v:  the arrays; q alone for a function of one, which the report calls x
    tokens:   the tokens j that are changed; None: all
    sweep:    where something leaks, how many magnitudes the worst token sweeps for `bits`; 0: not asked
    Shapes:   q, k, v (..., T, d) with one T; f gives (..., T, dv)
    Dtypes:   float32, float16 or bfloat16; f gets NumPy arrays of the same kind, and gives an array of floats
    Method:   token j of one tensor is multiplied by 64 and by 2^20 (less where the dtype ends), set to 0,
              drawn anew, negated and multiplied by 1.01; bits of the outputs before j are compared with
              those of the unchanged call. The shapes never change, so a program that takes another path for
              another length is not blamed for it.
    Kinds:    "mean": a change of sign moves earlier outputs, as sums of tokens do; scales and choices are
              made of magnitudes. Else "tensor-amax": pairs reach across blocks. Else every pair lies in a
              block: "block-scale", or "choice" where no output changes by more than half of itself. The
              tokens of the first block tell these two apart best: nothing else is in their outputs.
    Raises:   InputError where f gives other bits for the same input, or is no function; ShapeError and
              DtypeError for arrays that do not fit; what f raises, as an InputError.
    Source:   docs/leak.md.
    """
    s = subject(f, q, k, v)
    steps = whole(sweep, "sweep")
    given = range(s.length) if tokens is None else wholes(tokens, "token", most=s.length - 1)
    base = determined(s)
    found = report(_seen(s, base, given), s.written())
    if not steps or found.worst is None:
        return found
    name, i, j = found.worst
    return replace(found, bits=float(np.log2(values_of(s, name, i, j, steps))))


def _seen(s: Subject, base: AnyArray, given: Iterable[int]) -> Seen:
    seen = Seen(s.length, tuple(s.given))
    before = rows(base)
    for j in (j for j in given if j):  # nothing is before the first
        for name in s.given:
            for kind, out in probe(s, name, j):
                if out.shape != base.shape or out.dtype != base.dtype:
                    msg = (
                        f"f gives {out.dtype} {out.shape} and {base.dtype} {base.shape} for arrays of one "
                        "shape and dtype: one is allowed"
                    )
                    raise InputError(msg)
                seen.add(name, j, kind, before, rows(out))
    return seen
