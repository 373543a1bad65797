"""Is it right, and if not, why? Inputs by name, comparison bit by bit, and the checker that names the bug."""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: The checker stands a floor above; its calls are found here by name, when they are first asked for.
_CALLS = {
    "check": "fos_ref.check.api",
    "assert_bits_equal": "fos_ref.check.asserts",
    "assert_quantized_equal": "fos_ref.check.asserts",
    "Diagnosis": "fos_ref.check.diagnosis",
    "conformance": "fos_ref.check.conformance",
    "conformance_groups": "fos_ref.check.conformance",
}


def __getattr__(name: str) -> Any:
    """Return a call of the checker."""
    if name not in _CALLS:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_CALLS[name]), name)


def __dir__() -> list[str]:
    """Return the names of this module, those of the checker included."""
    return sorted([*globals(), *_CALLS])
