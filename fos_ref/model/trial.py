"""ModelOpt's trial quantizer: 4/6 candidates are compared by a fake quantizer with scales of its own (N10g).

The exported scale and codes come from another expression (N5h), so the compared error is not that of the
bits that are stored. Source: ModelOpt calib/mse.py and kernels/quantization/gemm/fp4_kernel.py, read only.
"""

from __future__ import annotations

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.candidates import e4m3
from fos_ref.model.elements import saturate
from fos_ref.model.scales import ONE, SIX
from fos_ref.model.trace import Blocks
from fos_ref.recipes.recipe import Recipe

_E4M3_MAX = np.float32(448)
_SMALLEST_AMAX = np.float32(2.0**-24)


def trial_difference(blocks: Blocks, r: Recipe) -> F32:
    """Return x^ - x (T, B, n) for blocks under the candidate's block amax b.

    Rounding: sc = b/6; k = RN(1/a)*448 with a = (A*(448/M))/6; s~ = E4M3(sc*k) * (1/k); |x|/s~ onto E2M1;
              times s~; the difference. Every operation rounds once.
    Specials: a <= 2^-24 counts as 1; s~ = 0 gives zeros. The kernel's plain `/` is approximate (2 ulp) on a
              GPU; here it is a division.
    """
    x, t = blocks.x, blocks.scales
    a = (t.amax * (_E4M3_MAX / np.float32(r.scale_max))) / SIX
    a = np.where(a <= _SMALLEST_AMAX, ONE, a).astype(np.float32)
    k = (ONE / a) * _E4M3_MAX
    s = (e4m3((blocks.amax / SIX) * k)[1] * (ONE / k))[..., None]
    magnitude = np.asarray(np.abs(x) / s, dtype=np.float32)
    _, q = saturate(magnitude)
    value = np.where(s == 0, np.float32(0), np.copysign(q * s, x)).astype(np.float32)
    return value - x
