"""What is known of a product before an output is looked at: the exact sums, alpha, certificates, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, Bool, F32, F64
from fos_ref.matmul.accumulate import accumulate, Accumulator, HALF_ULP, Running, Terms
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.matmul.bounds import magnitudes
from fos_ref.matmul.certify import certificate
from fos_ref.matmul.models import Factors, Last, Model, MODELS
from fos_ref.matmul.nearest import FORMS
from fos_ref.matmul.operand import Operand, operands
from fos_ref.matmul.product import exact, rounded
from fos_ref.matmul.run import finished, run
from fos_ref.storage.tensor import QuantizedTensor

#: Relative errors of alpha: given, or in any form of three roundings; with its own product.
GIVEN_ALPHA, ANY_ALPHA = 2 * HALF_ULP, 5 * HALF_ULP
ONE_BY_ONE = 1 << 18  #: outputs that are rounded one by one, on Python's integers; of more, none


@dataclass(frozen=True, slots=True)
class Known:
    """A product of two quantized tensors and what may be told of it."""

    a: QuantizedTensor
    b: QuantizedTensor
    x: Operand
    y: Operand
    sums: F64  #: (M, N) the exact sums, rounded to float64; NaN where a block scale is
    size: F64  #: (M, N) the sum of the magnitudes of the single products
    given: F32 | None  #: alpha as the caller gives it
    elements: Bool
    blocks: Bool

    @property
    def sure(self) -> Bool:
        """Where kernels of every kind give the exact sum."""
        return self.elements & self.blocks

    def alphas(self) -> dict[str, F32]:
        """Return the forms of alpha that an output may have."""
        if self.given is not None:
            return {"as given": self.given}
        return {name: form(self.a, self.b) for name, form in ALPHAS.items()}

    @property
    def alpha(self) -> F64:
        """Alpha as float64, of the exact form where none is given."""
        found = self.given if self.given is not None else ALPHAS["exact"](self.a, self.b)
        return np.asarray(found, dtype=np.float64)

    @property
    def alpha_error(self) -> float:
        """The relative error that alpha and its product may bring."""
        return GIVEN_ALPHA if self.given is not None else ANY_ALPHA

    def any_order(self) -> F64:
        """Return the bound of the accumulator in any order, any rounding."""
        n = self.x.elements.shape[1] * self.x.elements.shape[2]
        error = 2 * HALF_ULP * max(n - 1, 0)
        return np.full_like(self.size, np.inf) if error >= 1 else self.size * error / (1 - error)


def known(a: Any, b: Any, alpha: F32 | None) -> Known:
    """Return what is known of a product. Raises as `exact` does."""
    x, y = operands(a, b, "check_matmul")
    sums = exact(a, b).astype(np.float64)
    size = magnitudes(x.single(), y.single())
    return Known(a, b, x, y, sums, size, alpha, certificate(a, b, "element"), certificate(a, b, "block"))


class Models:
    """The outputs of models, each accumulator computed once."""

    def __init__(self, k: Known) -> None:
        self.known = k
        self._running: dict[Accumulator, Running] = {}

    def running(self, form: Accumulator) -> Running:
        """Return an accumulator of codes and block scales."""
        if form not in self._running:
            self._running[form] = accumulate(self.known.x, self.known.y, form)
        return self._running[form]

    def output(self, m: Model, out: str) -> AnyArray | None:
        """Return a model's output; None where it has none for these tensors or this alpha."""
        k = self.known
        try:
            if m.last is Last.ONCE and k.sums.size > ONE_BY_ONE:
                return None
            if m.accumulator is None or m.factors is not Factors.CODES:
                own = m.factors is not Factors.CODES or k.given is None
                return run(k.a, k.b, m.name, out) if own else None
            if k.x.uneven.any() or k.y.uneven.any():
                return None
            alpha = k.given if k.given is not None else ALPHAS[m.alpha or "exact"](k.a, k.b)
            return finished(self.running(m.accumulator).total, alpha, m.last, out)
        except InputError:
            return None

    def bounds(self, names: tuple[str, ...]) -> Iterator[F64]:
        """Yield the running bounds of the accumulators of some models, as far as these tensors have them."""
        if self.known.x.uneven.any() or self.known.y.uneven.any():
            return
        forms = [MODELS[n].accumulator for n in names if MODELS[n].factors is Factors.CODES]
        for form in dict.fromkeys(forms):
            if form is not None:
                yield self.running(form).bound


def sure_of(k: Known, model: str | None) -> Bool:
    """Return where an output is certified: for the terms of a model, or for those of every kernel."""
    form = None if model is None else MODELS[model].accumulator
    if form is None or form.align is not None:
        return k.sure
    return k.blocks if form.terms is Terms.GROUPS else k.elements


def expected(k: Known, out: str) -> Iterator[tuple[str, AnyArray]]:
    """Yield (form of alpha, what a certified output is under it); a product may be rounded once or twice.

    The form that a float32 output most likely has stands first: the first that fits is named.
    """
    single = k.sums.astype(np.float32)
    for name, alpha in k.alphas().items():
        yield name, finished(single, alpha, Last.ALPHA_THEN_CAST, out)
        if out != "float32":
            yield f"{name}, in {out}", finished(single, alpha, Last.CAST_THEN_ALPHA, out)
            with np.errstate(all="ignore"):
                wide = alpha.astype(np.float64) * single  # 48 bits: exact
                yield f"{name}, rounded once", wide.astype(FORMS[out].dtype)
    if k.given is None and single.size <= ONE_BY_ONE:
        yield "exact, rounded once", rounded(k.a, k.b, out)
