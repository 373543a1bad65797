"""A stack as data: where each operand of the three products comes from, and when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from fos_ref.rotate import SIGNS_H16

Tensor = Literal["x", "w", "g"]


class Product(Enum):
    """One of the three products of a layer, each operand blocked along the axis that is summed over."""

    FPROP = "fprop"  #: y = x W^T, over the K inputs
    DGRAD = "dgrad"  #: the gradient of x, g W, over the N outputs
    WGRAD = "wgrad"  #: the gradient of W, g^T x, over the T tokens


class Origin(Enum):
    """What an operand is made from."""

    HIGH_PRECISION = "high-precision"  #: the tensor itself
    SAVED_VALUES = "saved-values"  #: the values of the tensor's forward operand, in bfloat16
    SAVED_CODES = "saved-codes"  #: codes and scales of the tensor's forward operand, transposed


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A randomized Hadamard transform along the axis that is summed over."""

    size: int
    signs: int | None  #: the mask that the program has written into it; None: it draws one, the caller has it
    out: str  #: "bfloat16", or "float32" where nothing is rounded before the quantizer
    order: tuple[int, ...] | None = None  #: which Sylvester row each output is; None: in order


#: TransformerEngine's and fouroversix's rotation.
H16 = Rotation(size=16, signs=SIGNS_H16, out="bfloat16")
#: torchao's: each layer draws its signs once.
H16_OF_LAYER = Rotation(size=16, signs=None, out="bfloat16")


def _of_tiles() -> tuple[int, ...]:
    """Return the order of outputs of Quartet II's kernels: a block of 16 is four runs of four."""
    runs = [16 * i + j for i in range(4) for j in range(4)]
    return tuple(64 * half + 4 * tile + run for half in range(2) for tile in range(4) for run in runs)


#: Quartet II's: signs are drawn in each backward pass, and no rounding before the quantizer.
H128 = Rotation(size=128, signs=None, out="float32", order=_of_tiles())
#: Of its simulators: float32, H16, in order.
H16_SIMULATED = Rotation(size=16, signs=None, out="float32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One operand of one product."""

    product: Product
    of: Tensor
    recipe: str  #: the preset it is quantized by
    origin: Origin = Origin.HIGH_PRECISION
    transposed: bool = False  #: whether rows are the tensor's columns
    rotation: Rotation | None = None
    forward: bool  #: made in the forward pass; else in the backward pass
    saved: bool = False  #: kept from the forward pass to the backward pass
    map: str | None = None  #: of the program's own draws (fos_ref.random.MAPS); None: none is known

    @property
    def name(self) -> str:
        """The product and the tensor: "wgrad_x"."""
        return f"{self.product.value}_{self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What one program makes of a layer. `operands` are in the order in which they are made."""

    name: str
    source: str  #: repo@commit:path::symbol
    operands: tuple[Operand, ...]
    saves: tuple[Tensor, ...] = ()  #: tensors that are kept in high precision for the backward pass
    multiple: int = 16  #: what T, K and N are a multiple of
    dtypes: tuple[str, ...] = ("bfloat16", "float32")

    @property
    def draws_signs(self) -> bool:
        """Whether a rotation's signs are the caller's to give."""
        return any(o.rotation is not None and o.rotation.signs is None for o in self.operands)
