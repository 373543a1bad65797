"""The door of training on the device: kernels by g++ against fos_ref, bit by bit."""

from __future__ import annotations

import shutil
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_gpu import engine, training
from fos_gpu.build.probe import Availability
from fos_gpu.build.training_units import samples
from fos_gpu.proof.training.task import alone, KINDS
from fos_ref import random
from fos_ref.engines.random_bits import elements_of
from fos_ref.engines.registry import get_engine
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.model.random_bits import RandomBits
from fos_ref.recipes.axes import BlockShape
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.rotate import hadamard
from tests.gpu.emulation.device import device

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not installed: no kernel was run")
__all__ = ["device"]
TE = "te-train-gradient-byte-lane"
SEED = 0x123456789ABCDEF0
SHAPE = (128, 128)
EDEN = [("quartet2-eden", "quartet2-scales"), ("quartet2-simulator-eden", "quartet2-simulator-scales")]


@pytest.mark.parametrize("name", random.MAPS)
def test_words_of_every_map(device, name):
    shape = (256, 256) if name.startswith("torchao") else SHAPE
    got = training.words(name, shape, like=device(np.zeros(1, np.uint8)), seed=SEED, offset=2**64 - 2)
    assert np.array_equal(got, random.words(name, shape, seed=SEED, offset=2**64 - 2))


def check(device, x, recipe, there, here):
    """The kernel with bits `there` gives what fos_ref gives with bits `here`."""
    want = fos_ref.quantize(x, recipe, random_bits=here, engine="numpy")
    q = training.quantize(device(x), recipe, random_bits=there)
    for part in ("codes", "block_scales", "picked4"):
        assert np.array_equal(getattr(q, part), getattr(want, part)), part
    assert q.to_host().recipe == want.recipe


@pytest.mark.long
def test_a_quantizer_with_given_and_with_drawn_words(device):
    x = make("normal", SHAPE, 3, "bfloat16")
    x[:16, :16] = 0
    words = random.words("te-tuned-row", SHAPE, seed=SEED, copies="row")
    check(device, x, TE, device(words), words)
    drawn = ("te-tuned-row", SEED, 0, {"copies": "row"})
    check(device, x, TE, drawn, drawn)


@pytest.mark.long
def test_candidates_with_draws_of_their_own(device):
    x = make("student-t3", SHAPE, 3, "float32")
    x[0, :4] = np.float32([3e38, -3e38, 2.0**-140, 0])
    g = np.random.default_rng(1)
    both = [g.integers(0, 1 << 32, SHAPE, dtype=np.uint32) for _ in range(2)]
    check(device, x, "fouroversix-sr-unbiased-4over6", [device(w) for w in both], both)


@pytest.mark.parametrize(("out", "inverse"), [("bfloat16", False), ("bfloat16", True)])
def test_a_rotation(device, out, inverse):
    x = make("lognormal", (32, 64), 1, "float32").astype(ml_dtypes.bfloat16)
    got = training.rotate(device(x), out=out, inverse=inverse)
    assert np.array_equal(got.view(np.uint16), hadamard(x, out=out, inverse=inverse).y.view(np.uint16))


@pytest.mark.long
@pytest.mark.parametrize(("recipe", "map_"), EDEN)
def test_eden(device, recipe, map_):
    y = make("student-t5", SHAPE, 2, "float32")
    y[5, :32] = 0
    noise = random.words(map_, SHAPE, seed=7)
    got = training.eden(device(y), device(noise), recipe=recipe)
    want = fos_ref.quantize(y, recipe, random_bits=noise, engine="numpy")
    assert np.array_equal(got.codes, want.codes)
    assert np.array_equal(got.block_scales, want.block_scales)
    assert got.tensor_scale[0] == want.decode_scale
    zero = training.eden(device(np.zeros_like(y)), device(noise), recipe=recipe)
    want = fos_ref.quantize(np.zeros_like(y), recipe, random_bits=noise, engine="numpy")
    assert np.array_equal(zero.codes, want.codes)
    assert np.array_equal(zero.block_scales, want.block_scales)


