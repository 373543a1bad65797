"""The codes of a captured layer once more, by `fos_ref.training.linear` on the host; and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.pretrain.captured import Captured, Codes
from fos_ref.pretrain.places import bits, Places, signs
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.training import linear


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One layer, compared."""

    run: str
    step: int
    layer: str
    codes: int  #: compared, of 4 bits
    scales: int  #: block scales compared
    amaxes: int  #: tensor amaxes compared
    differing: int  #: of all of these


def replay(captured: Captured, places: Places, seed: int) -> Replayed:
    """Return how many codes, block scales and amaxes of a layer differ from those of `fos_ref.training`.

    Words and signs are computed anew from seed, step, layer and operand (`fos_ref.pretrain.places`).
    """
    stack, layer, step = places.stack, captured.layer, captured.step
    words: dict[str, Any] = {}
    for o in stack.operands:
        found = bits(places, layer, o.name, seed, step)
        if found:
            words[o.name] = found[0] if len(found) == 1 else found
    drew: Any = None
    if stack.draws_signs:
        size = next(o.rotation.size for o in stack.operands if o.rotation is not None)
        drew = signs(places, layer, seed, step)[:size]
    want = linear(captured.x, captured.w, captured.g, stack, words or None, signs=drew, engine="numpy")
    made = {name: m.tensor for name, m in want.made.items()}
    return compared(captured, made)


def compared(captured: Captured, want: Mapping[str, QuantizedTensor]) -> Replayed:
    """Return the comparison of a layer's operands with tensors of the same names."""
    assert captured.operands.keys() == want.keys()
    counts = [_differing(captured.operands[name], q) for name, q in want.items()]
    return Replayed(
        run=captured.run,
        step=captured.step,
        layer=captured.name,
        codes=sum(2 * q.codes.size for q in want.values()),
        scales=sum(q.block_scales.size for q in want.values()),
        amaxes=len(want),
        differing=sum(counts),
    )


def _differing(got: Codes, q: QuantizedTensor) -> int:
    """Return how many nibbles, scale bytes and amaxes differ."""
    assert got.codes.shape == q.codes.shape
    assert got.block_scales.shape == q.block_scales.shape
    unlike = got.codes ^ q.codes
    nibbles = np.count_nonzero(unlike & 0xF) + np.count_nonzero(unlike >> 4)
    amax = np.float32(got.amax).view(np.uint32) != np.float32(q.tensor_amax).view(np.uint32)
    return int(nibbles + np.count_nonzero(got.block_scales != q.block_scales) + amax)
