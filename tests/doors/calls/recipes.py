"""Rows of recipes: by name, field by field, from JSON."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import fos_ref
from fos_ref.recipes.axes import Candidates, Reduction, TensorScale
from tests.doors.calls.values import NO_RECIPE, OddName, without
from tests.doors.row import Call, HOSTILE, wrong
from tests.foreign_objects import Rude

_NVFP4 = fos_ref.PRESETS["nvfp4"]
_CHOOSES = fos_ref.PRESETS["4over6"]
_JSON = _NVFP4.to_dict()
_TEXTS = ("name", "source", "evidence")
#: What no text of a recipe may hold.
_UNPRINTABLE = without(HOSTILE, "markup", "nothing", "a path upwards")
#: No value of any field.
_NO_VALUE: dict[str, Any] = {
    "a list": [1],
    "a dict": {},
    "a fraction": 1.5,
    "bytes": b"6",
    "a boolean": True,
    "the class": fos_ref.Recipe,
    "an axis of another field": Reduction.HALVES,
    "a hostile object": OddName(),
    "what answers no question": Rude(),
}
_OPTIONAL = (
    "map4_scale",
    "error_domain",
    "error_metric",
    "reduction",
    "tie",
    "random_feed",
    "random_draws",
)


def _field(name: str) -> list[Call]:
    """Return the rows of a field: in a recipe that is changed, and in its JSON."""
    values = without(_NO_VALUE, "an axis of another field") if name == "reduction" else dict(_NO_VALUE)
    if name not in _OPTIONAL:
        values["None"] = None
    if name in _TEXTS:
        values |= _UNPRINTABLE
    else:
        values |= {"another word": "nonsense", **HOSTILE}
    values["a number"] = 5 if name != "scale_max" else 1
    return [
        *[Call(f"Recipe({name})", what, replace, (_CHOOSES,), {name: v}) for what, v in values.items()],
        *[
            Call(
                "Recipe.from_dict(data)",
                f"{name}: {what}",
                fos_ref.Recipe.from_dict,
                ({**_JSON, name: v},),
                {},
            )
            for what, v in values.items()
            if type(v) is not Reduction
        ],
    ]


_ILLEGAL: dict[str, dict[str, Any]] = {
    "candidates": {"a choice without a rule": Candidates.FOUR_OVER_SIX},
    "scale_max": {"449": 449, "1": 1, "0": 0, "-448": -448, "a huge number": 10**400},
    "tensor_scale": {"none, and a bound": TensorScale.NONE},
    "reduction": {"without a choice": Reduction.SEQUENTIAL},
}
_NO_OBJECT: dict[str, Any] = {
    "None": None,
    "a list": [1],
    "a text": "{}",
    "a number": 5,
    "an empty object": {},
    "a field too few": {k: v for k, v in _JSON.items() if k != "tie"},
    "a field too many": {**_JSON, "\x1b]0;pwn\x07\n": 1},
    "1,000 fields too many": {**_JSON, **{f"field{i}": 1 for i in range(1000)}},
    "a field of 100,000 letters": {**_JSON, "f" * 100_000: 1},
    "keys that are no text": {1: 2},
    "a key that answers no question": {Rude(): 2},
    "what answers no question": Rude(),
    "a recipe": _NVFP4,
}
ROWS = [
    *wrong("recipe", fos_ref.recipe, "name", NO_RECIPE),
    *(row for f in fields(fos_ref.Recipe) for row in _field(f.name)),
    *(
        Call(f"Recipe({name})", what, replace, (_NVFP4,), {name: v})
        for name, values in _ILLEGAL.items()
        for what, v in values.items()
    ),
    *wrong("Recipe.from_dict", fos_ref.Recipe.from_dict, "data", _NO_OBJECT),
    *wrong("Recipe.diff", _NVFP4.diff, "other", without(NO_RECIPE)),
]
