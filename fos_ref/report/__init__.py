"""What did we learn? Tables and figures; pandas and matplotlib live here only.

`table(recipes, inputs)` gives the figures of own recipes on own inputs, as a DataFrame with intervals.
"""

from importlib import import_module
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from fos_ref.report.own.table import table

__all__ = ["table"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the public call, imported now: pandas takes a while."""
        if name != "table":
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return import_module("fos_ref.report.own.table").table
