"""The linear layers of a model: their weights quantized once, their inputs on every call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import F32
from fos_ref.models.arms import Arm
from fos_ref.models.fake import fake_inputs, fake_weight
from fos_ref.models.needs import need
from fos_ref.recipes.recipe import Recipe

CONV1D = "Conv1D"  #: transformers' linear layer of GPT-2: its weight is (in, out)


@dataclass(frozen=True)
class Linear:
    """A linear layer of a model by its name among the modules."""

    name: str
    module: Any
    looked_up: bool = False  #: an embedding: its input are numbers, its weight alone is quantized

    @property
    def turned(self) -> bool:
        """Whether the weight lies as (in, out)."""
        return type(self.module).__name__ == CONV1D

    @property
    def weight(self) -> Any:
        """The weight (out, in), contiguous."""
        w = self.module.weight.detach()
        return w.T.contiguous() if self.turned else w.contiguous()

    def put(self, values: Any) -> None:
        """Take the values as the weight, for this layer alone: a tied embedding keeps its own."""
        torch: Any = need("torch")
        own = values.T.contiguous() if self.turned else values
        self.module.weight = torch.nn.Parameter(own, requires_grad=False)


def linears(
    model: Any,
    head: Sequence[str],
    *,
    with_head: bool = False,
    embeddings: bool = False,
    exclude: Sequence[str] = (),
) -> list[Linear]:
    """Return the linear layers in the order of the model; head and embeddings only if they are asked for.

    exclude: patterns of names (as in a shell) that are left out
    Raises:  InputError where none is left.
    """
    torch: Any = need("torch")
    found = [
        Linear(name, m, looked_up=isinstance(m, torch.nn.Embedding))
        for name, m in model.named_modules()
        if (
            (embeddings and isinstance(m, torch.nn.Embedding))
            or (_is_linear(m, torch) and (with_head or name not in head))
        )
        and not any(fnmatchcase(name, p) for p in exclude)
    ]
    if not found:
        msg = "the model has no linear layer that is to be quantized: torch.nn.Linear and Conv1D are"
        raise InputError(msg)
    return found


def _is_linear(module: Any, torch: Any) -> bool:
    return isinstance(module, torch.nn.Linear) or type(module).__name__ == CONV1D


def check_sizes(layers: Sequence[Linear], recipes: Sequence[Recipe | None]) -> None:
    """Raise InputError for a layer whose input does not fit the blocks of a recipe: nothing is padded."""
    for r in filter(None, recipes):
        for layer in layers:
            width = layer.weight.shape[1]
            if width % r.block_cols:
                msg = (
                    f"{layer.name} has {width:,} inputs: a multiple of {r.block_cols} is allowed by recipe "
                    f"{r.name!r} (leave it out by its name)"
                )
                raise InputError(msg)


@dataclass
class Shares:
    """What a layer showed on the windows that were looked at."""

    weights4: float | None = None  #: share of the weight's blocks at 4 (of IF4: with integers)
    inputs4: float | None = None
    error: float | None = (
        None  #: squared error of the output by its square, both operands as the arm has them
    )


@dataclass
class Applied:
    """An arm in a model: what its hooks hold.

    look: whether the next calls measure each layer; it costs a second product
    """

    arm: Arm
    static: dict[str, F32] = field(default_factory=dict)
    shares: dict[str, Shares] = field(default_factory=dict)
    look: bool = False
    _last: tuple[Any, Any] = (None, None)

    def inputs(self, layer: Linear, x: Any) -> Any:
        """Return the quantized inputs of a layer; those of q, k and v are the same and are made once."""
        r = self.arm.activations
        if r is None:
            return x
        if self._last[0] is not x or self.static:
            three = x if x.ndim == 3 else x.reshape(1, -1, x.shape[-1])  # noqa: PLR2004 -- (B, T, C)
            self._last = x, fake_inputs(three, r, self.arm.scope, self.static.get(layer.name))
        made = self._last[1]
        if self.look and made.picked4 is not None:
            self.shares[layer.name].inputs4 = float(made.picked4.float().mean())
        return made.values.reshape(x.shape)

    def forget(self) -> None:
        """Drop what is kept for the layers that share an input."""
        self._last = (None, None)


@contextmanager
def applied(layers: Sequence[Linear], arm: Arm, static: dict[str, F32] | None = None) -> Iterator[Applied]:
    """Quantize the weights and hook the inputs; afterwards everything is as it was."""
    held = Applied(arm, static or {}, {layer.name: Shares() for layer in layers})
    before = {layer.name: layer.module.weight for layer in layers}
    hooks = []
    try:
        for layer in layers:
            if arm.weights is not None:
                made = fake_weight(layer.weight, arm.weights, arm.phase)
                layer.put(made.values)
                if made.picked4 is not None:
                    held.shares[layer.name].weights4 = float(made.picked4.float().mean())
            hooks += _hooked(layer, held, before[layer.name])
        yield held
    finally:
        for hook in hooks:
            hook.remove()
        for layer in layers:
            layer.module.weight = before[layer.name]
        held.forget()


def _hooked(layer: Linear, held: Applied, original: Any) -> list[Any]:
    """Return the hooks of a layer: its inputs before, its error after."""
    if layer.looked_up:
        return []
    plain: list[Any] = [None]

    def before(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        if held.look:
            plain[0] = args[0]
        return held.inputs(layer, args[0]), *args[1:]

    def after(module: Any, _: Any, out: Any) -> None:
        if held.look:
            held.shares[layer.name].error = _error(module, plain[0], out, original, turned=layer.turned)
            plain[0] = None

    return [layer.module.register_forward_pre_hook(before), layer.module.register_forward_hook(after)]


def _error(module: Any, x: Any, out: Any, original: Any, *, turned: bool) -> float:
    """Return |out - wanted|^2 / |wanted|^2, wanted being the unquantized product of the same input."""
    torch: Any = need("torch")
    wanted = torch.nn.functional.linear(x, original.T if turned else original, module.bias)
    off, whole = (float((a.double() ** 2).sum()) for a in (out - wanted, wanted))
    return off / whole if whole else float(np.float64(off))


@contextmanager
def watched(layers: Sequence[Linear]) -> Iterator[dict[str, F32]]:
    """Return the largest magnitude of each layer's inputs, while the calls inside run: a static amax."""
    seen: dict[str, F32] = {}

    def watch(name: str) -> Any:
        def hook(_: Any, args: tuple[Any, ...]) -> None:
            found = np.asarray(args[0].abs().max().float().item(), dtype=np.float32)
            seen[name] = np.maximum(seen.get(name, found), found)

        return hook

    linear = [layer for layer in layers if not layer.looked_up]
    hooks = [layer.module.register_forward_pre_hook(watch(layer.name)) for layer in linear]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
