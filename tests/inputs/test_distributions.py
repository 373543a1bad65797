"""The seeded inputs: the same bits for the same name, and each family is what its docstring says."""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.inputs import distributions
from fos_ref.inputs.distributions import DTYPES, FAMILIES, HUNTING, make, STATISTICAL
from tests.every import every

SHAPE = (64, 256)

#: First 16 hex digits of the sha256 of the float32 bits of make(name, (32, 64), seed=7).
BITS = {
    "normal": "8cd048d985f5d055",
    "laplace": "2c1e1713f84e4af2",
    "student-t5": "2459cdcc028f6ae4",
    "student-t3": "8bca69cf5a7dea85",
    "uniform": "91c02ef70ef25696",
    "lognormal": "f308ad0a728c8f91",
    "outlier-channels": "a52e6837edf10600",
    "near-max": "b87f35184538473c",
    "worst-case": "059264dc9b1f7b8d",
    "coarse": "5894dfe156700144",
    "zero-laden": "3b10d969635ccda2",
    "subnormal-scale": "6061db5f2eb16102",
    "signed-zero": "da6dede863ed1123",
    "heavy-tailed": "d6574f215713f3cb",
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_bits_of_a_seed_are_pinned(name):
    bits = make(name, (32, 64), 7).astype("<f4").tobytes()
    assert hashlib.sha256(bits).hexdigest()[:16] == BITS[name]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 16), (16, 16), (48, 80), (16, 1024)])
@every(FAMILIES)
def test_every_family_is_finite_in_every_dtype_and_shape(name, dtype, shape):
    x = make(name, shape, 1, dtype)
    assert x.shape == shape
    assert x.dtype == DTYPES[dtype]
    assert np.isfinite(x.astype(np.float64)).all()
    assert np.any(x.astype(np.float64) != 0) or name in {"zero-laden", "signed-zero"}


@pytest.mark.parametrize("name", FAMILIES)
def test_sixteen_bit_values_are_the_float32_values_rounded_once(name):
    single = make(name, SHAPE, 5)
    for dtype, rounded in (("bfloat16", ml_dtypes.bfloat16), ("float16", np.float16)):
        assert make(name, SHAPE, 5, dtype).tobytes() == single.astype(rounded).tobytes()


@pytest.mark.parametrize("name", FAMILIES)
def test_seeds_differ(name):
    assert make(name, SHAPE, 0).tobytes() != make(name, SHAPE, 1).tobytes()


def test_families_draw_from_streams_of_their_own(monkeypatch):
    twin = distributions.FAMILIES | {"normal-again": distributions.normal}
    monkeypatch.setattr(distributions, "FAMILIES", twin)
    assert make("normal-again", SHAPE, 0).tobytes() != make("normal", SHAPE, 0).tobytes()


def test_the_two_tuples_are_all_families_once():
    assert sorted(STATISTICAL + HUNTING) == sorted(FAMILIES)


def test_an_unknown_name_lists_all():
    with pytest.raises(InputError, match=r"'gauss'.*normal.*heavy-tailed"):
        make("gauss", SHAPE, 0)


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.0, True, "0"])
def test_a_wrong_seed_is_an_error(seed):
    with pytest.raises(InputError, match="seed"):
        make("normal", SHAPE, seed)


@pytest.mark.parametrize("shape", [(0, 16), (16, 0), (16, 24)])
def test_a_shape_without_whole_blocks_is_an_error(shape):
    with pytest.raises(ShapeError, match="multiple of 16"):
        make("normal", shape, 0)


def test_an_unknown_dtype_is_an_error():
    with pytest.raises(DtypeError, match="float64"):
        make("normal", SHAPE, 0, "float64")


# --- each family hunts what it says -------------------------------------------------------------------


def blocks_of(name, seed=0, shape=(128, 512)):
    return make(name, shape, seed).astype(np.float64).reshape(-1, 16)


def test_outlier_channels_are_columns():
    x = np.abs(make("outlier-channels", (512, 256), 0)).max(axis=0)
    assert np.count_nonzero(x > 12) == 256 // 64


def test_near_max_blocks_have_four_values_in_the_gap_of_map_to_6():
    x = np.abs(blocks_of("near-max"))
    place = x / x.max(axis=1, keepdims=True)
    assert np.all(np.sum((place > 0.74) & (place < 0.93), axis=1) == 4)
    assert np.all(np.sum(place < 0.51, axis=1) == 11)


def test_worst_case_blocks_are_four_times_worse_for_map_to_6_than_for_map_to_4():
    x = make("worst-case", SHAPE, 0)
    t = fos_ref.trace(x, "4over6")
    assert t.picked4.all()
    assert np.all(t.map6.error > 3 * t.map4.error)
    plain = fos_ref.trace(x, "nvfp4")
    assert np.all(np.sum((plain.map6.codes & 7) == 7, axis=-1) < 16), "some value is below its midpoint"


def test_coarse_blocks_tie_and_have_no_negative_zero():
    x = make("coarse", SHAPE, 0)
    t = fos_ref.trace(x, "4over6")
    ties = (t.map4.error == t.map6.error) & (t.map6.error > 0)
    assert ties.mean() > 0.3
    assert not np.any(np.signbit(x) & (x == 0))
    assert np.all(x * 8 == np.rint(x * 8))


def test_zero_laden_has_zero_blocks_and_only_positive_zeros():
    x = blocks_of("zero-laden")
    zero_blocks = np.mean(np.all(x == 0, axis=1))
    assert 0.2 < zero_blocks < 0.35
    assert not np.any(np.signbit(x) & (x == 0))


def test_subnormal_scale_has_subnormal_and_zero_scales_of_nonzero_blocks():
    x = make("subnormal-scale", SHAPE, 0)
    t = fos_ref.trace(x, "nvfp4")
    nonzero = t.block_amax > 0
    assert nonzero.all()
    assert np.mean((t.block_scales > 0) & (t.block_scales < 8)) > 0.1
    assert np.mean(t.block_scales == 0) > 0.02
    assert np.mean(t.block_scales >= 8) > 0.5


def test_signed_zero_has_both_zeros_and_blocks_of_nothing_else():
    x = blocks_of("signed-zero")
    zero = x == 0
    assert 0.4 < np.mean(np.signbit(x[zero])) < 0.6
    assert 0.05 < np.mean(np.all(zero, axis=1)) < 0.2
    codes = fos_ref.trace(x.reshape(128, 512).astype(np.float32), "4over6").codes
    assert {0, 8} <= set(codes.flat)


def test_heavy_tailed_spans_29_binades():
    x = np.abs(blocks_of("heavy-tailed", shape=(512, 1024)))
    exponents = np.frexp(x)[1]
    assert exponents.max() - exponents.min() + 1 == 29
