"""The recipe's own codes in a model of compressed-tensors, whose packer rounds x / (s / S) by itself.

A weight becomes what its codes stand for under the stored scales. A quotient of that has the code's value
within a few ulp, and the nearest midpoint is an eighth away: the packer finds the code again. It keeps the
sign of a small negative value and not that of -0, so an eighth below zero stands for -0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from fos_ref.formats.arrays import F32
from fos_ref.model.elements import E2M1_VALUES
from fos_ref.ptq.observer import ANSWER, stand_in
from fos_ref.storage.layout import one_a_byte
from fos_ref.storage.tensor import QuantizedTensor

_VALUES = np.where(np.signbit(E2M1_VALUES) & (E2M1_VALUES == 0), np.float32(-0.125), E2M1_VALUES)


def answers(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, QuantizedTensor]]:
    """Return the modules that the observer was asked about, by name, and what it made of their weights."""
    for name, module in model.named_modules():
        if ANSWER in module.__dict__:
            yield name, module, module.__dict__[ANSWER]


def settle(model: torch.nn.Module) -> None:
    """Give every weight that was rounded as it is the codes of its recipe, in float32."""
    for _, module, q in answers(model):
        values, scales = torch.from_numpy(stood_for(q)), torch.from_numpy(stand_in(q))
        for name, value in (("weight", values), ("weight_scale", scales)):
            setattr(module, name, torch.nn.Parameter(value, requires_grad=False))


def stood_for(q: QuantizedTensor) -> F32:
    """Return q * (s / S), where s is what the packer is given."""
    codes = one_a_byte(q.codes, q.recipe)
    with np.errstate(all="ignore"):
        e = np.repeat(stand_in(q) / q.encode_scale, q.recipe.block_cols, axis=-1)
    values: F32 = _VALUES[codes] * e
    return values
