"""Rows of `fos_ref.report.table`."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_ref.errors import FosError
from fos_ref.report.own.table import table
from tests.doors.calls.values import NO_CHOICE, NO_COUNT, NO_RECIPE, without
from tests.doors.row import wrong

_DOOR = "report.table"
_SMALL: dict[str, Any] = {"recipes": "nvfp4", "inputs": "normal", "seeds": 2, "shape": (16, 16)}
_NO_INPUT: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "none": [],
    "no label": {},
    "no such distribution": "norml",
    "two of one label": ["normal", "normal"],
    "integers": [np.ones((16, 16), np.int32)],
    "float64": [np.ones((16, 16))],
    "a vector": [np.ones(16, np.float32)],
    "columns that are no block": [np.ones((4, 15), np.float32)],
    "nothing in it": [np.ones((0, 16), np.float32)],
    "a NaN": [np.full((4, 16), np.nan, np.float32)],
    "all 0": [np.zeros((4, 16), np.float32)],
    "a function that raises": lambda _shape, _seed: 1 / 0,
    "a function of another shape": lambda _shape, _seed: np.ones((1, 16), np.float32),
    "a function of nothing": lambda: 5,
    "no such file": "nowhere.npy",
    "another file": "nowhere.txt",
}
_NO_RECIPES = {"none": [], "twice": ["nvfp4", "nvfp4"], "random bits": "te-train-gradient"}
_NO_SHAPE: dict[str, Any] = {
    "None": None,
    "a number": 16,
    "one axis": (16,),
    "columns": (16, 17),
    "0": (0, 16),
}


def _rows(argument: str, values: dict[str, Any], errors: tuple[type[Exception], ...] = (FosError,)) -> Any:
    rest = {k: v for k, v in _SMALL.items() if k != argument}
    return wrong(_DOOR, table, argument, values, errors=errors, **rest)


ROWS = [
    *_rows(
        "recipes",
        {
            **without(NO_RECIPE, "a list"),
            "none": [],
            "twice": ["nvfp4", "nvfp4"],
            "random": "te-train-gradient",
        },
    ),
    *_rows("inputs", _NO_INPUT, (FosError, OSError)),
    *_rows("seeds", NO_COUNT),
    *_rows("shape", _NO_SHAPE),
    *_rows("engine", NO_CHOICE),
]
