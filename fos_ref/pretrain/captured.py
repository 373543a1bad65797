"""What one layer was given in a step, and what was made of it: the evidence that a replay needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fos_ref.formats.arrays import AnyArray, F32, U8


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The bits of one operand."""

    codes: U8  #: (R, C/2)
    block_scales: U8  #: (R, C/16)
    amax: F32  #: (): the tensor amax; of MS-EDEN the largest corrected scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Captured:
    """One layer in one step. Tensors are those of the whole batch."""

    run: str
    step: int
    layer: int  #: its number
    name: str
    x: AnyArray  #: (T, K) bfloat16
    w: AnyArray  #: (N, K) bfloat16
    g: AnyArray  #: (T, N) bfloat16
    operands: Mapping[str, Codes]  #: by operand; none in an arm without a stack
