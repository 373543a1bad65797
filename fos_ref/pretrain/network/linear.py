"""A linear layer whose three products have the operands of a stack: y = x W^T, and both gradients."""

from __future__ import annotations

from typing import Any

import torch

from fos_ref.engines.random_bits import elements_of
from fos_ref.pretrain.network.made import Made, Quantizer, Tape
from fos_ref.pretrain.network.ranks import Ranks
from fos_ref.pretrain.places import Places
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.training import Operand, Origin, Product, Stack


class Products:
    """What all linear layers of a run share: the stack, who makes codes, and what is written down."""

    def __init__(self, stack: Stack | None, ranks: Ranks) -> None:
        self.stack = stack
        self.ranks = ranks
        self.quantizer: Quantizer | None = None
        self.places: Places | None = None
        self.tape: Tape | None = None

    def made(self, layer: int, operand: Operand, tensor: Any, first: Made | None) -> Made:
        """Return an operand, as `fos_ref.training.operands.made_of` says, of this process's tokens."""
        assert self.quantizer is not None
        if operand.origin is Origin.SAVED_CODES:
            assert first is not None
            return self._noted(layer, operand, _transposed(first))
        values = first.values if first is not None else tensor
        if operand.transposed:
            values = values.t().contiguous()
        if operand.rotation is not None:
            values = self.quantizer.rotate(values, operand.rotation, layer)
        bits = self.quantizer.bits(layer, operand.name, self._part(operand, tensor))
        largest = self.ranks.largest if self.ranks.size > 1 and operand.of != "w" else None
        return self._noted(layer, operand, self.quantizer.quantize(values, operand.recipe, bits, largest))

    def note(self, layer: int, name: str, tensor: Any) -> None:
        """Write a tensor down, if the tape asks for this layer."""
        if self.tape is not None and layer in self.tape.layers:
            self.tape.tensors.setdefault(layer, {})[name] = tensor.detach().clone()

    def _noted(self, layer: int, operand: Operand, made: Made) -> Made:
        if self.tape is not None and layer in self.tape.layers:
            self.tape.operands.setdefault(layer, {})[operand.name] = made
        return made

    def _part(self, operand: Operand, tensor: Any) -> tuple[slice, slice]:
        """Return which rows and groups of the whole batch's words are this process's."""
        every = slice(None)
        r = get_recipe(operand.recipe)
        if self.ranks.size == 1 or operand.of == "w" or not r.stochastic:
            return every, every
        tokens = self.ranks.own(tensor.shape[0] * self.ranks.size)
        if not operand.transposed:
            return tokens, every
        n = elements_of(r)
        return every, slice(tokens.start // n, tokens.stop // n)


def _transposed(first: Made) -> Made:
    """Return the operand of transposed 16x16 tiles. Its codes are the first's, read along the other axis."""
    return Made(first.values.t().contiguous(), first.codes, first.block_scales, first.amax)


class QuantizedProducts(torch.autograd.Function):
    """The three products of a stack.

    Rounding: each operand as the stack says, its values then to bfloat16; a product of bfloat16 values, added
    in float32 in the order of torch's own product, rounded to bfloat16; the gradient of W then to float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, layer: int, products: Products) -> Any:
        """Return y (T, N) bfloat16 of x (T, K) bfloat16 and w (N, K) float32, rounded to bfloat16 first."""
        narrow = w.to(torch.bfloat16)
        products.note(layer, "x", x)
        products.note(layer, "w", narrow)
        made = _each(products, layer, {"x": x, "w": narrow}, {}, forward=True)
        ctx.made, ctx.layer, ctx.products = made, layer, products
        ctx.save_for_backward(x, narrow)
        return made["fprop_x"].values @ made["fprop_w"].values.t()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        """Return the gradients of x and w."""
        x, w = ctx.saved_tensors
        g = g.to(torch.bfloat16).contiguous()
        ctx.products.note(ctx.layer, "g", g)
        made = _each(ctx.products, ctx.layer, {"x": x, "w": w, "g": g}, ctx.made, forward=False)
        ctx.made = None
        grad_x = made["dgrad_g"].values @ made["dgrad_w"].values.t()
        grad_w = made["wgrad_g"].values @ made["wgrad_x"].values.t()
        return grad_x, grad_w.float(), None, None


def _each(
    products: Products, layer: int, tensors: dict[str, Any], before: dict[str, Made], *, forward: bool
) -> dict[str, Made]:
    """Return the operands that a pass makes, beside those that were made before."""
    assert products.stack is not None
    made = dict(before)
    for o in products.stack.operands:
        if o.forward is forward:
            origin = None if o.origin is Origin.HIGH_PRECISION else made[f"{Product.FPROP.value}_{o.of}"]
            made[o.name] = products.made(layer, o, tensors[o.of], origin)
    return made


class PlainProducts(torch.autograd.Function):
    """The three products of bfloat16 values, rounded as in QuantizedProducts."""

    @staticmethod
    def forward(ctx: Any, x: Any, w: Any, layer: int, products: Products) -> Any:
        """Return y (T, N) bfloat16."""
        narrow = w.to(torch.bfloat16)
        products.note(layer, "x", x)
        products.note(layer, "w", narrow)
        ctx.layer, ctx.products = layer, products
        ctx.save_for_backward(x, narrow)
        return x @ narrow.t()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        """Return the gradients of x and w."""
        x, w = ctx.saved_tensors
        g = g.to(torch.bfloat16).contiguous()
        ctx.products.note(ctx.layer, "g", g)
        return g @ w, (g.t() @ x).float(), None, None


class Linear(torch.nn.Module):
    """A layer without bias: W (N, K) in float32, its products in bfloat16."""

    def __init__(self, inputs: int, outputs: int, *, wide: bool = False) -> None:
        super().__init__()
        self.inputs, self.outputs, self.wide = inputs, outputs, wide
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5)
        self.number = -1  #: among the model's layers
        self.name = ""
        self.products: Products | None = None

    def forward(self, x: Any) -> Any:
        """Return y (..., N) of x (..., K), rounded to bfloat16 first; float32 where `wide`."""
        assert self.products is not None
        flat = x.to(torch.bfloat16).reshape(-1, self.inputs).contiguous()
        kind = PlainProducts if self.products.stack is None else QuantizedProducts
        y = kind.apply(flat, self.weight, self.number, self.products).view(*x.shape[:-1], self.outputs)
        return y.float() if self.wide else y
