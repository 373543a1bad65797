"""The engine "cuda" on a GPU beside the model. Not run without one; run with -m gpu."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fos_gpu
import fos_ref
from fos_gpu.build.host import stacked
from fos_gpu.engine import CudaEngine, launch_quantize
from fos_gpu.proof.beside import differing, SUPPORTED
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax, tensor_scales
from fos_ref.proof.engine import NAN, Task
from fos_ref.recipes.axes import NonFinite
from tests.gpu import subnormals
from tests.gpu.cases import BY_NAME, FEW, inputs, TILES

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not fos_gpu.available(), reason=f"no kernel ran: {fos_gpu.available().reason}"),
]
#: Rows x columns: one block, a tail of a thread block, more tiles than one thread block has.
ROWS_AND_COLUMNS = ((1, 16), (7, 48), (129, 16), (3, 4096), (128, 2064))
TILED = ((16, 16), (16, 48), (48, 144), (160, 16), (16, 4096))


class OnDevice:
    """One recipe's amax and quantize, as the comparison calls them."""

    def __init__(self, r):
        self.recipe = r

    def amax(self, x):
        return CudaEngine().amax(x, self.recipe)

    def quantize(self, x, scales):
        return CudaEngine().quantize(x, scales, self.recipe)


def as_bytes(q) -> list[tuple[tuple[int, ...], bytes]]:
    """Return the shape and the bytes of each part of a quantized tensor."""
    parts = (q.codes, q.block_scales, q.tensor_amax, q.encode_scale, q.decode_scale, q.picked4)
    return [(p.shape, p.tobytes()) for p in parts]


@pytest.mark.parametrize("r", SUPPORTED, ids=lambda r: r.name)
def test_every_preset_gives_the_model_s_bytes(r):
    for kind, x in inputs():
        if kind == NAN and r.nonfinite is NonFinite.RAISE:
            continue
        assert differing(OnDevice(r), x, r, Task(kind, 0, ())) == 0


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("name", "shapes"), [*((n, ROWS_AND_COLUMNS) for n in FEW), *((n, TILED) for n in TILES)]
)
def test_odd_shapes(name, shapes, dtype):
    r = BY_NAME[name]
    for shape in shapes:
        x = make("normal", shape, 3, dtype)
        assert differing(OnDevice(r), x, r, Task("normal", 0, ())) == 0


@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_every_byte_of_the_outputs_is_written(name):
    cupy, r = importlib.import_module("cupy"), BY_NAME[name]
    x = make("normal", (48, 144), 1, "bfloat16")
    scales = tensor_scales(tensor_amax(x.astype(np.float32), r), r, x.dtype)
    found = []
    for poison in (0xA5, 0x5A):
        out = tuple(cupy.full(shape, poison, dtype=np.uint8) for shape in ((48, 72), (48, 9), (48, 9)))
        words = cupy.asarray(x.view(np.uint16))
        launch_quantize(r, x.dtype, words, cupy.asarray(stacked(scales)), out)
        found.append([cupy.asnumpy(a).tobytes() for a in out])
    assert found[0] == found[1]


def test_an_input_that_is_not_contiguous():
    x = make("normal", (64, 256), 2, "float32")
    got = fos_ref.quantize(x.T, "4over6", engine="cuda")
    assert as_bytes(got) == as_bytes(fos_ref.quantize(np.ascontiguousarray(x.T), "4over6", engine="numpy"))


@pytest.mark.parametrize("name", FEW[:2])
def test_an_empty_tensor(name):
    for shape in ((0, 16), (4, 0)):
        x = np.zeros(shape, dtype=np.float32)
        want = fos_ref.quantize(x, name, engine="numpy")
        assert as_bytes(fos_ref.quantize(x, name, engine="cuda")) == as_bytes(want)


@given(st.binary(min_size=64, max_size=1024), st.sampled_from([*FEW, *TILES[:1]]))
@settings(max_examples=60)
def test_any_bits(data, name):
    r = BY_NAME[name]
    words = np.frombuffer(data[: len(data) // 64 * 64], dtype=np.float32).reshape(-1, 16)
    x = np.where(np.isfinite(words), words, np.float32(1))
    x = np.tile(x, (16, 1)) if r.block_rows == 16 else x
    assert differing(OnDevice(r), x, r, Task("bit-patterns", 0, ())) == 0


def test_subnormals_survive_here_and_are_lost_where_cupy_compiles():
    want = subnormals.hexadecimal(subnormals.A * subnormals.B)
    assert subnormals.hexadecimal(subnormals.through_cubin()) == want
    lost = subnormals.through_cupy()
    assert np.all(lost[:-1] == 0)
    assert lost[-1] == 15
