"""Rows of the modules beside `check`: distributions, strategies, differences, mutants, the chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import find, settings

import fos_ref
from fos_ref.recipes.axes import NonFinite
from fos_ref.verify.disagreement import disagreement
from fos_ref.verify.distributions import make
from fos_ref.verify.hardware import hardware_decides
from fos_ref.verify.mutants import mutant, MUTANTS
from fos_ref.verify.near_tie import near_ties
from fos_ref.verify.strategies import amaxes, blocks, cases, matrices, recipes
from fos_ref.verify.vectors.chain import start, step_input
from tests.doors.calls.values import (
    NO_AMAX,
    NO_CHOICE,
    NO_COUNT,
    NO_INPUT,
    NO_RECIPE,
    NO_TENSOR_SCALE,
    VALUES,
    without,
    X,
)
from tests.doors.row import Call, wrong
from tests.foreign_objects import Rude

_NVFP4 = fos_ref.PRESETS["nvfp4"]
_FLASHINFER = "flashinfer-default-mse-256"
#: Its reciprocals are the chip's, and it refuses NaN and infinities.
_APPROXIMATE = replace(fos_ref.PRESETS[_FLASHINFER], name="refusing", nonfinite=NonFinite.RAISE)
_NO_SHAPE: dict[str, Any] = {
    "None": None,
    "a number": 16,
    "a text": "ab",
    "one axis": (16,),
    "three axes": (1, 2, 16),
    "no rows": (0, 16),
    "no columns": (1, 0),
    "columns of 17": (1, 17),
    "negative": (-1, 16),
    "a fraction": (1.5, 16),
    "a whole float": (1.0, 16.0),
    "texts": ("1", "16"),
    "a boolean": (True, 16),
    "nan": (float("nan"), 16),
    "a set": {1, 16},
    "what answers no question": Rude(),
    "more than any memory holds": (1 << 40, 1 << 20),
    "beyond int64": (10**30, 16),
}
_NO_SEED: dict[str, Any] = {**NO_COUNT, "None": None, "beyond 64 bits": 1 << 64, "a huge number": 10**5000}
#: Strategies take the nearest value, and say so.
_ROUNDED = (
    "between two float32 values",
    "a whole number beyond 2^53",
    "a long double between two",
    "a fraction",
)
_ONE = settings(max_examples=1, database=None, deadline=None)


def drawn(strategy: Any) -> Any:
    """Return something that a strategy draws."""
    return find(strategy, lambda _: True, settings=_ONE)


def _drawing(
    door: str, made: Any, argument: str, values: dict[str, Any], *args: Any, **more: Any
) -> list[Call]:
    """Return the rows of a strategy: it is refused when it is made, or when it draws."""
    return wrong(door, lambda *a, **k: drawn(made(*a, **k)), argument, values, *args, **more)


_BLOCKS_SHAPE = without(_NO_SHAPE, "columns of 17", "more than any memory holds", "beyond int64")
ROWS = [
    *wrong("make", make, "name", NO_CHOICE, shape=(1, 16), seed=0),
    *wrong("make", make, "shape", _NO_SHAPE, "normal", seed=0),
    *wrong("make", make, "seed", _NO_SEED, "normal", (1, 16)),
    *wrong("make", make, "dtype", {**NO_CHOICE, "a class": np.float32}, "normal", (1, 16), 0),
    *_drawing("recipes", recipes, "allowed", {"for none": lambda _: False, "a text": "all", "a number": 5}),
    *_drawing("amaxes", amaxes, "recipe", NO_RECIPE),
    *_drawing("amaxes", amaxes, "dtype", NO_CHOICE, "nvfp4"),
    *_drawing("blocks", blocks, "recipe", NO_RECIPE, amax=1.0),
    *_drawing(
        "blocks",
        blocks,
        "amax",
        {**without(NO_AMAX, "no numbers", *_ROUNDED), "None": None, "zero": 0.0},
        "nvfp4",
    ),
    *_drawing("blocks", blocks, "dtype", NO_CHOICE, "nvfp4", 1.0),
    *_drawing("blocks", blocks, "aim", without(NO_CHOICE, "None"), "nvfp4", 1.0),
    *_drawing("matrices", matrices, "recipe", NO_RECIPE),
    *_drawing("matrices", matrices, "dtype", NO_CHOICE, "nvfp4"),
    *_drawing("matrices", matrices, "shape", _BLOCKS_SHAPE, "nvfp4"),
    *_drawing("matrices", matrices, "amax", {**without(NO_AMAX, *_ROUNDED), "zero": 0.0}, "nvfp4"),
    *_drawing("cases", cases, "recipe", NO_RECIPE),
    *_drawing("cases", cases, "dtype", NO_CHOICE, "nvfp4"),
    *_drawing("cases", cases, "shape", _BLOCKS_SHAPE, "nvfp4"),
    *wrong("hardware_decides", hardware_decides, "x", NO_INPUT, r=fos_ref.PRESETS[_FLASHINFER]),
    *wrong("hardware_decides", hardware_decides, "x", VALUES, r=_APPROXIMATE),
    *wrong("hardware_decides", hardware_decides, "r", {**NO_RECIPE, "an exact one": _NVFP4}, X),
    *wrong("hardware_decides", hardware_decides, "amax", NO_AMAX, X, fos_ref.PRESETS[_FLASHINFER]),
    *wrong("disagreement", disagreement, "x", {**NO_INPUT, **VALUES}, a=_NVFP4, b=fos_ref.PRESETS["4over6"]),
    *wrong("disagreement", disagreement, "a", NO_RECIPE, X, b=_NVFP4),
    *wrong("disagreement", disagreement, "b", NO_RECIPE, X, _NVFP4),
    *wrong(
        "disagreement", disagreement, "b", {"of 32": fos_ref.PRESETS["fouroversix-mxfp4-static6"]}, X, _NVFP4
    ),
    *wrong("near_ties", near_ties, "x", {**NO_INPUT, **VALUES}),
    *wrong("near_ties", near_ties, "recipe", {**NO_RECIPE, "without a choice": "nvfp4"}, X),
    *wrong("near_ties", near_ties, "amax", NO_AMAX, X),
    *wrong("near_ties", near_ties, "tensor_scale", NO_TENSOR_SCALE, X),
    *wrong("near_ties", near_ties, "ulps", {**NO_COUNT, "None": None}, X),
    *wrong("near_ties", near_ties, "limit", NO_COUNT, X),
    *wrong("mutant", mutant, "name", NO_CHOICE),
    *wrong("Mutant.quantize", MUTANTS["tie-four"].quantize, "x", NO_INPUT),
    *wrong("Mutant.quantize", MUTANTS["tie-four"].quantize, "recipe", without(NO_RECIPE, "None"), X),
    *wrong("Mutant.quantize", MUTANTS["tie-four"].quantize, "amax", NO_AMAX, X),
    *wrong("start", start, "chain", NO_CHOICE),
    *wrong(
        "step_input",
        step_input,
        "state",
        {**NO_CHOICE, "too short": b"a" * 31, "too long": b"a" * 33},
        dtype="float32",
    ),
    *wrong("step_input", step_input, "dtype", {**NO_CHOICE, "float16": "float16"}, b"a" * 32),
]
