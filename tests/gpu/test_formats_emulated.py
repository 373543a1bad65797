"""Kernels for blocks of 8 and 32, codes of a byte and integers: their text under g++, beside the model."""

from __future__ import annotations

import shutil

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_gpu.build.host import stacked
from fos_gpu.build.kernels import ENTRY, KERNELS
from fos_gpu.build.lower import definitions
from fos_gpu.build.modules import dequantize_unit, Unit
from fos_gpu.launch import THREADS
from fos_ref.engines.registry import load_engine
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_scales
from tests.gpu.cases import preset
from tests.gpu.emulation import kernels
from tests.gpu.filter_emulated import on_16_bytes

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel is run")


ROWS = (
    ("ocp-mxfp8-e4m3", "bfloat16"),
    ("fouroversix-if4-mse-bs8", "float32"),
    ("fouroversix-if3-mae", "float16"),
)


@pytest.mark.sample(1)
@pytest.mark.parametrize(("name", "dtype"), ROWS)
def test_the_kernel_gives_the_model_s_bytes(name, dtype):
    r = preset(name)
    unit = Unit(KERNELS, (*definitions(r), f"-DFOS_INPUT={dtype}"))
    x = make("normal", (5, 608), 1, "float32").astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))
    scales = tensor_scales(load_engine("numpy").amax(x, r), r, x.dtype)
    want = load_engine("numpy").quantize(x, scales, r)
    words = on_16_bytes(x.view(np.uint32 if dtype == "float32" else np.uint16))
    got = [on_16_bytes(np.full(a.shape, 0xA5, np.uint8)) for a in want]
    blocks = x.size // r.block_cols
    given = (words, np.int64(x.shape[0]), np.int64(x.shape[1]), stacked(scales), *got)
    kernels.function(unit, ENTRY)((-(-blocks // THREADS),), (THREADS,), given)
    assert [int(np.count_nonzero(a != b)) for a, b in zip(got, want, strict=True)] == [0, 0, 0]


def test_integers_are_dequantized_by_the_flag_of_their_scale():
    q = fos_ref.quantize(make("normal", (3, 160), 2, "float32"), "fouroversix-if4-mse", engine="numpy")
    assert 0 < np.count_nonzero(q.block_scales >> 7) < q.block_scales.size
    scales = stacked(tensor_scales(q.tensor_amax, q.recipe))
    out = on_16_bytes(np.zeros((3, 160), np.uint32))
    given = (on_16_bytes(q.codes), on_16_bytes(q.block_scales), scales, np.int64(3), np.int64(160), out)
    kernels.function(dequantize_unit(q.recipe, "float32"), "fos_dequantize")((1,), (THREADS,), given)
    assert out.tobytes() == fos_ref.dequantize(q).tobytes()
