"""The door of training on the device: kernels by g++ against fos_ref, bit by bit."""

from __future__ import annotations

import shutil

import ml_dtypes
import numpy as np
import pytest

from fos_gpu import training
from fos_gpu.proof.training.model import codes, eden, scaled
from fos_gpu.training import Rounding
from fos_ref import random
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.random import Feed
from fos_ref.rotate import hadamard
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel was run")
__all__ = ["device"]
TE = Rounding.of("sr_a", Feed.BYTE_NATURAL)
SEED = 0x123456789ABCDEF0
SHAPE = (128, 128)


@pytest.mark.parametrize("name", random.MAPS)
def test_words_of_every_map(device, name):
    shape = (256, 256) if name.startswith("torchao") else SHAPE
    got = training.words(name, shape, like=device(np.zeros(1, np.uint8)), seed=SEED, offset=2**64 - 2)
    assert np.array_equal(got, random.words(name, shape, seed=SEED, offset=2**64 - 2))


@pytest.mark.parametrize(
    "rounding", [TE, Rounding.of("te_software", Feed.BYTE_NATURAL)], ids=lambda r: r.rule
)
def test_a_quantizer_with_given_and_with_drawn_words(device, rounding):
    x = make("normal", SHAPE, 3, "bfloat16")
    x[:16, :16] = 0
    words = random.words("te-tuned-row", SHAPE, seed=SEED, copies="row")
    t = scaled(x, "te-cuda-nvfp4")
    drawn = ("te-tuned-row", SEED, 0, {"copies": "row"})
    for bits in (device(words), drawn):
        q = training.quantize(device(x), "te-cuda-nvfp4", rounding=rounding, random_bits=bits)
        assert np.array_equal(q.codes, codes(t.y, rounding, words))
        assert np.array_equal(q.block_scales, t.block_scales)


@pytest.mark.parametrize(("out", "inverse"), [("bfloat16", False), ("bfloat16", True)])
def test_a_rotation(device, out, inverse):
    x = make("lognormal", (32, 64), 1, "float32").astype(ml_dtypes.bfloat16)
    got = training.rotate(device(x), out=out, inverse=inverse)
    assert np.array_equal(got.view(np.uint16), hadamard(x, out=out, inverse=inverse).y.view(np.uint16))


def test_eden(device):
    y = make("student-t5", SHAPE, 2, "float32")
    y[5, :32] = 0
    noise = random.words("quartet2-scales", SHAPE, seed=7)
    got, want = training.eden(device(y), device(noise)), eden(y, noise)
    for part in ("codes", "corrected", "block_scales"):
        assert np.array_equal(getattr(got, part), getattr(want, part)), part
    assert got.tensor_scale[0] == want.tensor_scale
    assert got.block_scales[5, :2].tolist() == [0, 0]


def test_what_does_not_fit_is_refused(device):
    x, words = device(make("normal", SHAPE, 3, "bfloat16")), device(np.zeros((128, 32), np.uint32))

    def call(recipe="te-cuda-nvfp4", bits=words):
        return training.quantize(x, recipe, rounding=TE, random_bits=bits)

    for wrong, error in (
        (device(np.zeros((128, 16), np.uint32)), ShapeError),
        (device(np.zeros((128, 32), np.float32)), DtypeError),
        (("te-tuned-row", 1), InputError),
        (("no-such-map", 1, 0), InputError),
        (("quartet2-simulator", 1, 0), InputError),
    ):
        with pytest.raises(error, match="allowed"):
            call(bits=wrong)
    with pytest.raises(RecipeError, match="blocks of 16"):
        call(recipe="te-cuda-nvfp4-16x16")
    with pytest.raises(ShapeError, match="multiples of 16"):
        training.rotate(device(np.zeros((2, 24), np.float32)))
