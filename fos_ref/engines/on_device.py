"""Arrays that lie in device memory already, for the engine "cuda": they are quantized where they lie."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from fos_ref.engines.given import Fixed
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor

DOOR = "fos_gpu.door"  #: the module that takes them; imported when there is such an array
FRAMEWORKS = ("torch", "cupy")  #: whoever holds such an array has imported one of them


def quantize_on_device(x: Any, r: Recipe, fixed: Fixed) -> QuantizedTensor | None:
    """Return the result on the host; None for an array that is not taken there, and has to come to the host.

    Raises: as `fos_ref.quantize`.
    """
    if not any(name in sys.modules for name in FRAMEWORKS):
        return None
    try:
        door = import_module(DOOR)
    except ImportError:  # the engine is not installed: asking for it says so
        return None
    found: QuantizedTensor | None = door.quantize_to_host(x, r, fixed)
    return found
