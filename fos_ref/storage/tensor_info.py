"""What a file says of one tensor, and which dtypes are read as values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import ml_dtypes
import numpy as np

#: Dtypes that `read` returns as values; E4M3 bytes stay bytes. Others can be copied, not read.
NUMPY_DTYPES = MappingProxyType(
    {
        "F32": np.dtype(np.float32),
        "F16": np.dtype(np.float16),
        "BF16": np.dtype(ml_dtypes.bfloat16),
        "U8": np.dtype(np.uint8),
        "F8_E4M3": np.dtype(np.uint8),
    }
)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a safetensors file, as its header describes it."""

    name: str
    dtype: str  #: the format's own name: F32, BF16, U8, F8_E4M3, ...
    shape: tuple[int, ...]
    nbytes: int

    @classmethod
    def of(cls, name: str, dtype: str, shape: tuple[int, ...]) -> TensorInfo:
        """Describe a tensor of one of NUMPY_DTYPES; its byte count follows from the shape."""
        return cls(name, dtype, shape, math.prod(shape) * NUMPY_DTYPES[dtype].itemsize)
