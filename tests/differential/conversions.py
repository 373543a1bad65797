"""Conversions of single values beside other libraries: the inputs, and every difference that there may be.

A difference is allowed on the values that a rule names, and only with the codes that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fos_ref.formats import encode, FORMATS
from fos_ref.model.candidates import e8m0_up

from .peers.headers import CudaHeaders
from .peers.numbers import GFloat, MlDtypes

Mask = Callable[[np.ndarray], np.ndarray]
RANDOM = {"ml_dtypes": 10**6, "gfloat": 10**6, "nvidia-cuda-runtime": 1 << 22}


def every(x: np.ndarray) -> np.ndarray:
    return np.ones(x.shape, dtype=bool)


def not_nan(x: np.ndarray) -> np.ndarray:
    return ~np.isnan(x)


def above_zero(x: np.ndarray) -> np.ndarray:
    """Return where E8M0, which has no sign, is asked for: from +0 on, infinity included."""
    return ~np.signbit(x) & ~np.isnan(x)


def e8m0_values(x: np.ndarray) -> np.ndarray:
    """Return where a value is in the range of E8M0."""
    return (x >= 2.0**-127) & (x <= 2.0**127)


def is_tie(x: np.ndarray) -> np.ndarray:
    """Return where x is half way between two powers of two."""
    return np.frexp(x)[0] == 0.75


@dataclass(frozen=True)
class Rule:
    """On these values the library may give one of these codes in place of ours."""

    where: Mask
    codes: tuple[int, ...] = ()
    step: int = 0  #: in place of codes: ours plus this

    def allows(self, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
        if self.step:
            return theirs.astype(int) == ours.astype(int) + self.step
        return np.isin(theirs, self.codes)


@dataclass(frozen=True)
class Conversion:
    library: Any
    fmt: str
    takes: Mask = every
    rules: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.library.name}: {self.fmt}"

    def ours(self, x: np.ndarray) -> np.ndarray:
        return e8m0_up(x)[0] if self.fmt == "E8M0 upward" else encode(x, FORMATS[self.fmt])


ML, GF, NV = MlDtypes(), GFloat(), CudaHeaders()
CONVERSIONS = (
    Conversion(ML, "E2M1", rules={"NaN is a zero": Rule(np.isnan, (0x0, 0x8))}),
    Conversion(
        ML,
        "E4M3",
        rules={
            "above 464 it is NaN": Rule(lambda x: np.abs(x) > 464, (0x7F, 0xFF)),
            "NaN keeps its sign": Rule(np.isnan, (0xFF,)),
        },
    ),
    Conversion(
        ML,
        "E8M0",
        takes=above_zero,
        rules={
            "zero is NaN": Rule(lambda x: x == 0, (0xFF,)),
            "below 2^-126 it rounds up": Rule(lambda x: (x > 2.0**-127) & (x < 1.5 * 2.0**-127), (0x01,)),
            "from 1.5 * 2^127 on it is NaN": Rule(lambda x: x >= 1.5 * 2.0**127, (0xFF,)),
        },
    ),
    Conversion(ML, "E2M3", rules={"NaN is a zero": Rule(np.isnan, (0x00, 0x20))}),
    Conversion(ML, "E3M2", rules={"NaN is a zero": Rule(np.isnan, (0x00, 0x20))}),
    Conversion(ML, "E5M2", rules={"NaN has another code": Rule(np.isnan, (0x7E, 0xFE))}),
    Conversion(ML, "bfloat16", rules={"NaN keeps its sign": Rule(np.isnan, (0xFFC0,))}),
    Conversion(GF, "E2M1", takes=not_nan),
    Conversion(GF, "E4M3", rules={"NaN has another code": Rule(np.isnan, (0xFF,))}),
    Conversion(GF, "E2M3", takes=not_nan),
    Conversion(GF, "E3M2", takes=not_nan),
    Conversion(
        GF,
        "E5M2",
        rules={
            "it saturates": Rule(lambda x: np.abs(x) >= 61440, (0x7B, 0xFB)),
            "NaN has another code": Rule(np.isnan, (0xFF,)),
        },
    ),
    Conversion(GF, "INT8", takes=not_nan, rules={"it has -2": Rule(lambda x: x <= -127.5 / 64, (0x80,))}),
    Conversion(GF, "E8M0", takes=e8m0_values, rules={"a tie goes to the even code": Rule(is_tie, step=-1)}),
    Conversion(NV, "E2M1"),
    Conversion(NV, "E4M3"),
    Conversion(
        NV,
        "E8M0 upward",
        takes=above_zero,
        rules={
            "below 2^-127 it is 2^-127": Rule(lambda x: (x > 0) & (x <= 2.0**-127), (0x00,)),
            "above 2^127 it is 2^127": Rule(lambda x: x > 2.0**127, (0xFE,)),
        },
    ),
)


def inputs(library: str, takes: Mask) -> np.ndarray:
    """Return every bfloat16 value and random bit patterns of float32, as many as the library is given."""
    bfloat16 = np.arange(1 << 16, dtype=np.uint32) << np.uint32(16)
    rng = np.random.default_rng([ord(c) for c in library])
    random = rng.integers(0, 1 << 32, RANDOM[library], dtype=np.uint32)
    x = np.concatenate([bfloat16, random]).view(np.float32)
    return x[takes(x)]
