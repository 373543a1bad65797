"""The conversions of ml_dtypes and gfloat: float32 values to codes, by format name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from .base import installed

ML_DTYPES = {
    "E2M1": "float4_e2m1fn",
    "E4M3": "float8_e4m3fn",
    "E2M3": "float6_e2m3fn",
    "E3M2": "float6_e3m2fn",
    "E5M2": "float8_e5m2",
    "E8M0": "float8_e8m0fnu",
    "bfloat16": "bfloat16",
}
GFLOAT = {
    name: f"format_info_ocp_{name.lower()}"
    for name in ("E2M1", "E2M3", "E3M2", "E4M3", "E5M2", "INT8", "E8M0")
}


class MlDtypes:
    name, version = "ml_dtypes", "0.6.0"

    def load(self) -> Any:
        installed(self.name, self.version)
        return import_module("ml_dtypes")

    def codes(self, fmt: str, x: np.ndarray) -> np.ndarray:
        y = x.astype(getattr(self.load(), ML_DTYPES[fmt]))
        return y.view(np.dtype(f"u{y.itemsize}"))


class GFloat:
    """gfloat rounds in float64, to nearest even, saturating as asked here."""

    name, version = "gfloat", "0.5.2"

    def load(self) -> Any:
        installed(self.name, self.version)
        return import_module("gfloat")

    def codes(self, fmt: str, x: np.ndarray) -> np.ndarray:
        gfloat, info = self.load(), getattr(import_module("gfloat.formats"), GFLOAT[fmt])
        rounded = gfloat.round_ndarray(info, x.astype(np.float64), gfloat.RoundMode.TiesToEven, sat=True)
        return gfloat.encode_ndarray(info, rounded)
