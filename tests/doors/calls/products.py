"""Rows of `check_matmul`: what is no output, no quantized tensor, no alpha."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.verify import check_matmul
from tests.doors.calls.values import NO_AMAX, NO_ARRAY, NO_CHOICE, NO_INPUT, Q, without
from tests.doors.row import wrong

_OUT = np.zeros((32, 32), np.float32)
#: Tensors whose parts do not fit, or of another K.
_NO_TENSOR: dict[str, Any] = {
    **NO_ARRAY,
    "an array": _OUT,
    "codes of another dtype": replace(Q, codes=Q.codes.astype(np.int64)),
    "scales of another shape": replace(Q, block_scales=Q.block_scales[:, :1]),
    "without a recipe": replace(Q, recipe=None),
    "of another K": replace(
        Q, codes=Q.codes[:, :8], block_scales=Q.block_scales[:, :1], shape=(len(Q.codes), 16)
    ),
}
_NO_ALPHA: dict[str, Any] = {**without(NO_AMAX, "negative"), "of three axes": np.ones((1, 1, 2), np.float32)}
_BOTH = (Q, Q)
ROWS = [
    *wrong("check_matmul", check_matmul, "out", NO_INPUT, a=Q, b=Q),
    *wrong("check_matmul", check_matmul, "a", _NO_TENSOR, _OUT, b=Q),
    *wrong("check_matmul", check_matmul, "b", _NO_TENSOR, _OUT, Q),
    *wrong("check_matmul", check_matmul, "model", without(NO_CHOICE, "None"), _OUT, *_BOTH),
    *wrong("check_matmul", check_matmul, "alpha", _NO_ALPHA, _OUT, *_BOTH),
]
