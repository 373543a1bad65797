"""Training: gradients that are rounded as random bits say. The operands without are second names, in own.py.

The signs of a rotation belong to a layer, so no recipe has one: rotate first (fos_ref/rotate), then quantize.
Which bits of a word `cvt.rs.satfinite.e2m1x4` gives a value is not known. Its recipes say "hardware-decides";
a recipe of the same name and a feed behind it states one. TransformerEngine has a form in software as well,
whose bits its source states: that is te-train-gradient, by its second name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fos_ref.recipes.axes import (
    Candidates,
    Dequantize,
    ElementCast,
    ElementNan,
    ElementRounding,
    Map4Scale,
    NonFinite,
    RandomDraws,
    RandomFeed,
    RangeFactor,
    Reciprocal,
    ScaleFloor,
    ScaleRounding,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets import fouroversix, quartet2, te
from fos_ref.recipes.presets.choice import METRICS
from fos_ref.recipes.recipe import Recipe

_TE = "NVIDIA/TransformerEngine@d0067d0da6cb01811b8072a7d304f0e00344ce2b:transformer_engine/common/"
_AO = "pytorch/ao@36027d82d1ad9949597ea16002ff4940374b1b94:torchao/prototype/moe_training/nvfp4_training/"
_QUARTET = "IST-DASLab/Quartet-II@8776a90b7aa0c0a400ad858a3c05a66f7ec55b73:"

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
    """Return TransformerEngine's gradients: by cvt.rs, and by its software form where that is missing.

    te-train-gradient is a second name of the software form (own.py), so what hardware decides is -cvt-rs.
    """
    software = replace(
        te.CUDA_PLAIN,
        name="te-train-gradient-software",
        element_rounding=ElementRounding.TE_SOFTWARE,
        random_feed=RandomFeed.BYTE_NATURAL,
        random_width=8,
        source=f"{_TE}util/ptx.cuh::stochastic_round_fp4_e2m1",
    )
    source = f"{_TE}util/ptx.cuh::mul_cvt_bf16_to_fp4_4x_with_stochastic_rounding"
    undecided, *stated = cvt_rs(te.CUDA_PLAIN, "te-train-gradient", source=source)
    return [replace(undecided, name=f"{undecided.name}-cvt-rs"), *stated, software]


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


#: Quartet II's kernels round rotated values to nearest and correct their scales, by approximate reciprocals.
EDEN = Recipe(
    name="quartet2-eden",
    candidates=Candidates.EDEN_16,
    scale_max=256,
    tensor_scale=TensorScale.OF_SCALES,
    reciprocal=Reciprocal.APPROXIMATE,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    dequantize=Dequantize.DECODE,
    nonfinite=NonFinite.DROP_NAN,
    random_width=16,
    scale_rounding=ScaleRounding.QUARTET2_SCALES,
    range_factor=RangeFactor.EDEN,
    source=f"{_QUARTET}kernels/csrc/had128_utils.cuh::eden_rounding",
    evidence="read",
)
#: What its simulators do with a scale, whatever they round.
_SIMULATOR: dict[str, Any] = {
    "tensor_scale": TensorScale.DECODE_TWO_QUOTIENTS,
    "scale_floor": ScaleFloor.ZERO_CODE_IS_ONE,
    "element_nan": ElementNan.CODE_8,
}


def _quartet2() -> list[Recipe]:
    """Return quartet2-eden, and what the simulators do: 16/17 with elements that are drawn, or EDEN."""
    drawn = {
        **_SIMULATOR,
        "element_cast": ElementCast.SATURATE,
        "element_rounding": ElementRounding.QUARTET2_SIMULATOR,
        "random_width": 32,
        "random_feed": RandomFeed.WORD,
        "range_factor": RangeFactor.SIXTEEN_SEVENTEENTHS,
        "source": f"{_QUARTET}src/models/quantization/quantizers/nvfp4_triton.py::sr_1x16s_fp4_kernel",
    }
    corrected = {
        **_SIMULATOR,
        "candidates": Candidates.EDEN_128,
        "scale_max": 256,
        "zero_sign": ZeroSign.NOT_POSITIVE,
        "dequantize": Dequantize.DECODE,
        "random_width": 32,
        "scale_rounding": ScaleRounding.QUARTET2_SIMULATOR,
        "range_factor": RangeFactor.EDEN,
        "source": f"{_QUARTET}src/models/quantization/quantizers/nvfp4_triton.py::eden_1x16s_fp4_kernel",
    }
    return [
        EDEN,
        replace(quartet2.TRITON_PLAIN, **corrected, name="quartet2-simulator-eden"),
        replace(quartet2.TRITON_PLAIN, **drawn, name="quartet2-simulator-sr"),
        replace(
            quartet2.TRITON_FOUR_OVER_SIX,
            **drawn,
            map4_scale=Map4Scale.EXPAND_QUOTIENT,
            random_draws=RandomDraws.OWN,
            name="quartet2-simulator-sr-4over6",
        ),
    ]


def presets() -> list[Recipe]:
    """Return te-train-gradient-{cvt-rs,byte-lane,pair-reversed,software}, and torchao-train-gradient.

    That and fouroversix-triton-sr[-unbiased][-absmax] with each feed. fouroversix-sr[-unbiased][-4over6],
    quartet2-eden, quartet2-simulator-{eden,sr,sr-4over6}.
    """
    torchao = cvt_rs(te.CUDA_PLAIN, "torchao-train-gradient", source=f"{_AO}hadamard_utils.py::_pack_fp4")
    return [*_te(), *torchao, *_fouroversix(), *_quartet2()]
