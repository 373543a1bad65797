"""The proof of training on a card, its kernels run by g++: that it compares, and that it can fail."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from fos_gpu.proof.training import device as proof
from fos_gpu.proof.training.cases import CASES
from fos_gpu.proof.training.task import Task, wanted
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel was run")
__all__ = ["device"]
SMALL = Task(1, (256, 256))


def quiet(*_):
    pass


@pytest.mark.exhaustive
@pytest.mark.usefixtures("device")
def test_every_case_gives_the_model_s_bits():
    found = proof.compare([SMALL], quiet, 1)
    assert found.unexplained == 0
    assert set(found.figures["values"]) >= {c.name for c in CASES}
    assert min(found.figures["values"].values()) > 0
    w = wanted(SMALL)
    codes, *others = w.quantized[CASES[0].name]
    spoiled = {**w.quantized, CASES[0].name: (codes ^ np.uint8(codes == codes[3, 3]), *others)}
    x = proof.on_device(w.x)
    assert proof.quantizers(replace(w, quantized=spoiled), x)[CASES[0].name, "differing"] > 0
