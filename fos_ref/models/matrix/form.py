"""The form of the state of a matrix, as a closed JSON schema; and what no schema says of it."""

from __future__ import annotations

from functools import cache
from typing import Any

from fos_ref.outside.closed import closed, COUNT, items, NUMBER, one_of, optional, table, TEXT
from fos_ref.outside.form import problem, validator

_PLACE = {"pattern": "[ -~]{1,200}\\|[0-9]{1,6}"}
_SOME = COUNT | {"minimum": 1, "maximum": 1 << 40}
_ABOUT = {"windows": _SOME, "scored": _SOME, "window": _SOME, "text": TEXT, "torch": TEXT, "device": TEXT}
_MORE = {"text_sha256": TEXT, "words": COUNT, "tokens": COUNT, "model_sha256": TEXT, "numpy": TEXT}
_RECIPE = optional(items(TEXT, 2, 2))
_ARM = {"weights": _RECIPE, "activations": _RECIPE, "scope": one_of(("tensor", "row"))}
_ARM |= {"amax": one_of(("dynamic", "static")), "phase": NUMBER}
_ROW = {
    "arm": closed(_ARM),
    "sums": items(NUMBER, 1),
    "layers": table(items(optional(NUMBER), 3, 3)),
    "seconds": NUMBER,
}


@cache
def _checker() -> Any:
    """Return what checks such a document; made once."""
    bits = table(closed(dict.fromkeys(("blocks", "differing", "kernels"), COUNT)))
    return validator(
        closed({"about": closed(_ABOUT, _MORE), "arms": table(closed(_ROW), _PLACE), "bits": bits})
    )


def wrong_state(found: Any) -> str | None:
    """Return what is wrong with the state of a run; None where nothing is."""
    wrong = problem(_checker(), found)
    if wrong is not None:
        return wrong
    windows = found["about"]["windows"]
    for key, row in found["arms"].items():
        if len(row["sums"]) != windows:
            return f"{key}: {len(row['sums']):,} sums: one for each of {windows:,} windows is allowed"
    return None
