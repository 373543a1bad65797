"""llm-compressor's trial quantizer: ranges are compared under scales that are not rounded to E4M3 (N10k)."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.elements import saturate
from fos_ref.model.rounding import to_dtype
from fos_ref.model.scales import SIX

_EPSILON = {
    np.dtype(np.float32): np.float32(2.0**-23),
    np.dtype(np.float16): np.float32(2.0**-10),
    np.dtype(ml_dtypes.bfloat16): np.float32(2.0**-7),
}


def unscaled_difference(x: F32, reach: F32, dtype: np.dtype[Any]) -> F32:
    """Return x^ - x (T, B, n) for blocks under ranges `reach` (T, B), everything in the input's dtype T.

    Rounding: z = RN_T(range/6); RN_T(x/z) onto E2M1, saturating; RN_T of its product with z; RN_T of the
              difference.
    Specials: a z of 0 is the epsilon of T. A NaN stays.
    """
    z = to_dtype(reach / SIX, dtype)
    z = np.where(z == 0, _EPSILON[dtype], z)[..., None]
    y = to_dtype(x / z, dtype)
    q = np.where(np.isnan(y), y, saturate(y)[1])
    return to_dtype(to_dtype(q * z, dtype) - x, dtype)
