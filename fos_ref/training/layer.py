"""One linear layer: six operands and three products, as a stack makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from fos_ref.arguments import is_a, one_of
from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.matmul.nearest import FORMS
from fos_ref.matmul.product import rounded
from fos_ref.model.trace import Trace
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.training.operands import Made, made_of
from fos_ref.training.stack import Origin, Product, Stack, Tensor
from fos_ref.training.stacks import STACKS

_MATRIX = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """What a stack made of one layer: y = x W^T of T tokens, K inputs and N outputs, g the gradient of y."""

    stack: Stack
    fprop_x: QuantizedTensor  #: (T, K)
    fprop_w: QuantizedTensor  #: (N, K)
    dgrad_g: QuantizedTensor  #: (T, N)
    dgrad_w: QuantizedTensor  #: (K, N)
    wgrad_g: QuantizedTensor  #: (N, T)
    wgrad_x: QuantizedTensor  #: (K, T)
    made: Mapping[str, Made]  #: by the same names, in the order of making: with what each was made from
    out: str  #: dtype of the products

    @cached_property
    def y(self) -> AnyArray:
        """(T, N): the exact product of its operands, rounded once. Computed when it is first asked for."""
        return rounded(self.fprop_x, self.fprop_w, self.out)

    @cached_property
    def grad_x(self) -> AnyArray:
        """(T, K): the gradient of x, likewise."""
        return rounded(self.dgrad_g, self.dgrad_w, self.out)

    @cached_property
    def grad_w(self) -> AnyArray:
        """(N, K): the gradient of W, likewise."""
        return rounded(self.wgrad_g, self.wgrad_x, self.out)

    @property
    def saved(self) -> tuple[str, ...]:
        """What the backward pass needs of the forward pass: operands, and tensors in high precision."""
        return tuple(o.name for o in self.stack.operands if o.saved) + self.stack.saves

    def trace(self, name: str) -> Trace:
        """Return every intermediate of an operand's quantization. Raises: InputError for another name."""
        return self.made[one_of(name, self.made, "operand")].trace()


def linear(
    x: Any,
    w: Any,
    g: Any,
    recipe: str | Stack,
    words: Mapping[str, Any] | None = None,
    *,
    signs: Any = None,
    out: str = "float32",
    engine: str = "auto",
) -> Layer:
    """Return the operands of the three products of y = x W^T as a stack quantizes them, and the products.

    recipe: a name of STACKS, or a Stack
    words:  operand -> its random bits, for each operand that is rounded stochastically and for no other: what
            `quantize` takes as `random_bits`, words or (map, seed, offset[, options])
    signs:  of the rotation, for a stack that draws them: a mask, or 1 and -1 for each value
    out:    of the products: "float32", "bfloat16" or "float16"
    engine: who quantizes, as `fos_ref.quantize` takes it; the bits are the same
    Shapes: x (T, K), w (N, K), g (T, N); T, K and N multiples of the stack's `multiple`
    Dtypes: one dtype for all three, of the stack's `dtypes`
    Rounding: each operand as its Operand and its recipe say (docs/training.md, One layer). Every operand has
            tensor scales of its own: the rows of g and its rotated columns have two. A product is the exact
            one, times the exact ratio of the tensor scales, rounded once to `out`.
    Raises: ShapeError, DtypeError, InputError; RecipeError where the hardware decides what the words do.
    Source: the stack's `source`; docs/training.md.
    """
    stack = _stack(recipe)
    tensors = _tensors(x, w, g, stack)
    given = _words(words, stack)
    _check_signs(signs, stack)
    made: dict[str, Made] = {}
    for operand in stack.operands:
        first = None
        if operand.origin is not Origin.HIGH_PRECISION:
            first = made[f"{Product.FPROP.value}_{operand.of}"]
        made[operand.name] = made_of(
            operand, tensors[operand.of], first, signs, given.get(operand.name), engine
        )
    return Layer(
        stack=stack,
        made=MappingProxyType(made),
        out=one_of(out, FORMS, "out"),
        **{name: m.tensor for name, m in made.items()},
    )


def _stack(recipe: Any) -> Stack:
    return recipe if is_a(recipe, Stack) else STACKS[one_of(recipe, STACKS, "stack")]


def _tensors(x: Any, w: Any, g: Any, stack: Stack) -> dict[Tensor, AnyArray]:
    """Return the three tensors, checked: matrices that fit one another, of one dtype."""
    found: dict[Tensor, AnyArray] = {"x": as_numpy(x, "x"), "w": as_numpy(w, "w"), "g": as_numpy(g, "g")}
    shapes = {name: a.shape for name, a in found.items()}
    if any(len(shape) != _MATRIX for shape in shapes.values()):
        msg = f"x {shapes['x']}, w {shapes['w']}, g {shapes['g']}: (T, K), (N, K), (T, N) are allowed"
        raise ShapeError(msg)
    (t, k), n = shapes["x"], shapes["w"][0]
    if shapes["w"] != (n, k) or shapes["g"] != (t, n):
        msg = f"x {(t, k)}, w {shapes['w']}, g {shapes['g']}: w ({n}, {k}) and g ({t}, {n}) are allowed"
        raise ShapeError(msg)
    if any(size % stack.multiple or not size for size in (t, k, n)):
        msg = f"T {t}, K {k}, N {n}: multiples of {stack.multiple} are allowed for the stack {stack.name}"
        raise ShapeError(msg)
    for name, a in found.items():
        if a.dtype.name not in stack.dtypes or a.dtype != found["x"].dtype:
            allowed = f"one dtype for all, {' or '.join(stack.dtypes)}, is allowed for the stack {stack.name}"
            msg = f"{name} of dtype {a.dtype}: {allowed}"
            raise DtypeError(msg)
    return found


def _words(words: Any, stack: Stack) -> dict[str, Any]:
    """Return the random bits of each operand that takes any; InputError where one is missing or none is."""
    takes = [o.name for o in stack.operands if get_recipe(o.recipe).stochastic]
    what = f"words for the stack {stack.name}"
    allowed = f"a mapping with {listed(takes)} is allowed"
    if words is not None and not isinstance(words, Mapping):
        msg = f"{what} of type {type(words).__name__}: {allowed}"
        raise InputError(msg)
    given = dict(words or {})
    odd = [name for name in given if name not in takes] + [name for name in takes if name not in given]
    if odd:
        state = "is not rounded stochastically" if odd[0] in given else "is missing"
        msg = f"{what}: {shown(odd[0])} {state}: {allowed}"
        raise InputError(msg)
    return given


def _check_signs(signs: Any, stack: Stack) -> None:
    """Raise InputError for signs that a stack has written into it, or for a stack that draws some without."""
    if stack.draws_signs is (signs is None):
        need = "the signs that the program drew are needed" if signs is None else "it has signs of its own"
        msg = f"signs {shown(signs)} for the stack {stack.name}: {need}"
        raise InputError(msg)
