"""The stacks: six operands each, as read in the sources that they name."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from fos_ref.training.stack import (
    H16,
    H16_OF_LAYER,
    H16_SIMULATED,
    H128,
    Operand,
    Origin,
    Product,
    Rotation,
    Stack,
    Tensor,
)

_TE = "NVIDIA/TransformerEngine@d0067d0d:transformer_engine/pytorch/module/linear.py::_Linear"
_AO = "pytorch/ao@36027d82:torchao/prototype/moe_training/nvfp4_training/nvfp4_linear.py::nvfp4_mm_triton"
_FOS = "mit-han-lab/fouroversix@dadfad69:src/fouroversix/model/modules/linear.py::FourOverSixLinearFunction"
_Q2 = "IST-DASLab/Quartet-II@8776a90b:"
_FPROP, _DGRAD, _WGRAD = Product.FPROP, Product.DGRAD, Product.WGRAD


def _nvidia(name: str, source: str, gradient: str, rotation: Rotation, maps: tuple[str, str]) -> Stack:
    """Return NVIDIA's recipe: 16x16 weights quantized once, x^T rotated and quantized in the forward pass."""
    stack = gradient.split("-", maxsplit=1)[0]
    plain, tiles = f"{stack}-train-input", f"{stack}-train-weight"
    return Stack(
        name=name,
        source=source,
        operands=(
            Operand(product=_FPROP, of="x", recipe=plain, forward=True),
            Operand(
                product=_WGRAD,
                of="x",
                transposed=True,
                recipe=plain,
                rotation=rotation,
                forward=True,
                saved=True,
            ),
            Operand(product=_FPROP, of="w", recipe=tiles, forward=True, saved=True),
            Operand(
                product=_DGRAD,
                of="w",
                transposed=True,
                recipe=tiles,
                origin=Origin.SAVED_CODES,
                forward=True,
                saved=True,
            ),
            Operand(product=_DGRAD, of="g", recipe=gradient, forward=False, map=maps[0]),
            Operand(
                product=_WGRAD,
                of="g",
                transposed=True,
                recipe=gradient,
                rotation=rotation,
                forward=False,
                map=maps[1],
            ),
        ),
    )


def _te() -> list[Stack]:
    """Return TransformerEngine's: by cvt.rs as the hardware decides, under two readings, and in software.

    Where cvt.rs is missing the fused kernel is too: one kernel for the rows, one for the rotated buffer.
    """
    fused, alone = ("te-fused-row", "te-fused-column"), ("te-tuned-row", "te-tuned-row")
    tails = {"": "-cvt-rs", "-byte-lane": "-byte-lane", "-pair-reversed": "-pair-reversed"}
    found = [_nvidia(f"te{t}", _TE, f"te-train-gradient{r}", H16, fused) for t, r in tails.items()]
    return [*found, _nvidia("te-software", _TE, "te-train-gradient-software", H16, alone)]


def _torchao() -> list[Stack]:
    """Return torchao's: the same operands, signs that the layer draws, words of its own."""
    maps = ("torchao-triton", "torchao-triton")
    tails = ("", "-byte-lane", "-pair-reversed")
    found = [_nvidia(f"torchao{t}", _AO, f"torchao-train-gradient{t}", H16_OF_LAYER, maps) for t in tails]
    return [replace(s, multiple=128) for s in found]


def _fouroversix(name: str, plain: str, gradient: str) -> Stack:
    """Return fouroversix's: everything from high precision, W^T and x^T quantized in the backward pass."""
    return Stack(
        name=name,
        source=_FOS,
        saves=("x", "w"),
        operands=(
            Operand(product=_FPROP, of="w", recipe=plain, forward=True),
            Operand(product=_FPROP, of="x", recipe=plain, forward=True),
            Operand(product=_DGRAD, of="g", recipe=gradient, forward=False),
            Operand(product=_DGRAD, of="w", transposed=True, recipe=plain, forward=False),
            Operand(product=_WGRAD, of="g", transposed=True, recipe=gradient, rotation=H16, forward=False),
            Operand(product=_WGRAD, of="x", transposed=True, recipe=plain, rotation=H16, forward=False),
        ),
    )


def _eden(product: Product, of: Tensor, origin: Origin) -> Operand:
    """Return an operand of Quartet II's backward pass: rotated, and its scales rounded stochastically."""
    return Operand(
        product=product,
        of=of,
        transposed=(product, of) != (_DGRAD, "g"),
        recipe="quartet2-eden",
        origin=origin,
        rotation=H128,
        forward=False,
        map="quartet2-scales",
    )


def _quartet2() -> Stack:
    """Return Quartet II's: the saved FP4 tensors are read back, transposed, rotated and quantized anew."""
    forward: tuple[Tensor, ...] = ("x", "w")
    return Stack(
        name="quartet2",
        source=f"{_Q2}kernels/python/quartet2/linear.py::Quartet_II_fn",
        multiple=128,
        dtypes=("bfloat16",),
        operands=(
            *(
                Operand(product=_FPROP, of=t, recipe="quartet2-4over6", forward=True, saved=True)
                for t in forward
            ),
            _eden(_DGRAD, "g", Origin.HIGH_PRECISION),
            _eden(_DGRAD, "w", Origin.SAVED_VALUES),
            _eden(_WGRAD, "g", Origin.HIGH_PRECISION),
            _eden(_WGRAD, "x", Origin.SAVED_VALUES),
        ),
    )


def _quartet2_nvidia() -> Stack:
    """Return the arm that Quartet II's paper calls NVIDIA: simulated, 16/17, signs of each step."""
    plain, gradient = "quartet2-simulator-nvfp4", "quartet2-simulator-sr"
    drawn = "quartet2-simulator"
    tiles = Operand(product=_FPROP, of="w", recipe=f"{plain}-16x16", forward=True, saved=True)
    return Stack(
        name="quartet2-simulator-nvidia",
        source=f"{_Q2}src/models/quantization/schemes/nvidia.py::Nvidia_fn",
        saves=("x",),
        dtypes=("float32",),
        operands=(
            Operand(product=_FPROP, of="x", recipe=plain, forward=True),
            tiles,
            Operand(product=_DGRAD, of="g", recipe=gradient, forward=False, map=drawn),
            replace(
                tiles, product=_DGRAD, transposed=True, origin=Origin.SAVED_CODES, forward=False, saved=False
            ),
            Operand(
                product=_WGRAD,
                of="g",
                transposed=True,
                recipe=gradient,
                rotation=H16_SIMULATED,
                forward=False,
                map=drawn,
            ),
            Operand(
                product=_WGRAD, of="x", transposed=True, recipe=plain, rotation=H16_SIMULATED, forward=False
            ),
        ),
    )


_ALL = (
    *_te(),
    *_torchao(),
    _fouroversix("fouroversix", "fouroversix-static6", "fouroversix-sr-unbiased"),
    _fouroversix("fouroversix-4over6", "fouroversix-mse", "fouroversix-sr-unbiased-4over6"),
    _quartet2(),
    _quartet2_nvidia(),
)
#: Every stack: name -> Stack.
STACKS = MappingProxyType({s.name: s for s in _ALL})
