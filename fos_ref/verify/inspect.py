"""Find out how a quantized checkpoint was made: see fos_ref/inspect/api.py."""

from fos_ref.inspect.api import inspect

__all__ = ["inspect"]
