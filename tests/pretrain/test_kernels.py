"""The fake quantizer of CUDA tensors against the host's: the text of the kernels by g++, on torch tensors.

This shows the walk, the words' places and the arithmetic on any machine; a card shows the rest.
"""

from __future__ import annotations

import shutil
from importlib import import_module

import pytest

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.places import places_of, Sizes
from tests.gpu.emulation.torch_device import device, torch_device

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel was run"),
]
__all__ = ["device", "torch_device"]
SIZES = (Sizes(128, 256, 128), Sizes(128, 128, 256))
QUANTIZED = [n for n, a in ARMS.items() if a.stack is not None]


@pytest.mark.parametrize("name", QUANTIZED)
@pytest.mark.usefixtures("torch_device")
def test_kernels_give_the_hosts_operands(name):
    torch = pytest.importorskip("torch", reason="torch is not installed: no layer was quantized")
    network = import_module("tests.pretrain.network")

    stack = ARMS[name].stack
    places = places_of(stack, SIZES)
    given = network.tensors(SIZES[1])
    found = []
    for quantizer in (network.Host(), network.Device(places, "cpu")):
        products = network.Products(stack, network.Ranks())
        products.quantizer, products.places, products.tape = quantizer, places, network.Tape(frozenset({1}))
        quantizer.begin(places, seed=7, step=5)
        found.append(network.made_by(products, 1, given))
    for operand in found[0]:
        for part in ("values", "codes", "block_scales", "amax"):
            one, other = (getattr(f[operand], part) for f in found)
            assert one.shape == other.shape, (operand, part)
            assert bytes(one.view(torch.uint8).numpy()) == bytes(other.view(torch.uint8).numpy()), (
                operand,
                part,
            )
