"""The arms: which stack quantizes the three products of every linear layer of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fos_ref.training import Operand, Origin, Product, Stack, STACKS

BASELINE = "bfloat16"
_TE = STACKS["te-byte-lane"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to train."""

    name: str
    stack: Stack | None  #: None: products of bfloat16 values
    says: str  #: in a few words, for tables


def _changed(name: str, change: Callable[[Operand], Operand]) -> Stack:
    """Return NVIDIA's stack with each operand changed."""
    return replace(_TE, name=name, operands=tuple(change(o) for o in _TE.operands))


def _forward_4over6(o: Operand, tensors: tuple[str, ...]) -> Operand:
    """Return an operand of the forward product by 4/6; W's tiles serve the gradient of x too."""
    serves = o.product is Product.FPROP or o.origin is Origin.SAVED_CODES
    recipe = {"x": "te-cuda-mse-256", "w": "te-cuda-mse-256-16x16"}
    return replace(o, recipe=recipe[o.of]) if serves and o.of in tensors else o


def _nearest(o: Operand) -> Operand:
    return replace(o, recipe="te-train-input", map=None) if o.of == "g" else o


_ALL = (
    Arm(name=BASELINE, stack=None, says="products of bfloat16 values"),
    Arm(name="nvidia", stack=_TE, says="NVIDIA's recipe as TransformerEngine has it"),
    Arm(
        name="nvidia-4over6",
        stack=_changed("te-4over6", lambda o: _forward_4over6(o, ("x", "w"))),
        says="the same, x and W of the forward product by 4/6 (MSE, bound 256)",
    ),
    Arm(
        name="nvidia-4over6-weights",
        stack=_changed("te-4over6-weights", lambda o: _forward_4over6(o, ("w",))),
        says="the same, W alone by 4/6: what TransformerEngine allows beside its rotation",
    ),
    Arm(name="quartet2", stack=STACKS["quartet2"], says="Quartet II as its kernels have it"),
    Arm(
        name="gradients-4over6",
        stack=STACKS["fouroversix-4over6"],
        says="fouroversix: 4/6 everywhere, gradients rounded stochastically too",
    ),
    Arm(
        name="nvidia-nearest",
        stack=_changed("te-nearest", _nearest),
        says="NVIDIA's recipe, gradients rounded to nearest",
    ),
    Arm(
        name="nvidia-no-rotation",
        stack=_changed("te-no-rotation", lambda o: replace(o, rotation=None)),
        says="NVIDIA's recipe without its rotation",
    ),
)
#: Every arm: name -> Arm.
ARMS: Mapping[str, Arm] = MappingProxyType({a.name: a for a in _ALL})
