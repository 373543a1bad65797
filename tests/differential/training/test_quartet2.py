"""Quartet II's Triton simulators beside our presets: uniform numbers, scales, elements, values, every bit."""

import numpy as np
import pytest

import fos_ref
from fos_ref.formats import decode, E2M1
from fos_ref.inputs.distributions import make
from fos_ref.random import words
from fos_ref.random.programs import triton_uniform
from fos_ref.rotate import hadamard, scale, signs_of
from fos_ref.rotate.matrix import sylvester
from fos_ref.storage.layout import unpack_nibbles

from .figures import note, Ran
from .programs import QUARTET2

pytestmark = pytest.mark.peer
RAN = Ran("Quartet-II (Triton interpreted; values, so not the signs of zeros)", QUARTET2.version)
SEED = 123_456
UNBIASED = 17 / 16
#: Preset -> the simulator's mode, whether it chooses, its scale override, whose map the random numbers are.
PRESETS = {
    "quartet2-simulator-sr": ("sr", False, UNBIASED),
    "quartet2-simulator-sr-4over6": ("sr", True, UNBIASED),
    "quartet2-triton-4over6": ("rtn", True, 1.0),
    "quartet2-triton-4over6-16x16": ("rtn-16x16", True, 1.0),
}
FAMILIES = ("normal", "student-t3", "outlier-channels")
EDEN_SHAPE, EDEN_FAMILIES = (256, 1024), ("normal", "student-t5")
SHAPE = {"sr": (512, 1024), "rtn": (512, 1024), "rtn-16x16": (128, 128)}


def bits(preset):
    """Return the random bits of a preset: the second candidate's seed is the next one."""
    recipe = fos_ref.recipe(preset)
    if not recipe.stochastic:
        return {}
    draws = [("quartet2-simulator", SEED + i, 0) for i in range(recipe.draws)]
    return {"random_bits": draws[0] if len(draws) == 1 else tuple(draws)}


def same_bits(a, b):
    return np.asarray(a, np.float32).view(np.uint32) == np.asarray(b, np.float32).view(np.uint32)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("preset", PRESETS)
def test_no_value_differs(tmp_path, preset, family, evidence):
    mode, adaptive, override = PRESETS[preset]
    x = make(family, SHAPE[mode], 0, "float32")
    theirs = QUARTET2.run(tmp_path, x=x, mode=mode, adaptive=adaptive, override=override, seed=SEED)
    ours = fos_ref.quantize(x, preset, **bits(preset))
    values = fos_ref.dequantize(ours)
    off, compared = int((values != theirs["values"]).sum()), (x.size, family, "float32")
    assert off == 0
    if mode == "rtn-16x16":
        note(evidence, preset, RAN, compared, codes=off)
        return
    wrong = 0
    codes, picked = unpack_nibbles(ours.codes), np.repeat(ours.picked4, 16, axis=1)
    for candidate, kept in (("six", ~picked), ("four", picked)):
        if not kept.any():
            continue
        elements = theirs[f"{candidate}_elements"].reshape(x.shape)
        assert int((decode(codes, E2M1) != elements)[kept].sum()) == 0
        scales = theirs[f"{candidate}_scales"].reshape(ours.block_scales.shape)
        wrong += int((ours.block_scales != scales)[kept[:, ::16]].sum())
    note(evidence, preset, RAN, compared, codes=off, block_scales=wrong)
    assert wrong == 0
    assert not adaptive or 0.05 < picked.mean() < 0.95


@pytest.mark.parametrize("tail", ["", "-16x16"])
def test_both_quotients_and_the_smaller_bound_of_tiles(tmp_path, tail):
    """131,072 blocks of each under an amax for which the first presets have another D."""
    others = 0
    for i, family in enumerate((*FAMILIES, "zero-laden")):
        x = make(family, (512, 1024), 20 + i, "float32")
        x *= np.float32(5) / np.abs(x).max()
        x[40, 40] = 5.01
        x[:16, :32], x[16:32, :16] = 0, np.abs(x).max() * np.float32(1e-5)
        found = QUARTET2.run(tmp_path, x=x, mode=f"rtn{tail}", adaptive=False, override=1.0, seed=SEED)
        ours, first = (fos_ref.quantize(x, f"quartet2-{n}-nvfp4{tail}") for n in ("simulator", "triton"))
        assert int((~same_bits(fos_ref.dequantize(ours), found["values"])).sum()) == 0
        others += int((fos_ref.dequantize(first) != found["values"]).sum())
    assert others > 0


@pytest.mark.parametrize("adaptive", [False, True])
def test_its_uniform_numbers_are_those_of_the_map(tmp_path, adaptive):
    x = make("normal", (512, 1024), 1, "float32")
    found = QUARTET2.run(tmp_path, x=x, mode="sr", adaptive=adaptive, override=UNBIASED, seed=SEED)
    for i, candidate in enumerate(("six", "four")[: 1 + adaptive]):
        ours = triton_uniform(words("quartet2-simulator", x.shape, seed=SEED + i))
        assert int((ours != found[f"{candidate}_uniform"].reshape(x.shape)).sum()) == 0


@pytest.mark.parametrize("family", EDEN_FAMILIES)
def test_no_value_of_ms_eden_differs(tmp_path, family, evidence):
    """Values in sixteenths: then no order of the rotation's sums changes a bit."""
    x = (np.clip(np.round(make(family, EDEN_SHAPE, 3, "float32") * 16), -127, 127) / 16).astype(np.float32)
    signs = 0x5DEECE66D0123456789ABCDEF0F1E2D3
    matrix = (sylvester(128) * scale(128) * signs_of(signs, 128)).astype(np.float32)
    y, decided = hadamard(x, 128, signs, "float32")
    assert decided.all()
    amax, override = np.abs(y).max(), UNBIASED * 0.93
    theirs = QUARTET2.run(tmp_path, x=x, mode="eden", matrix=matrix, amax=amax, override=override, seed=SEED)
    drawn = ("quartet2-simulator-scales", SEED, 0)
    ours = fos_ref.quantize(y, "quartet2-simulator-eden", random_bits=drawn)
    off = int((~same_bits(fos_ref.dequantize(ours) + 0.0, theirs["values"] + 0.0)).sum())
    note(evidence, "quartet2-simulator-eden", RAN, (x.size, family, "float32"), codes=off)
    assert off == 0
