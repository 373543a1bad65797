"""fos_ref gives the bits of NVFP4 and Four Over Six (4/6) quantizers: every public dialect, no tolerance.

>>> import numpy as np, fos_ref
>>> x = np.zeros((1, 16), np.float32); x[0, :4] = 10, 20, 30, 40
>>> q = fos_ref.quantize(x, "4over6", tensor_scale=1.0)
>>> fos_ref.dequantize(q)[0, :4]
array([10., 20., 30., 40.], dtype=float32)

quantize, dequantize    values to codes and block scales (a `QuantizedTensor`), and back
from_bytes              codes and scales made elsewhere, as a `QuantizedTensor`
trace                   the same with every intermediate, by the NumPy model
exact_error             the squared error of each block, with one rounding
swizzle, unswizzle      block scales to the 128x4 layout, and back
recipe, PRESETS, Recipe the dialects: by name, all of them, one as a value
STOCHASTIC              those that take random bits besides
random, rotate          the random bits and the rotations of training (docs/training.md)
training                the operands and products of a linear layer, as each program makes them
report                  own recipes on own data as a table (`fos_ref.report.table`)
verify                  check a kernel's bytes, test a kernel, generate inputs (`fos_ref.verify`)
doctor                  what this installation can do, and what to install for more (`fos doctor`)
"""

from importlib import import_module
from typing import Any, TYPE_CHECKING

from fos_ref.version import VERSION

if TYPE_CHECKING:  # what type checkers see; a name is imported when it is first asked for
    from fos_ref.engines.from_bytes import from_bytes
    from fos_ref.engines.front import dequantize, quantize, trace
    from fos_ref.exactness.error import exact_error
    from fos_ref.recipes import PRESETS, Recipe, recipe, STOCHASTIC
    from fos_ref.storage.layout import swizzle, unswizzle
    from fos_ref.storage.tensor import QuantizedTensor

__version__ = VERSION


__all__ = [
    "PRESETS",
    "STOCHASTIC",
    "QuantizedTensor",
    "Recipe",
    "dequantize",
    "exact_error",
    "from_bytes",
    "quantize",
    "recipe",
    "swizzle",
    "trace",
    "unswizzle",
]

#: Where each public name lives. `fos --help` and a shell's completion load none of them.
_HOMES = {
    "PRESETS": "fos_ref.recipes",
    "STOCHASTIC": "fos_ref.recipes",
    "QuantizedTensor": "fos_ref.storage.tensor",
    "Recipe": "fos_ref.recipes",
    "dequantize": "fos_ref.engines.front",
    "exact_error": "fos_ref.exactness.error",
    "from_bytes": "fos_ref.engines.from_bytes",
    "quantize": "fos_ref.engines.front",
    "recipe": "fos_ref.recipes",
    "swizzle": "fos_ref.storage.layout",
    "trace": "fos_ref.engines.front",
    "unswizzle": "fos_ref.storage.layout",
}
#: The packages that `import fos_ref` is enough for.
_PACKAGES = (
    "attention",
    "doctor",
    "engines",
    "errors",
    "formats",
    "matmul",
    "model",
    "random",
    "recipes",
    "report",
    "rotate",
    "storage",
    "training",
    "verify",
)


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
