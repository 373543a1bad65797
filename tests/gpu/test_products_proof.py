"""The proof of products without a GPU: its walk over emulated kernels, and the probe of FP8 on known sums."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from fos_gpu.proof import eight_bits, products
from tests.gpu.emulation import fake_cupy
from tests.gpu.emulation.device import device

__all__ = ["device"]


@pytest.fixture
def small(device, monkeypatch):
    assert device
    sizes = {"SMALL": 32, "DEPTH": 64, "LARGE": 32, "PART": 16, "SPREADS": (3, 80), "RECIPES": ("nvfp4",)}
    for name, value in sizes.items():
        monkeypatch.setattr(products, name, value)
    monkeypatch.setattr(fake_cupy.cuda.runtime, "deviceSynchronize", lambda: None, raising=False)
    monkeypatch.setattr(products, "available", lambda: True)
    monkeypatch.setattr(products, "frameworks", lambda: {"cupy": device})
    monkeypatch.setattr(products, "_eight_bits", lambda _: {"FP8 accumulation": "no card"})


@pytest.mark.long
@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host")
@pytest.mark.usefixtures("small")
def test_the_proof_compares_and_times(monkeypatch):
    times = {}
    found = products.run(times, lambda *_: None, 1)
    assert (found.unexplained, found.not_run) == (0, {"FP8 accumulation": "no card"})
    assert found.compared == sum(found.figures.values()) > 2 * 6 * 32 * 32
    assert {"exact of 4096^3, ms", "check_matmul of 4096^3, ms"} <= times.keys()
    right = products.multiply

    def wrong(a, b):
        found = right(a, b)
        found.te[1, 2] += 1
        return found

    monkeypatch.setattr(products, "multiply", wrong)
    assert products.run(times, lambda *_: None, 1).unexplained == 2 + 1


@pytest.mark.parametrize("bits", [13, 25])
def test_the_probe_reads_the_bits_of_an_alignment(bits):
    got = eight_bits.modelled(eight_bits.probe(1), bits)
    assert eight_bits.kept(eight_bits.read(got)) == bits


def test_the_probe_of_an_exact_sum_and_of_float32():
    """With nothing lost all 34 bits come out; float32 after each addition keeps 23."""
    for distance in eight_bits.DISTANCES:
        a, b = (m.astype(np.float64) for m in eight_bits.probe(distance))
        assert eight_bits.kept(eight_bits.read(a @ b.T)) == eight_bits.MOST
        total = np.zeros((len(a), len(b)), np.float32)
        for k in np.flatnonzero(a.any(axis=0)):
            total = total + (a[:, k, None] * b[:, k]).astype(np.float32)
        assert eight_bits.kept(eight_bits.read(total)) == 23


def test_the_model_is_recognized_among_others(monkeypatch):
    monkeypatch.setattr(eight_bits, "BITS", range(12, 16))
    monkeypatch.setattr(
        eight_bits, "multiply", lambda _, given, *, fast: eight_bits.modelled(given, 13 + fast)
    )
    for fast in (False, True):
        found = eight_bits.equal_outputs(SimpleNamespace(), fast=fast, seeds=1)
        full = [bits for bits, n in found.items() if bits != "outputs" and n == found["outputs"]]
        assert full == [str(13 + fast)]
        assert "20:0 " in eight_bits.rounding(SimpleNamespace(), fast=fast)[0]


def test_what_torch_refuses_is_said_and_the_rest_is_measured(monkeypatch):
    def multiply(_, given, *, fast):
        if fast:
            msg = "no such product\non this card"
            raise RuntimeError(msg)
        return eight_bits.modelled(eight_bits.Operands(*(m[:, :32] for m in given)), 13)

    monkeypatch.setattr(eight_bits, "BITS", range(12, 15))
    monkeypatch.setattr(eight_bits, "multiply", multiply)
    monkeypatch.setattr(eight_bits.importlib, "import_module", lambda _: SimpleNamespace(__version__="0"))
    found = eight_bits.measure()
    assert found["use_fast_accum True"] == "not run: no such product"
    plain = found["use_fast_accum False"]
    assert plain["bits kept below Big, by distance along K"]["1"] == 13
    equal = plain["outputs of K = 32 that the model gives, by bits"]
    assert equal["13"] == equal["outputs"] > equal["12"]
