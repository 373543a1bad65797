"""Bit-exact NVFP4 and Four Over Six: every public dialect as data, one golden model, no tolerance.

>>> import numpy as np, fos_ref
>>> x = np.zeros((1, 16), np.float32); x[0, :4] = 10, 20, 30, 40
>>> q = fos_ref.quantize(x, "4over6", tensor_scale=1.0)
>>> fos_ref.dequantize(q)[0, :4]
array([10., 20., 30., 40.], dtype=float32)
"""

from importlib import import_module
from typing import Any, TYPE_CHECKING

from fos_ref.version import VERSION

if TYPE_CHECKING:  # what type checkers see; a name is imported when it is first asked for
    from fos_ref.engines.front import dequantize, quantize, trace
    from fos_ref.exactness.error import exact_error
    from fos_ref.recipes import PRESETS, Recipe, recipe
    from fos_ref.storage.layout import swizzle, unswizzle
    from fos_ref.storage.tensor import QuantizedTensor

__version__ = VERSION


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

#: Where each public name lives. `fos --help` and a shell's completion load none of them.
_HOMES = {
    "PRESETS": "fos_ref.recipes",
    "QuantizedTensor": "fos_ref.storage.tensor",
    "Recipe": "fos_ref.recipes",
    "dequantize": "fos_ref.engines.front",
    "exact_error": "fos_ref.exactness.error",
    "quantize": "fos_ref.engines.front",
    "recipe": "fos_ref.recipes",
    "swizzle": "fos_ref.storage.layout",
    "trace": "fos_ref.engines.front",
    "unswizzle": "fos_ref.storage.layout",
}
#: The packages that `import fos_ref` is enough for.
_PACKAGES = ("engines", "errors", "formats", "model", "recipes", "storage", "verify")


if not TYPE_CHECKING:  # else a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Return a public name or a package, imported now."""
        if name in _PACKAGES:
            return import_module(f"fos_ref.{name}")
        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    """Return the names of this module, those not imported yet included."""
    return sorted({*globals(), *_HOMES, *_PACKAGES})