@pytest.mark.long
def test_tiles_with_a_choice_and_words_of_each_candidate(device):
    """The tiles of a row of tiles do not fill the last thread block."""
    r = replace(STOCHASTIC["quartet2-simulator-sr-4over6"], name="own", block_shape=BlockShape.TILE_16X16)
    x, g = make("student-t3", (48, 80), 5, "float32"), np.random.default_rng(3)
    both = [g.integers(0, 1 << 32, x.shape, dtype=np.uint32) for _ in range(2)]
    check(device, x, r, [device(w) for w in both], both)


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", [r for r in samples() if r.block_rows > 1], ids=lambda r: r.name)
def test_every_recipe_of_tiles(device, r):
    for kind in KINDS:
        x, g = make(kind, (48, 144), 5, "float32"), np.random.default_rng(3)
        shape = (48, 144 // elements_of(r))
        words = [g.integers(0, 1 << 32, shape, dtype=np.uint32) for _ in range(r.draws)]
        check(device, x, r, alone([device(w) for w in words]), alone(words))


def test_what_does_not_fit_is_refused(device):
    x, words = device(make("normal", SHAPE, 3, "bfloat16")), device(np.zeros((128, 32), np.uint32))
    for wrong, error in (
        (device(np.zeros((128, 16), np.uint32)), ShapeError),
        (device(np.zeros((128, 32), np.float32)), DtypeError),
        (("te-tuned-row", 1), DtypeError),
        (("no-such-map", 1, 0), InputError),
        (("quartet2-simulator", 1, 0), InputError),
    ):
        with pytest.raises(error, match="allowed"):
            training.quantize(x, TE, random_bits=wrong)
    for recipe, error, said in (
        ("te-train-gradient-cvt-rs", InputError, "hardware decides"),
        ("te-cuda-nvfp4", InputError, "takes none"),
        ("fouroversix-sr-4over6", InputError, "two of them"),
    ):
        with pytest.raises(error, match=said):
            training.quantize(x, recipe, random_bits=words)
    with pytest.raises(RecipeError, match="bits of a known feed"):
        training.quantize(x, "quartet2-eden", random_bits=device(np.zeros((128, 8), np.uint32)))
    y, noise = device(np.zeros((2, 48), np.float32)), device(np.zeros((2, 3), np.uint32))
    with pytest.raises(ShapeError, match="multiples of 128"):
        training.eden(y, noise, recipe="quartet2-simulator-eden")
    with pytest.raises(InputError, match="one of quartet2-eden, quartet2-simulator-eden is allowed"):
        training.eden(y, noise, recipe="nvfp4")
    with pytest.raises(ShapeError, match="multiples of 16"):
        training.rotate(device(np.zeros((2, 24), np.float32)))


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["te-train-gradient-software", "quartet2-simulator-sr-4over6"])
def test_the_engine_on_arrays_of_the_host(device, recipe, monkeypatch):
    r = STOCHASTIC[recipe]
    monkeypatch.setattr(engine, "available", lambda: Availability(ok=True, reason="a device"))
    x, g = make("student-t5", (32, 64), 4, "bfloat16"), np.random.default_rng(2)
    words = [g.integers(0, 1 << 32, (32, 64 // elements_of(r)), dtype=np.uint32) for _ in range(r.draws)]
    scales = fos_ref.trace(x, r, random_bits=words if r.draws == 2 else words[0]).scales
    bits = RandomBits(np.stack(words))
    got = engine.CudaEngine().quantize(x, scales, r, bits)
    want = get_engine("numpy", r, x.size).quantize(x, scales, r, bits)
    assert all(np.array_equal(a, b) for a, b in zip(got, want, strict=True))
    assert engine.CudaEngine().refuses(r) is None
    assert "known feed" in engine.CudaEngine().refuses(STOCHASTIC["te-train-gradient-cvt-rs"])
    assert device is not None
