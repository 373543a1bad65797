"""What the properties are drawn from: the strategies that users have, over every preset."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import fos_ref
from fos_ref.inputs import strategies as fos

recipes = fos.recipes()
anything = st.floats(width=32, allow_nan=False, allow_infinity=False)
#: Tensor amaxes far enough from the ends of float32 that nothing underflows on the way to a squared error.
ordinary = st.floats(2.0**-4, 2.0**12, width=32)


def matrices(r: fos_ref.Recipe, blocks: int = 2, **given) -> st.SearchStrategy[np.ndarray]:
    """Return aimed float32 matrices of one row of blocks (or tiles), `blocks` of them."""
    return fos.matrices(r, shape=(1, blocks), **given)


def same(a, b, *names: str) -> None:
    """Assert that two results hold the same bytes under each of the names."""
    for name in names:
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def amax_of(r: fos_ref.Recipe, x: np.ndarray, value: float) -> np.ndarray:
    """Return `value` as the amax that the recipe takes for x: one, or one per row."""
    return np.full(x.shape[:1] if r.amax_scope.value == "row" else (), value, np.float32)
