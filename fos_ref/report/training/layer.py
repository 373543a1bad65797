"""What each stack makes of one linear layer: the errors of its three products, and what averaging leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
import pandas as pd

from fos_ref.engines.front import dequantize
from fos_ref.formats.arrays import F32, F64
from fos_ref.inputs.distributions import make
from fos_ref.recipes import recipe
from fos_ref.report.training.cost import total
from fos_ref.report.training.curves import SIGMAS
from fos_ref.report.training.plan import Done, Plan
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.training import Layer, linear, Stack, STACKS

_SEED = 3
_LAYER_SIGNS = 99
_FOR_EACH = "quartet2-simulator"  #: a word for each value, none used twice: of a program without a map
PRODUCTS = ("y", "grad_x", "grad_w")
NAMED = ("x", "w", "g")


@dataclass(frozen=True, slots=True)
class Shown:
    """A stack as the page shows it."""

    label: str
    signs: str | None = None  #: of a rotation whose signs are drawn: "once" a layer, or in "each pass"


#: stack -> how it is shown. Where hardware decides the feed, one reading stands for it.
SHOWN: Mapping[str, Shown] = MappingProxyType(
    {
        "te-software": Shown("TransformerEngine"),
        "torchao-byte-lane": Shown("torchao", "once"),
        "fouroversix": Shown("fouroversix"),
        "fouroversix-4over6": Shown("fouroversix, 4/6"),
        "quartet2": Shown("Quartet II", "each pass"),
        "quartet2-simulator-nvidia": Shown("Quartet II's NVIDIA arm", "each pass"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Tensors:
    """The tensors of a layer: bfloat16 values, held in float32."""

    x: F32  #: (T, K)
    w: F32  #: (N, K)
    g: F32  #: (T, N)
    says: str  #: where they are from

    @property
    def exact(self) -> dict[str, F64]:
        """The three products in float64."""
        x, w, g = (t.astype(np.float64) for t in (self.x, self.w, self.g))
        return {"y": x @ w.T, "grad_x": g @ w, "grad_w": g.T @ x}


def synthetic(plan: Plan) -> Tensors:
    """Return a layer whose inputs have outlier channels and whose gradients have wide tails."""
    t, k, n = plan.layer
    x, w, g = (
        make(name, shape, _SEED, "bfloat16").astype(np.float32)
        for name, shape in (("outlier-channels", (t, k)), ("normal", (n, k)), ("student-t3", (t, n)))
    )
    says = f"{t} tokens, {k} inputs, {n} outputs: x with outlier channels, W normal, g Student t3"
    return Tensors(x, w, g, f"A synthetic layer of {says}.")


def jobs(plan: Plan) -> list[str]:
    """Return the stacks, once for each draw."""
    return [name for name in SHOWN for _ in range(plan.layer_draws)]


def layer_errors(
    tensors: Tensors,
    plan: Plan,
    done: Done,
    shown_stacks: Mapping[str, Shown] = SHOWN,
    stacks: Mapping[str, Stack] = STACKS,
) -> pd.DataFrame:
    """Return a row for each (stack, product): the error of one draw, and what the mean of draws keeps.

    Errors are roots of squared errors over the power, in percent, of products in float64 of the dequantized
    operands. `one_draw` is the root of the mean over draws; `bias` that of the unbiased estimate of what no
    number of draws takes away, 0 where the estimate is below 0; from `told_from` on it stands SIGMAS standard
    errors above nothing. `done` is called for each draw of each of `shown_stacks`, names of `stacks`.
    """
    true = tensors.exact
    power = {name: total(p**2) for name, p in true.items()}
    rows = []
    for name, shown in shown_stacks.items():
        errors: dict[str, list[F64]] = {p: [] for p in PRODUCTS}
        for seed in range(plan.layer_draws):
            made = drawn(tensors, stacks[name], shown, seed)
            for product, value in products(made).items():
                errors[product].append(value - true[product])
            done()
        rows += [{"stack": name, "product": p, **_row(errors[p], power[p])} for p in PRODUCTS]
    return pd.DataFrame(rows)


def drawn(tensors: Tensors, stack: Stack, shown: Shown, seed: int) -> Layer:
    """Return one draw of a stack's operands."""
    dtype = ml_dtypes.bfloat16 if "bfloat16" in stack.dtypes else np.float32
    x, w, g = (t.astype(dtype) for t in (tensors.x, tensors.w, tensors.g))
    words = dict(_random_bits(stack, seed))
    drew = {None: None, "once": _LAYER_SIGNS, "each pass": 1000 + seed}[shown.signs]
    signs = None if drew is None else _signs(stack, drew)
    return linear(x, w, g, stack, words or None, signs=signs)


def _signs(stack: Stack, seed: int) -> list[int]:
    size = next(o.rotation.size for o in stack.operands if o.rotation is not None)
    return [int(s) for s in np.random.default_rng(seed).choice([-1, 1], size)]


def _random_bits(stack: Stack, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield the operands that draw and their words: of the program's map, or one for each value."""
    for place, operand in enumerate(stack.operands):
        r = recipe(operand.recipe)
        if r.stochastic:
            own = 2 * ((seed + 1) * len(stack.operands) + place)
            each = [(operand.map or _FOR_EACH, own + i, 0) for i in range(r.draws)]
            yield operand.name, each[0] if r.draws == 1 else each


def products(made: Layer) -> dict[str, F64]:
    """Return y, the gradient of x and that of W, in float64 of the dequantized operands."""
    pairs = ((made.fprop_x, made.fprop_w), (made.dgrad_g, made.dgrad_w), (made.wgrad_g, made.wgrad_x))
    return {p: _values(a) @ _values(b).T for p, (a, b) in zip(PRODUCTS, pairs, strict=True)}


def _values(q: QuantizedTensor) -> F64:
    return np.asarray(dequantize(q), dtype=np.float64)


def _row(errors: list[F64], power: float) -> dict[str, float]:
    between = np.array([total(e * f) / power for e, f in combinations(errors, 2)])
    error = sqrt(total(between**2)) / len(between)
    return {
        "one_draw_pct": 100 * sqrt(sum(total(e**2) for e in errors) / len(errors) / power),
        "bias_pct": 100 * sqrt(max(total(between) / len(between), 0.0)),
        "told_from_pct": 100 * sqrt(SIGMAS * error),
        "draws": len(errors),
    }
