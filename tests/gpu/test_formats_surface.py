"""Device arrays in blocks of 8 and 32, codes of a byte, other block scales: each call beside the model."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu.tensors import to_numpy
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import make
from tests.gpu import surface
from tests.gpu.cases import BY_NAME, FORMATS, KINDS
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device"]
DTYPES = ("bfloat16", "float32", "float16")
FORMATS_AND_DTYPES = tuple(zip(FORMATS, (*DTYPES, DTYPES[0]), strict=True))


@pytest.mark.sample(1)
@pytest.mark.parametrize(("name", "dtype"), FORMATS_AND_DTYPES)
def test_codes_and_values(device, name, dtype):
    r, x = BY_NAME[name], make("heavy-tailed", (32, 96), 3, dtype)
    q = fos_gpu.quantize(device(x), r)
    want = surface.model(x, r)
    surface.assert_same_tensor(q.to_host(), want)
    surface.assert_same(
        to_numpy(fos_gpu.dequantize(q, dtype)), fos_ref.dequantize(want, surface.NUMPY[dtype])
    )


@pytest.mark.long
@pytest.mark.parametrize(("name", "dtype"), FORMATS_AND_DTYPES)
def test_every_call(device, name, dtype):
    surface.check_every_call(device, BY_NAME[name], dtype)


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("r", KINDS, ids=lambda r: r.name)
def test_every_call_of_every_kind(device, r, dtype):
    surface.check_every_call(device, r, dtype)


def test_products_refuse_other_blocks_and_scales(device):
    q = fos_ref.quantize(np.ones((3, 64), np.float32), "ocp-mxfp4", engine="numpy")
    there = fos_gpu.to_device(q, device(np.zeros(16, np.uint8)))
    with pytest.raises(InputError, match="E2M1 in blocks of 32 under E8M0-floor on a device"):
        fos_gpu.exact(there, there)
