"""A layer's tensors."""

from __future__ import annotations

import ml_dtypes
import numpy as np


def arrays(sizes, seed=0):
    """Return x, w and g of a layer, bfloat16: some values are zero, some large."""
    rng = np.random.default_rng(seed)
    t, k, n = sizes
    found = {}
    for name, shape in (("x", (t, k)), ("w", (n, k)), ("g", (t, n))):
        values = rng.standard_normal(shape) * 2.0 ** rng.integers(-6, 3, shape)
        values[:, : shape[1] // 8] = 0
        found[name] = values.astype(ml_dtypes.bfloat16)
    return found
