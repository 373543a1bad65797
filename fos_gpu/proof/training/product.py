"""The rotation as a program computes it: torch's bfloat16 product with H16, where torch is there."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np

from fos_gpu.proof.training.task import Wanted
from fos_ref.formats.arrays import AnyArray, I64
from fos_ref.proof.result import Finding
from fos_ref.rotate import Order, scale, SIGNS_H16, signs_of
from fos_ref.rotate.matrix import sylvester

NAME = "rotation by torch's bfloat16 product"
_SIGN = np.uint16(0x8000)


def matrix() -> AnyArray:
    """Return H16 with its signs, bfloat16: x @ H rotates."""
    return (signs_of(SIGNS_H16, 16)[:, None] * sylvester(16) * scale(16)).astype(ml_dtypes.bfloat16)


def ordinals(a: AnyArray) -> I64:
    """Return bfloat16 values as whole numbers in their order: neighbours differ by one, -0 and +0 by none."""
    bits = np.ascontiguousarray(a).view(np.uint16)
    size = (bits & ~_SIGN).astype(np.int64)
    return np.where(bits & _SIGN, -size, size)


class Product:
    """Counts what torch gave beside the exact rotation."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.missing = ""
        try:
            self.torch: Any = importlib.import_module("torch")
            self.h = self._upload(matrix())
        except (ImportError, AssertionError, RuntimeError) as e:
            self.missing = f"torch has no CUDA device here: {type(e).__name__}"

    def _upload(self, a: AnyArray) -> Any:
        words = self.torch.from_numpy(np.array(np.ascontiguousarray(a).view(np.int16)))
        return words.view(self.torch.bfloat16).cuda()

    def compare(self, w: Wanted) -> None:
        """Rotate one tensor by a product and count."""
        if self.missing:
            return
        product = self._upload(w.x).reshape(-1, 16) @ self.h
        got = product.reshape(w.x.shape).view(self.torch.int16).cpu().numpy().view(ml_dtypes.bfloat16)
        self.count(got, w.rotated[Order.EXACT.value], w.decided)

    def count(self, got: AnyArray, exact: AnyArray, decided: AnyArray) -> None:
        """Add what one tensor shows: outputs in bfloat16, the exact ones, and which of them are decided."""
        steps = np.abs(ordinals(got) - ordinals(exact))
        other = got.view(np.uint16) != exact.view(np.uint16)
        self.counts.update(
            {
                "outputs": decided.size,
                "decided": int(decided.sum()),
                "decided that differ": int((other & decided).sum()),
                "undecided": int((~decided).sum()),
                "undecided that differ": int((other & ~decided).sum()),
                "undecided more than one step away": int(((steps > 1) & ~decided).sum()),
            }
        )

    def into(self, found: Finding) -> Finding:
        """Return a finding with these counts, or with the reason why there are none."""
        if self.missing:
            return replace(found, not_run={**found.not_run, NAME: self.missing})
        wrong = self.counts["decided that differ"] + self.counts["undecided more than one step away"]
        return replace(
            found,
            compared=found.compared + self.counts["outputs"],
            unexplained=found.unexplained + wrong,
            figures={**found.figures, NAME: dict(self.counts)},
        )
