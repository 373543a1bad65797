"""How checkpoints hold weights in FP4: tensor names, and what the stored tensor scale means.

P is the name of a parameter. P.weight of shape (N, K) is a matrix; one of shape (E, N, K) is a stack of E
experts, matrices of their own that lie behind one another. All conventions hold packed codes as uint8
(.., N, K/2), element 2j in the low nibble, and block scales in the linear layout. Of NVFP4 these are E4M3
bytes (.., N, K/16). There is a float32 tensor scale too, one for each matrix; with A the tensor amax and
C = element max * scale_max of the recipe:

    modelopt            X.weight, X.weight_scale, X.weight_scale_2 of shape () or (E,):  a multiplier,
                        RN(A / C), or the recipe's own decode scale D where that is no quotient of A and C
    compressed-tensors  X.weight_packed, X.weight_scale, X.weight_global_scale of shape (1,) or (E,):  a
                        divisor, the recipe's own encode scale S

A reader multiplies code * block scale by the multiplier, or divides it by the divisor. Either way its values
may differ from the recipe's own dequantization by a few ulp, because RN(A / C), 1 / S and the
recipe's expression (N14) are rounded differently. The codes and block scales are the recipe's, bit for bit.

ModelOpt stores experts that lay as (K, N) in the original so: codes (E, K/2, N), block scales (E, K/16, N).
The others store them as (N, K).

MXFP4 has block scales of uint8 (.., N, K/32), a power of two each (E8M0), and no tensor scale:

    compressed-tensors  X.weight_packed, X.weight_scale
    gpt-oss             X.weight_blocks of shape (.., N, K/32, 16), X.weight_scales

A parameter P that is not called weight, as transformers' experts.gate_up_proj, is held under P,
P_weight_scale and P_weight_scale_2, under P_packed, P_scale and P_global_scale, or under P_blocks and
P_scales.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.arguments import is_a
from fos_ref.errors import InputError, RecipeError
from fos_ref.foreign import shown
from fos_ref.model.quantize import F32_DTYPE, tensor_scales
from fos_ref.recipes.axes import AmaxScope, ElementFormat, ScaleFormat, TensorScale
from fos_ref.recipes.recipe import BLOCK, MX_BLOCK, Recipe
from fos_ref.storage.tensor_info import TensorInfo

_OWN_DECODE = (TensorScale.DECODE_RECIPROCALS, TensorScale.RECIPROCAL_IN_INPUT_DTYPE)
SUFFIX = ".weight"  #: what the name of a matrix that can be quantized ends in
_WEIGHT = "weight"
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
    tensor_scale: str  #: empty where there is none
    tensor_scale_shape: tuple[int, ...]
    form: TensorScaleForm
    bare: tuple[str, str, str] = ("", "", "")  #: what follows P that is not called weight, part by part
    block: int = BLOCK  #: values under one block scale
    scale_dtype: str = "F8_E4M3"  #: of the block scales
    in_blocks: bool = False  #: whether the codes have an axis for the bytes of a block
    turns_back: bool = False  #: whether experts that lay as (K, N) are stored so: (K/2, N) and (K/16, N)

    @property
    def holds(self) -> str:
        """What these checkpoints hold, in words."""
        return f"E2M1 under {'E8M0' if self.block == MX_BLOCK else 'E4M3'} scales of {self.block}"

    def names(self, weight: str) -> tuple[str, ...]:
        """Return the names of codes, block scales and tensor scale, if there is one, of a parameter."""
        if weight.endswith(_WEIGHT):
            before = weight.removesuffix(_WEIGHT)
            found = [before + s.removeprefix(".") for s in (self.packed, self.block_scale, self.tensor_scale)]
        else:
            found = [weight + s for s in self.bare]
        return tuple(found if self.tensor_scale else found[:2])

    def infos(
        self, weight: str, shape: tuple[int, int], experts: int | None = None, *, turned: bool = False
    ) -> tuple[TensorInfo, ...]:
        """Describe the tensors that stand for a weight of shape (N, K), or for a stack of them.

        turned: whether the original holds each as (K, N)
        """
        stack = () if experts is None else (experts,)
        shapes: tuple[tuple[int, ...], ...] = (self.codes_shape(shape), (shape[0], shape[1] // self.block))
        if turned and self.turns_back:
            shapes = tuple(s[::-1] for s in shapes)
        whole = [(*stack, *s) for s in shapes] + [stack or self.tensor_scale_shape]
        dtypes = ("U8", self.scale_dtype, "F32")
        return tuple(map(TensorInfo.of, self.names(weight), dtypes, whole))

    def codes_shape(self, shape: tuple[int, int]) -> tuple[int, ...]:
        """Return the shape of the packed codes of one weight (N, K)."""
        rows, cols = shape
        if self.in_blocks:
            return rows, cols // self.block, self.block // CODES_PER_BYTE
        return rows, cols // CODES_PER_BYTE


MODELOPT = Convention(
    name="modelopt",
    packed=".weight",
    block_scale=".weight_scale",
    tensor_scale=".weight_scale_2",
    tensor_scale_shape=(),
    form=TensorScaleForm.MULTIPLIER,
    bare=("", "_weight_scale", "_weight_scale_2"),
    turns_back=True,
)
COMPRESSED_TENSORS = Convention(
    name="compressed-tensors",
    packed=".weight_packed",
    block_scale=".weight_scale",
    tensor_scale=".weight_global_scale",
    tensor_scale_shape=(1,),
    form=TensorScaleForm.DIVISOR,
    bare=("_packed", "_scale", "_global_scale"),
)
COMPRESSED_TENSORS_MX = Convention(
    name="compressed-tensors",
    packed=".weight_packed",
    block_scale=".weight_scale",
    tensor_scale="",
    tensor_scale_shape=(),
    form=TensorScaleForm.MULTIPLIER,
    bare=("_packed", "_scale", ""),
    block=MX_BLOCK,
    scale_dtype="U8",
)
GPT_OSS = Convention(
    name="gpt-oss",
    packed=".weight_blocks",
    block_scale=".weight_scales",
    tensor_scale="",
    tensor_scale_shape=(),
    form=TensorScaleForm.MULTIPLIER,
    bare=("_blocks", "_scales", ""),
    block=MX_BLOCK,
    scale_dtype="U8",
    in_blocks=True,
)
#: The conventions for NVFP4, and those for MXFP4.
CONVENTIONS: Mapping[str, Convention] = MappingProxyType({c.name: c for c in (MODELOPT, COMPRESSED_TENSORS)})
MX_CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {c.name: c for c in (COMPRESSED_TENSORS_MX, GPT_OSS)}
)
NAMES = tuple(dict.fromkeys((*CONVENTIONS, *MX_CONVENTIONS)))


def convention(name: str, r: Recipe | None = None) -> Convention:
    """Return the convention called `name` that holds what recipe `r` makes; without one, that for NVFP4.

    Raises: InputError, which lists those there are; RecipeError where this one holds something else, which
            names those that fit.
    """
    if not is_a(name, str) or name not in NAMES:
        msg = f"no convention is called {shown(name)}: one of {', '.join(NAMES)} is allowed"
        raise InputError(msg)
    if r is None or not is_mxfp4(r):
        if r is not None:
            check_storable(r)
        fitting, others = CONVENTIONS, MX_CONVENTIONS
    else:
        fitting, others = MX_CONVENTIONS, CONVENTIONS
    if name not in fitting:
        made = "" if r is None else f"recipe {r.name!r} makes {_made(r)}: "
        msg = f"{made}{name} checkpoints hold {others[name].holds}: {' or '.join(fitting)} is allowed"
        raise RecipeError(msg)
    return fitting[name]


def is_mxfp4(r: Recipe) -> bool:
    """Return whether a recipe makes E2M1 codes under powers of two, one for 32 values."""
    return r.element_format is ElementFormat.E2M1 and r.scale_format.is_power and r.block_cols == MX_BLOCK


def check_storable(r: Recipe) -> None:
    """Raise RecipeError for a recipe that makes something else than NVFP4 with one tensor scale."""
    both = " and ".join(CONVENTIONS)
    nvfp4 = (ElementFormat.E2M1, ScaleFormat.E4M3, BLOCK)
    if (r.element_format, r.scale_format, r.block_cols) != nvfp4:
        msg = f"recipe {r.name!r} makes {_made(r)}: {both} checkpoints hold {MODELOPT.holds}"
        raise RecipeError(msg)
    if r.amax_scope is AmaxScope.ROW:
        msg = (
            f"recipe {r.name!r} has a tensor amax per row, and {both} checkpoints hold "
            "one tensor scale: a recipe with one amax for the tensor is allowed"
        )
        raise RecipeError(msg)


def _made(r: Recipe) -> str:
    return f"{r.element_format.value} codes under {r.scale_format.value} scales of {r.block_cols} values"


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
