"""Kernels whose codes random bits decide: given words where they take them, else judged by statistics."""

import numpy as np
import pytest

import fos_ref
from fos_ref.verify import conformance, conformance_groups
from tests.check.stochastic import planted

RECIPE = "te-train-gradient-byte-lane"
QUICK = {"shapes": [(3, 48), (64, 256)], "dtypes": ["bfloat16"]}


def right(x, random_bits):
    codes, scales, _ = planted.made(x, random_bits)
    return codes, scales


def test_a_right_kernel_conforms_with_words_and_without():
    report = conformance(right, RECIPE, **QUICK)
    assert (report.equal, report.trials) == (True, 4)
    rng = np.random.default_rng(3)

    def alone(x):
        return right(x, rng.integers(0, 1 << 32, (x.shape[0], x.shape[1] // 4), dtype=np.uint32))

    assert conformance(alone, "te-train-gradient-cvt-rs", **QUICK).equal
    assert conformance_groups(RECIPE) == ("tensors",)


@pytest.mark.parametrize(
    ("mistake", "flag"), [("bytes in order", "SrBitFeed"), ("2 random bits", "SrBitsNarrow")]
)
def test_a_wrong_kernel_is_named(mistake, flag):
    def wrong(x, random_bits):
        return planted.made(x, random_bits, mistake)[:2]

    report = conformance(wrong, RECIPE, **QUICK)
    assert not report.equal
    assert flag in report.causes
    assert flag in str(report)


def test_what_a_kernel_raises_or_returns_is_a_finding():
    def raising(x):
        raise ValueError(x.shape)

    report = conformance(raising, RECIPE, **QUICK)
    assert "it raised ValueError" in report.failures[0].what
    report = conformance(lambda x: (x[:, :1], x), RECIPE, **QUICK)
    assert len(report.failures) == 4


def test_the_engine_itself_conforms():
    def engine(x, random_bits, amax):
        return fos_ref.quantize(x, "fouroversix-sr-4over6", random_bits=random_bits, amax=amax)

    assert conformance(engine, "fouroversix-sr-4over6", **QUICK).equal


@pytest.mark.parametrize("recipe", ["quartet2-eden", "quartet2-simulator-eden"])
def test_kernels_of_corrected_scales_are_given_words_of_their_width(recipe):
    def engine(x, random_bits):
        return fos_ref.quantize(x, recipe, random_bits=random_bits)

    def away(x, random_bits):
        return fos_ref.quantize(x, recipe, random_bits=0 * random_bits)

    assert conformance(engine, recipe, shapes=[(3, 128)], dtypes=["float32"]).equal
    assert "SrRule" in conformance(away, recipe, shapes=[(3, 128)], dtypes=["float32"]).causes
