"""What is a number? Formats as values, and the codec that reads them.

The codec is imported when it is asked for: formats and recipes are data and need no NumPy.
"""

from importlib import import_module
from typing import Any, TYPE_CHECKING

from fos_ref.formats.catalog import (
    BFLOAT16,
    E2M0,
    E2M1,
    E2M3,
    E3M2,
    E4M3,
    E5M2,
    E8M0,
    FLOAT16,
    FLOAT32,
    FormatInfo,
    FORMATS,
    INT3,
    INT4,
    INT6,
    INT8,
    UE4M3,
    UE5M3,
)

if TYPE_CHECKING:
    from fos_ref.formats.codec import decode, encode
    from fos_ref.formats.environment import check_float_environment

__all__ = [
    "BFLOAT16",
    "E2M0",
    "E2M1",
    "E2M3",
    "E3M2",
    "E4M3",
    "E5M2",
    "E8M0",
    "FLOAT16",
    "FLOAT32",
    "FORMATS",
    "INT3",
    "INT4",
    "INT6",
    "INT8",
    "UE4M3",
    "UE5M3",
    "FormatInfo",
    "check_float_environment",
    "decode",
    "encode",
]

_HOMES = {"check_float_environment": "environment", "decode": "codec", "encode": "codec"}


if not TYPE_CHECKING:  # else a checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        """Return the codec's functions, imported now."""
        if name not in _HOMES:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value
