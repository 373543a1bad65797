"""What tests take of the network; only where torch is."""

from __future__ import annotations

import numpy as np
import torch

from fos_ref.pretrain.network.device import Device
from fos_ref.pretrain.network.host import Host
from fos_ref.pretrain.network.linear import _each, Products
from fos_ref.pretrain.network.made import Tape
from fos_ref.pretrain.network.ranks import Ranks
from tests.pretrain.layers import arrays

__all__ = ["Device", "Host", "Products", "Ranks", "Tape", "made_by", "tensors"]


def tensors(sizes, seed=0):
    """Return `arrays` as torch tensors."""
    found = {}
    for name, values in arrays(sizes, seed).items():
        own = torch.zeros(values.shape, dtype=torch.bfloat16)
        own.view(torch.int16).copy_(torch.from_numpy(values.view(np.int16)))
        found[name] = own
    return found


def made_by(products, layer, given):
    """Return every operand that a layer makes, by name: forward, then backward."""
    made = _each(products, layer, given, {}, forward=True)
    return _each(products, layer, given, made, forward=False)
