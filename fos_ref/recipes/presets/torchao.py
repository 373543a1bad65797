"""torchao: its plain NVFP4 tensor, and the 4/6 training prototype that follows TransformerEngine.

The plain path is that of release 0.18.0. The prototype is in no release, so its presets are `read`.
A tensor of zeros has NaN scales (0/0): the codes under them are 0xC there and 0xB here, and mean nothing.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from fos_ref.recipes.axes import (
    BlockScale,
    BlockShape,
    Dequantize,
    ElementNan,
    ElementScaling,
    ErrorMetric,
    NonFinite,
    ScaleFloor,
    ScaleNan,
    TensorScale,
    ZeroScale,
    ZeroSign,
)
from fos_ref.recipes.presets import te
from fos_ref.recipes.recipe import Recipe

PLAIN = Recipe(
    name="torchao-nvfp4",
    tensor_scale=TensorScale.DECODE_QUOTIENT,
    block_scale=BlockScale.DIVIDE_THEN_DIVIDE,
    scale_floor=ScaleFloor.MIN_NORMAL,
    scale_nan=ScaleNan.CODE_FF,
    element_scaling=ElementScaling.RECIPROCAL_QUOTIENT,
    zero_scale=ZeroScale.NO_SPECIAL_CASE,
    element_nan=ElementNan.CODE_B,
    dequantize=Dequantize.DECODE_PRODUCT,
    nonfinite=NonFinite.PROPAGATE,
    source=(
        "pytorch/ao@36027d82d1ad9949597ea16002ff4940374b1b94:"
        "torchao/prototype/mx_formats/nvfp4_tensor.py::nvfp4_quantize"
    ),
    evidence="ran",
)

FOUR_OVER_SIX = replace(
    te.FOUR_OVER_SIX,
    name="torchao-mse-256",
    tensor_scale=TensorScale.CLAMPED_ZERO_IS_ONE,
    element_nan=ElementNan.CODE_7,
    zero_sign=ZeroSign.SIGN_BIT,
    source=(
        "pytorch/ao@a426998d362124b0a9efb13f67d1035fc27e5c82:"
        "torchao/prototype/moe_training/nvfp4_training/four_over_six.py::(whole file)"
    ),
    evidence="read",
)

#: The quantizer of NVFP4 training: the bits of TransformerEngine's kernels. Its oracle is a file of the
#: repository's tests, in no release.
TRAINING = replace(
    te.CUDA_PLAIN,
    name="torchao-train-nvfp4",
    source=(
        "pytorch/ao@2ce99d3bacd9967ca4cbac57b8c821b3eeda350b:"
        "test/prototype/moe_training/nvfp4_training/nvfp4_reference.py::nvfp4_reference_quantize"
    ),
)

_SHAPES = {"": BlockShape.ROW_16, "-16x16": BlockShape.TILE_16X16}


def presets() -> list[Recipe]:
    """Return torchao-nvfp4, torchao-train-nvfp4[-16x16] and torchao-{mae,mse}-{256,448}[-16x16]."""
    modes = product((ErrorMetric.MAE, ErrorMetric.MSE), (256, 448), _SHAPES.items())
    return [
        PLAIN,
        TRAINING,
        replace(TRAINING, name="torchao-train-nvfp4-16x16", block_shape=BlockShape.TILE_16X16),
        *(
            replace(
                FOUR_OVER_SIX,
                name=f"torchao-{metric.value}-{bound}{tail}",
                error_metric=metric,
                scale_max=bound,
                block_shape=shape,
            )
            for metric, bound, (tail, shape) in modes
        ),
    ]
