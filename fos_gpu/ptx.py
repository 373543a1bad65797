"""What must not stand in a kernel's PTX: flushed subnormals, approximations, undeclared fused operations."""

from __future__ import annotations

import re

FLUSHED = re.compile(r"\w+(?:\.\w+)*\.ftz(?:\.\w+)*")
APPROXIMATE = re.compile(r"\w+(?:\.\w+)*\.approx(?:\.\w+)*")
FUSED = re.compile(r"\bfma\.\w+(?:\.\w+)*")
FULL_RANGE = re.compile(r"\bdiv\.full(?:\.\w+)*")


def violations(ptx: str, *, fused: bool) -> list[str]:
    """Return the instructions that break the recipe's arithmetic, each once.

    fused: whether the recipe itself says fma; then fma.rn.f32 is allowed, and only that form.
    """
    found = set(FLUSHED.findall(ptx)) | set(APPROXIMATE.findall(ptx)) | set(FULL_RANGE.findall(ptx))
    found |= {f for f in FUSED.findall(ptx) if not (fused and f == "fma.rn.f32")}
    return sorted(found)


def count_fused(ptx: str) -> int:
    """Return how many fused multiply-adds a kernel holds."""
    return len(FUSED.findall(ptx))
