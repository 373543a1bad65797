"""The form of the document of pretraining, as a closed JSON schema."""

from __future__ import annotations

from functools import cache
from typing import Any

from fos_ref.outside.closed import closed, COUNT, items, NUMBER, one_of, optional, table, TEXT
from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.config import MODELS

_LOSS = NUMBER  #: a run that diverged has a NaN
_SECONDS = {"type": "number", "minimum": 0, "maximum": 1e9}
_NAME = {"model": one_of(MODELS), "arm": one_of(ARMS), "seed": COUNT}
_MACHINE = table(TEXT) | {"required": ["device", "torch"]}
_RUN = closed(
    _NAME
    | {
        "held_out": _LOSS,
        "train": _LOSS,
        "floor": optional(NUMBER),
        "seconds": _SECONDS,
        "steps": COUNT,
        "curve": items(_LOSS, 1),
    }
)
_REPLAY = closed(
    {"run": TEXT, "step": COUNT, "layer": TEXT}
    | dict.fromkeys(("codes", "scales", "amaxes", "differing"), COUNT)
)
_RESTART = closed(_NAME | dict.fromkeys(("stopped_after", "losses", "differing"), COUNT))


@cache
def checker() -> Any:
    """Return what checks such a document; made once."""
    from fos_ref.outside.form import validator

    return validator(
        closed(
            {
                "config": {"type": "object"},
                "made_on": items(_MACHINE),
                "runs": items(_RUN),
                "replays": items(_REPLAY),
                "restarts": items(_RESTART),
            }
        )
    )
