"""What is handed to the calls of the library: good things, and everything else."""

from __future__ import annotations

import array
import datetime as dt
import decimal
import fractions
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

import fos_ref
from tests.doors.row import HOSTILE
from tests.foreign_objects import Rude

X = np.random.default_rng(3).standard_normal((32, 64)).astype(np.float32)
Q = fos_ref.quantize(X, "nvfp4", engine="numpy")
ROWS_Q = fos_ref.quantize(X, "te-nvfp4-row", engine="numpy")


class Odd:
    """An object that raises when it is looked at as an array."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        msg = "no array\nof two lines \x1b]0;pwn\x07"
        raise KeyError(msg)


class OddCapsule:
    """A DLPack producer that hands over something else."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def __dlpack__(self, **_: Any) -> Any:
        if isinstance(self.given, type):
            msg = "first line\nsecond \x1b[31m"
            raise self.given(msg)
        return self.given

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class OddName(list):
    """An object whose class has a hostile name and whose text has many lines."""

    def __repr__(self) -> str:
        return "first\nsecond\x1b]0;pwn\x07\u202e" * 1000


OddName.__name__ = "Odd\nName\x1b"


def _masked() -> Any:
    return np.ma.MaskedArray(np.ones((32, 64), np.float32), mask=np.eye(32, 64, dtype=bool))


#: No array that is taken anywhere.
NO_ARRAY: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "a text": "x",
    "bytes": b"x",
    "a list": [[1.0] * 16],
    "a tuple": ((1.0,) * 16,),
    "a dict": {"a": 1},
    "a set": {1},
    "a generator": (i for i in range(3)),
    "a class": np.ndarray,
    "an object": object(),
    "a function": len,
    "a path": Path("x.npy"),
    "an array of Python": array.array("f", [1.0] * 16),
    "what raises as an array": Odd(),
    "a capsule that is none": OddCapsule(None),
    "a capsule that is a number": OddCapsule(5),
    "a capsule that raises KeyError": OddCapsule(KeyError),
    "a capsule that raises RuntimeError": OddCapsule(RuntimeError),
    "a capsule that raises MemoryError": OddCapsule(MemoryError),
    "a hostile object": OddName(),
    "what answers no question": Rude(),
}
#: Arrays whose dtype is neither a float of 32 or 16 bits nor bytes.
DTYPES: dict[str, Any] = {
    "float64": np.ones((32, 64)),
    "long double": np.ones((32, 64), np.longdouble),
    "complex": np.ones((32, 64), np.complex64),
    "int32": np.ones((32, 64), np.int32),
    "booleans": np.ones((32, 64), np.bool_),
    "dates": np.ones((32, 64), "M8[s]"),
    "durations": np.ones((32, 64), "m8[s]"),
    "texts": np.full((32, 64), "a"),
    "byte texts": np.full((32, 64), b"a"),
    "void": np.zeros((32, 64), "V4"),
    "a structure": np.zeros((32, 64), [("a\x1b[31m\n", "f4"), ("b", "u1")]),
    "a structure of 1,000 fields": np.zeros((32, 64), [(f"field{i}", "f4") for i in range(1000)]),
    "objects": np.array([[object()] * 16]),
    "the other byte order": np.ones((32, 64), ">f4"),
    "float4": np.zeros((32, 64), ml_dtypes.float4_e2m1fn),
    "masked": _masked(),
}
#: Floats whose shape fits no recipe.
SHAPES: dict[str, Any] = {
    "no axis": np.float32(1).reshape(()),
    "columns of 17": np.ones((3, 17), np.float32),
    "one value": np.ones(1, np.float32),
}
#: Floats that a recipe which refuses NaN refuses.
VALUES: dict[str, Any] = {
    "nan": np.full((32, 64), np.nan, np.float32),
    "infinity": np.full((32, 64), np.inf, np.float32),
    "minus infinity": np.full((32, 64), -np.inf, np.float16),
    "a signalling nan": np.full((32, 64), 0x7F800001, np.uint32).view(np.float32),
}
NO_INPUT = {**NO_ARRAY, **DTYPES, **SHAPES, "bytes of an array": np.ones((32, 64), np.uint8)}

#: No tensor amax.
NO_AMAX: dict[str, Any] = {
    "negative": -1.0,
    "nan": float("nan"),
    "infinity": float("inf"),
    "minus infinity": np.float32(-np.inf),
    "beyond float32": 1e39,
    "between two float32 values": 0.1,
    "a whole number beyond 2^53": 2**53 + 1,
    "a number of 400 digits": 10**400,
    "a long double between two": np.longdouble(1) + np.longdouble(2) ** -60,
    "a text": "1.0",
    "bytes": b"1.0",
    "a boolean": True,
    "complex": 1 + 2j,
    "a date": np.datetime64("2020-01-01"),
    "a day of Python": dt.date(2020, 1, 1),
    "a set": {1.0},
    "a dict": {1: 1},
    "a generator": (i for i in range(3)),
    "an object": object(),
    "a class": float,
    "a ragged list": [[1.0], [1.0, 2.0]],
    "a list of texts": ["1"],
    "masked": np.ma.MaskedArray(np.float32(1), mask=True),
    "objects": np.array([object()]),
    "two numbers": [1.0, 2.0],
    "no numbers": [],
    "many numbers": np.ones(100_000, np.float32),
    "a matrix": np.ones((2, 2), np.float32),
    "a fraction": fractions.Fraction(1, 3),
    "a decimal that is no float": decimal.Decimal("0.1"),
    "what raises as an array": Odd(),
    "a hostile object": OddName(),
    "what answers no question": Rude(),
}
NO_TENSOR_SCALE: dict[str, Any] = {
    **{k: v for k, v in NO_AMAX.items() if k != "many numbers"},
    "zero": 0.0,
    "minus zero": -0.0,
    "subnormal": 2.0**-140,
    "too large": 3.4e38,
    "many numbers": [1.0] * 10_000,
}
#: No recipe.
NO_RECIPE: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "another name": "nvfp5",
    "in other case": "NVFP4",
    "bytes": b"nvfp4",
    "a list": ["nvfp4"],
    "a dict": {"name": "nvfp4"},
    "all presets": fos_ref.PRESETS,
    "a class": fos_ref.Recipe,
    "an array": X,
    "a hostile object": OddName(),
    "what answers no question": Rude(),
    **{f"named: {k}": v for k, v in HOSTILE.items()},
}
#: No engine, layout, dtype or whatever else is one of a few texts.
NO_CHOICE: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "a boolean": True,
    "another word": "fast",
    "bytes": b"numpy",
    "a list": ["numpy"],
    "a dict": {},
    "an array": np.ones(2),
    "a hostile object": OddName(),
    "what answers no question": Rude(),
    **HOSTILE,
}
#: No whole number of 0 and above.
NO_COUNT: dict[str, Any] = {
    "negative": -1,
    "a fraction": 1.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "a text": "1",
    "a list": [1],
    "a boolean": True,
    "an array": np.ones(2, np.int64),
    "a hostile object": OddName(),
    "what answers no question": Rude(),
}


def without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the values but for some."""
    return {k: v for k, v in values.items() if k not in names}
