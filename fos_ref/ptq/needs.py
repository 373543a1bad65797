"""The packages of the extra `ptq`, looked for before they are imported: that takes a quarter of a minute."""

from __future__ import annotations

from importlib.util import find_spec

from fos_ref.errors import ToolchainError

PACKAGES = ("torch", "transformers", "datasets", "compressed_tensors", "llmcompressor")


def check_packages() -> None:
    """Raise ToolchainError where a package is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        msg = f"not installed: {', '.join(missing)}: pip install 'fos-ref[ptq]' has them"
        raise ToolchainError(msg)
