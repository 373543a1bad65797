"""How checkpoints hold NVFP4 weights: tensor names, and what the stored tensor scale means.

Both conventions hold, for a weight X.weight of shape (N, K), the packed codes as uint8 (N, K/2), element 2j
in the low nibble, and the block scales as E4M3 bytes (N, K/16) in the linear layout. They differ in names
and in the float32 tensor scale; with A the tensor amax and C = element max * scale_max of the recipe:

    modelopt            X.weight, X.weight_scale, X.weight_scale_2 of shape ():  a multiplier, RN(A / C),
                        or the recipe's own decode scale D where that is no quotient of A and C
    compressed-tensors  X.weight_packed, X.weight_scale, X.weight_global_scale of shape (1,):  a divisor,
                        the recipe's own encode scale S

A reader multiplies code * block scale by the multiplier, or divides it by the divisor. Either way its values
may differ from the recipe's own dequantization by a few ulp, because RN(A / C), 1 / S and the
recipe's expression (N14) are rounded differently. The codes and block scales are the recipe's, bit for bit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import CheckpointError, InputError, RecipeError
from fos_ref.foreign import shown
from fos_ref.model.quantize import F32_DTYPE, tensor_scales
from fos_ref.recipes.axes import AmaxScope, ElementFormat, ScaleFormat, TensorScale
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.safetensors_read import TensorInfo

_OWN_DECODE = (TensorScale.DECODE_RECIPROCALS, TensorScale.RECIPROCAL_IN_INPUT_DTYPE)
SUFFIX = ".weight"  #: what the name of a tensor that can be quantized ends in
CODES_PER_BYTE = 2


class TensorScaleForm(Enum):
    """What the stored tensor scale does to a decoded value."""

    MULTIPLIER = "multiplier"
    DIVISOR = "divisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """The names and the tensor scale of one family of checkpoints."""

    name: str
    packed: str  #: what follows X in the name of the packed codes
    block_scale: str
    tensor_scale: str
    tensor_scale_shape: tuple[int, ...]
    form: TensorScaleForm

    def names(self, weight: str) -> tuple[str, str, str]:
        """Return the names of codes, block scales and tensor scale for the weight X.weight."""
        return self.parts(weight.removesuffix(SUFFIX))

    def parts(self, stem: str) -> tuple[str, str, str]:
        """Return the same for X alone, which may end in .weight itself."""
        return stem + self.packed, stem + self.block_scale, stem + self.tensor_scale

    def infos(self, weight: str, shape: tuple[int, int]) -> tuple[TensorInfo, TensorInfo, TensorInfo]:
        """Describe the three tensors that stand for a weight of shape (N, K)."""
        codes, block_scale, tensor_scale = self.names(weight)
        rows, cols = shape
        return (
            TensorInfo.of(codes, "U8", (rows, cols // CODES_PER_BYTE)),
            TensorInfo.of(block_scale, "F8_E4M3", (rows, cols // BLOCK)),
            TensorInfo.of(tensor_scale, "F32", self.tensor_scale_shape),
        )


MODELOPT = Convention(
    name="modelopt",
    packed=".weight",
    block_scale=".weight_scale",
    tensor_scale=".weight_scale_2",
    tensor_scale_shape=(),
    form=TensorScaleForm.MULTIPLIER,
)
COMPRESSED_TENSORS = Convention(
    name="compressed-tensors",
    packed=".weight_packed",
    block_scale=".weight_scale",
    tensor_scale=".weight_global_scale",
    tensor_scale_shape=(1,),
    form=TensorScaleForm.DIVISOR,
)
CONVENTIONS: Mapping[str, Convention] = MappingProxyType({c.name: c for c in (MODELOPT, COMPRESSED_TENSORS)})


def convention(name: str) -> Convention:
    """Return the convention called `name`; InputError lists those there are."""
    if not is_a(name, str) or name not in CONVENTIONS:
        msg = f"no convention is called {shown(name)}: one of {', '.join(CONVENTIONS)} is allowed"
        raise InputError(msg)
    return CONVENTIONS[name]


def check_storable(r: Recipe) -> None:
    """Raise RecipeError for a recipe that makes something else than NVFP4 with one tensor scale."""
    both = " and ".join(CONVENTIONS)
    nvfp4 = (ElementFormat.E2M1, ScaleFormat.E4M3, BLOCK)
    if (r.element_format, r.scale_format, r.block_cols) != nvfp4:
        made = f"{r.element_format.value} codes under {r.scale_format.value} scales of {r.block_cols} values"
        msg = f"recipe {r.name!r} makes {made}: {both} checkpoints hold E2M1 under E4M3 scales of {BLOCK}"
        raise RecipeError(msg)
    if r.amax_scope is AmaxScope.ROW:
        msg = (
            f"recipe {r.name!r} has a tensor amax per row, and {both} checkpoints hold "
            "one tensor scale: a recipe with one amax for the tensor is allowed"
        )
        raise RecipeError(msg)


def stored_tensor_scale(
    amax: np.float32, r: Recipe, c: Convention, dtype: np.dtype[Any] = F32_DTYPE
) -> np.float32:
    """Return the float32 that convention `c` holds for tensor amax A: always positive and finite.

    dtype:    of the weight, for the recipes that round their tensor scale in it
    Rounding: a divisor is the recipe's own S. A multiplier is one division, RN(A / C), or the recipe's own D
              where that is no quotient of A and C.
    Specials: A = 0 stores 1. Every code then decodes to a zero whatever the scale, and readers of both
              conventions take the reciprocal, so 0 and infinity will not do.
              C / A above FLT_MAX (A below about 1e-35): a clamping recipe works with S = FLT_MAX, and the
              multiplier is its D = 1 / FLT_MAX, a subnormal, because A / C would decode to wrong values.
    Raises:   InputError for a NaN or infinite A, and where the recipe itself has no finite tensor scale.
    """
    if amax == 0:
        return np.float32(1)
    scales = tensor_scales(np.asarray(amax), r, dtype)
    with np.errstate(over="ignore"):
        ratio = np.float32(r.range_max) / amax
    if not np.isfinite(amax) or not np.isfinite(scales.encode):
        msg = f"tensor amax {amax!s}: recipe {r.name!r} has no finite tensor scale for it"
        raise InputError(msg)
    if c.form is TensorScaleForm.DIVISOR:
        return np.float32(scales.encode)
    own = r.tensor_scale in _OWN_DECODE or not np.isfinite(ratio)
    return np.float32(scales.decode) if own else amax / np.float32(r.range_max)


def encode_scale_of(stored: np.float32, c: Convention) -> np.float32:
    """Return the divisor that a stored tensor scale stands for: itself, or RN(1 / stored)."""
    return stored if c.form is TensorScaleForm.DIVISOR else np.float32(1) / stored


def decode_scale_of(stored: np.float32, c: Convention) -> np.float32:
    """Return the multiplier that a stored tensor scale stands for: itself, or RN(1 / stored)."""
    return stored if c.form is TensorScaleForm.MULTIPLIER else np.float32(1) / stored


def amax_of(stored: np.float32, r: Recipe, c: Convention) -> np.float32:
    """Derive the tensor amax from a stored tensor scale: RN(stored * C) or RN(C / stored).

    The quotient that was stored has been rounded, so this can be an ulp or two off the amax it was made from.
    """
    bound = np.float32(r.range_max)
    return stored * bound if c.form is TensorScaleForm.MULTIPLIER else bound / stored


def detect(names: Collection[str]) -> Convention:
    """Return the convention whose three tensors occur among `names`; CheckpointError for none or both."""
    found = [c for c in CONVENTIONS.values() if next(iter(weights_in(names, c)), None) is not None]
    if len(found) != 1:
        what = "both conventions' tensors" if found else "no quantized weight"
        rules = "; ".join(
            f"{c.name}: {', '.join('X' + s for s in c.parts(''))}" for c in CONVENTIONS.values()
        )
        msg = f"the file holds {what}: exactly one of these is allowed: {rules}"
        raise CheckpointError(msg)
    return found[0]


def weights_in(names: Collection[str], c: Convention) -> list[str]:
    """Return the names X.weight of the weights that `names` holds in convention `c`, in order."""
    there = set(names)
    stems = [n.removesuffix(c.tensor_scale) for n in names if n.endswith(c.tensor_scale)]
    return [s + SUFFIX for s in stems if there.issuperset(c.parts(s))]
