"""From a step's tape to captured layers: the whole batch's tensors, in NumPy."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.pretrain.captured import Captured, Codes
from fos_ref.pretrain.loop.steps import Steps
from fos_ref.pretrain.network.host import array
from fos_ref.pretrain.network.made import Made, Tape
from fos_ref.training import Operand, Origin

_TILE = 16


def chosen(steps: Steps) -> frozenset[int]:
    """Return the layers that are replayed: the first, the middle and the last."""
    n = len(steps.model.linears)
    return frozenset({0, n // 2, n - 1})


def captured(tape: Tape, steps: Steps, run: str, step: int) -> list[Captured]:
    """Return the tape's layers; every process gets the whole batch's."""
    own = {layer: _layer(tape, layer, steps) for layer in sorted(tape.layers)}
    everyone = steps.ranks.gathered(own)
    return [_joined(layer, [e[layer] for e in everyone], steps, run, step) for layer in sorted(tape.layers)]


def _layer(tape: Tape, layer: int, steps: Steps) -> dict[str, Any]:
    """Return one process's part of a layer as arrays of words."""
    found: dict[str, Any] = {n: array(t).view(np.uint16) for n, t in tape.tensors[layer].items()}
    stack = steps.products.stack
    for o in stack.operands if stack else ():
        found[o.name] = _codes(tape.operands[layer][o.name], o)
    return found


def _codes(made: Made, operand: Operand) -> tuple[U8, U8, AnyArray]:
    codes, scales = array(made.codes), array(made.block_scales)
    if operand.origin is Origin.SAVED_CODES:
        codes, scales = _turned(codes, scales)
    return codes, scales, array(made.amax).reshape(-1)[:1]


def _turned(codes: U8, scales: U8) -> tuple[U8, U8]:
    """Return codes and scales of 16x16 tiles read along the other axis: nibble by nibble, tile by tile."""
    nibbles = np.stack([codes & 0xF, codes >> 4], axis=-1).reshape(len(codes), -1).T
    packed = np.ascontiguousarray(nibbles[:, ::2] | nibbles[:, 1::2] << 4)
    return packed, np.ascontiguousarray(scales[::_TILE].T.repeat(_TILE, axis=0))


def _joined(layer: int, parts: list[dict[str, Any]], steps: Steps, run: str, step: int) -> Captured:
    """Return a layer of the whole batch: tokens are rows of x and g, columns where these are turned."""
    stack = steps.products.stack
    tensors = {n: parts[0][n] if n == "w" else np.concatenate([p[n] for p in parts]) for n in ("x", "w", "g")}
    operands = {}
    for o in stack.operands if stack else ():
        each = [p[o.name] for p in parts]
        if o.of == "w":
            each = each[:1]
        axis = 1 if o.transposed and o.of != "w" else 0
        codes, scales = (np.concatenate([e[i] for e in each], axis=axis) for i in (0, 1))
        operands[o.name] = Codes(codes, scales, each[0][2][0])
    return Captured(
        run=run,
        step=step,
        layer=layer,
        name=steps.model.linears[layer][0],
        operands=operands,
        **{n: t.view(ml_dtypes.bfloat16) for n, t in tensors.items()},
    )
