"""What Hypothesis draws: recipes and matrices that fit them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fos_ref

RECIPES = [r for name, r in fos_ref.PRESETS.items() if name == r.name]

recipes = st.sampled_from(RECIPES)
anything = st.floats(width=32, allow_nan=False, allow_infinity=False)
halves = st.integers(-12, 12).map(lambda n: n / 2)  # few values: ties, zeros, equal errors
moderate = st.floats(2**-10, 2**10, width=32).flatmap(lambda v: st.sampled_from([v, -v]))
moderate_or_zero = moderate | st.sampled_from([0.0, -0.0])


def matrices(r: fos_ref.Recipe, elements: st.SearchStrategy = anything | halves, blocks: int = 2):
    """Return float32 matrices of one row of blocks (or tiles), `blocks` of them."""
    return hnp.arrays(np.float32, (r.block_rows, r.block_cols * blocks), elements=elements)


def same(a, b, *names: str) -> None:
    """Assert that two results hold the same bytes under each of the names."""
    for name in names:
        assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def amax_of(r: fos_ref.Recipe, x: np.ndarray, value: float) -> np.ndarray:
    """Return `value` as the amax that the recipe takes for x: one, or one per row."""
    return np.full(x.shape[:1] if r.amax_scope.value == "row" else (), value, np.float32)
