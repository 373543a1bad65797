"""Outcomes that are no mistakes: a chip decides, padding is not zero. Each is planted, and has to be said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.check.api import check
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.engines.front import quantize
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker.plain.quantizer import Plain

SEEDS = range(8)
_SHAPES = ((64, 256), (16, 64), (128, 128), (8, 512))
_POISON = 0x7F
#: FlashInfer's default path by the plain quantizer, its reciprocals one unit off here and there.
_FLASHINFER = Plain(bound=448, bug=frozenset({"sixth", "decode-domain"}))
_ON_A_CHIP = Plain(bound=448, bug=frozenset({"sixth", "decode-domain", "approximate"}))


def _hardware_decides(seed: int) -> tuple[Diagnosis, Any]:
    x = make("normal", _SHAPES[seed % len(_SHAPES)], seed)
    found = check(x, *_ON_A_CHIP(x), recipe="flashinfer-default-mse-448")
    right = _FLASHINFER(x)
    q = quantize(x, "flashinfer-default-mse-448", engine="numpy")
    assert np.array_equal(right[0], q.codes)
    assert np.array_equal(right[1], q.block_scales)
    return found, found.equal or found.flags == ("HardwareDecides",)


def _scale_padding(seed: int) -> tuple[Diagnosis, Any]:
    x = make("normal", (8 + 8 * seed, 144), seed)
    codes, scales = Plain(bound=448, choose=False, bug=frozenset({"swizzled"}))(x)
    used, _ = _places(x)
    poisoned = np.full_like(scales, _POISON)
    poisoned[used] = scales[used]
    found = check(x, codes, poisoned, recipe="nvfp4", scale_layout="swizzled")
    clean = check(x, codes, scales, recipe="nvfp4", scale_layout="swizzled")
    notes = [n["note"] for n in found.to_dict().get("notes", ())]
    return found, found.equal and notes == ["ScalePadding"] and not clean.to_dict().get("notes")


def _places(x: Any) -> tuple[Any, Any]:
    """Return where the scales of x stand in the 128x4 layout, and how many bytes it has."""
    rows, cols = x.shape[0], x.shape[1] // 16
    tiles = -(-cols // 4)
    r, k = np.indices((rows, cols))
    at = ((r // 128) * tiles + k // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + k % 4
    return at.ravel(), -(-rows // 128) * tiles * 512


#: Name -> one case: the diagnosis, and whether it says what it should.
CASES: Mapping[str, Callable[[int], tuple[Diagnosis, Any]]] = MappingProxyType(
    {"HardwareDecides": _hardware_decides, "ScalePadding": _scale_padding}
)


def missed(name: str) -> int:
    """Return in how many cases an outcome is not said as it should be."""
    return sum(not CASES[name](seed)[1] for seed in SEEDS)
