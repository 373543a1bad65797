"""Bit-exact NVFP4 and Four Over Six: every public dialect as data, one golden model, no tolerance.

>>> import numpy as np, fos_ref
>>> x = np.zeros((1, 16), np.float32); x[0, :4] = 10, 20, 30, 40
>>> q = fos_ref.quantize(x, "4over6", tensor_scale=1.0)
>>> fos_ref.dequantize(q)[0, :4]
array([10., 20., 30., 40.], dtype=float32)
"""

from importlib import import_module
from typing import Any

from fos_ref.engines.front import dequantize, quantize, trace
from fos_ref.exactness.error import exact_error
from fos_ref.recipes import PRESETS, Recipe, recipe
from fos_ref.storage.layout import swizzle, unswizzle
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.version import VERSION

__version__ = VERSION


def __getattr__(name: str) -> Any:
    """Import `fos_ref.verify` when it is first asked for: most programs never do."""
    if name == "verify":
        return import_module("fos_ref.verify")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


__all__ = [
    "PRESETS",
    "QuantizedTensor",
    "Recipe",
    "dequantize",
    "exact_error",
    "quantize",
    "recipe",
    "swizzle",
    "trace",
    "unswizzle",
]
