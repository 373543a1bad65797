"""Training: gradients that are rounded as random bits say. The operands without are second names, in own.py.

The signs of a rotation belong to a layer, so no recipe has one: rotate first (fos_ref/rotate), then quantize.
Which bits of a word `cvt.rs.satfinite.e2m1x4` gives a value is not known. Its recipes say "hardware-decides";
a recipe of the same name and a feed behind it states one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fos_ref.recipes.axes import (
    ElementCast,
    ElementNan,
    ElementRounding,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    ZeroSign,
)
from fos_ref.recipes.presets import fouroversix, te
from fos_ref.recipes.presets.choice import METRICS
from fos_ref.recipes.recipe import Recipe

_TE = "NVIDIA/TransformerEngine@d0067d0da6cb01811b8072a7d304f0e00344ce2b:transformer_engine/common/"
_AO = "pytorch/ao@36027d82d1ad9949597ea16002ff4940374b1b94:torchao/prototype/moe_training/nvfp4_training/"

#: Suffix of a name -> what cvt.rs does with a word under that reading.
CVT_RS: dict[str, dict[str, Any]] = {
    "": {"random_feed": RandomFeed.HARDWARE_DECIDES},
    "-byte-lane": {"random_feed": RandomFeed.BYTE_LANE, "random_width": 8},
    "-pair-reversed": {"random_feed": RandomFeed.PAIR_REVERSED, "random_width": 16},
}
#: What the reference does when it rounds stochastically: 8 no longer wraps.
_TORCH: dict[str, Any] = {
    "element_cast": ElementCast.SATURATE,
    "element_nan": ElementNan.CODE_B,
    "zero_sign": ZeroSign.SIGN_BIT,
    "element_rounding": ElementRounding.FOUROVERSIX_TORCH,
    "random_width": 24,
    "random_feed": RandomFeed.WORD,
    "evidence": "read",
}


def cvt_rs(base: Recipe, name: str, **change: Any) -> list[Recipe]:
    """Return a recipe that rounds by cvt.rs: as the hardware decides, and under each reading."""
    return [
        replace(base, **change, name=f"{name}{tail}", element_rounding=ElementRounding.SR_A, **feed)
        for tail, feed in CVT_RS.items()
    ]


def _te() -> list[Recipe]:
    """Return TransformerEngine's gradients: by cvt.rs, and by its software form where that is missing."""
    software = replace(
        te.CUDA_PLAIN,
        name="te-train-gradient-software",
        element_rounding=ElementRounding.TE_SOFTWARE,
        random_feed=RandomFeed.BYTE_NATURAL,
        random_width=8,
        source=f"{_TE}util/ptx.cuh::stochastic_round_fp4_e2m1",
    )
    source = f"{_TE}util/ptx.cuh::mul_cvt_bf16_to_fp4_4x_with_stochastic_rounding"
    return [*cvt_rs(te.CUDA_PLAIN, "te-train-gradient", source=source), software]


def _fouroversix() -> list[Recipe]:
    """Return fouroversix's reference, whose candidates have draws of their own, and its Triton kernel.

    In the kernel both candidates have the same bits, and the order of a sum is the compiler's: the rules
    whose bits the source pins have none. Where cvt.rs is missing it adds uniform numbers: no recipe has that.
    """
    found = []
    for tail, factor in (("", RangeFactor.ONE), ("-unbiased", RangeFactor.SIXTEEN_SEVENTEENTHS)):
        reference = {**_TORCH, "range_factor": factor}
        found += [
            replace(fouroversix.STATIC_6, **reference, name=f"fouroversix-sr{tail}"),
            replace(
                fouroversix.MSE,
                **reference,
                random_draws=RandomDraws.OWN,
                name=f"fouroversix-sr{tail}-4over6",
            ),
        ]
        kernel = {**fouroversix.TRITON, "range_factor": factor}
        absmax = {**kernel, **METRICS["absmax"], "random_draws": RandomDraws.SHARED}
        found += cvt_rs(fouroversix.STATIC_6, f"fouroversix-triton-sr{tail}", **kernel)
        found += cvt_rs(fouroversix.MSE, f"fouroversix-triton-sr{tail}-absmax", **absmax)
    return found


def presets() -> list[Recipe]:
    """Return te-train-gradient[-byte-lane, -pair-reversed, -software], torchao-train-gradient likewise.

    And fouroversix-sr[-unbiased][-4over6], fouroversix-triton-sr[-unbiased][-absmax] with each feed.
    """
    torchao = cvt_rs(te.CUDA_PLAIN, "torchao-train-gradient", source=f"{_AO}hadamard_utils.py::_pack_fp4")
    return [*_te(), *torchao, *_fouroversix()]
