"""Products on device arrays without a GPU: the kernels' own text under g++, beside fos_ref.matmul."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import fos_gpu
import fos_ref
from fos_gpu.products import multiply
from fos_gpu.tensors import to_numpy
from fos_ref import matmul
from fos_ref.errors import InputError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.verify import check_matmul
from tests.gpu.emulation.device import device
from tests.matmul.lines import drawn, tensor
from tests.matmul.planted import PLANTED

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel was run on the host"
)
__all__ = ["device"]
LIKE = np.zeros(16, np.uint8)


def both(device, a, b):
    return tuple(fos_gpu.to_device(q, device(LIKE)) for q in (a, b))


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("recipe", "spread"), [*(("nvfp4", s) for s in (None, 0, 4, 20, 80)), ("fouroversix-nvint4", 20)]
)
def test_exact_sums_certificates_and_the_order_of_te(device, recipe, spread):
    rng = np.random.default_rng([70, spread or 99])
    a, b = drawn(rng, 37, 160, recipe, spread), drawn(rng, 21, 160, recipe, spread)
    qa, qb = both(device, a, b)
    assert np.array_equal(to_numpy(fos_gpu.exact(qa, qb)), matmul.exact(a, b).astype(np.float64))
    for level in ("block", "element"):
        assert np.array_equal(to_numpy(fos_gpu.certificate(qa, qb, level)), matmul.certificate(a, b, level))
    found, raw = multiply(qa, qb), matmul.raw(a, b, "te")
    assert np.array_equal(to_numpy(found.te).view(np.uint32), (raw.total + np.float32(0)).view(np.uint32))
    assert np.array_equal(to_numpy(found.te_bound), raw.bound)


def test_every_code_and_scale_byte(device):
    """One block of each byte; NaN where 7F is, bit 7 without a meaning, code 8 a zero."""
    codes = np.tile(np.arange(16), (256, 1))
    a = tensor(codes, np.arange(256)[:, None])
    b = tensor(np.roll(codes[:7], 3, axis=1), np.array([[0x38], [0x7E], [0x01], [0x78], [0xFF], [0], [0x84]]))
    qa, qb = both(device, a, b)
    got = to_numpy(fos_gpu.exact(qa, qb))
    assert np.array_equal(got, matmul.exact(a, b), equal_nan=True)
    assert np.isnan(got).sum() == 2 * 7 + 256 - 2
    for level in ("block", "element"):
        assert np.array_equal(to_numpy(fos_gpu.certificate(qa, qb, level)), matmul.certificate(a, b, level))


def test_sums_past_53_bits_are_refused_and_certified_all_the_same(device):
    codes = np.full((1, 2048), 7)
    codes[0, -1] = 1
    scales = np.full((1, 128), 0x7E)
    scales[0, -1] = 1
    a = tensor(codes, scales)
    qa, _ = both(device, a, a)
    with pytest.raises(InputError, match="more than 53 bits"):
        fos_gpu.exact(qa, qa)
    assert np.array_equal(to_numpy(fos_gpu.certificate(qa, qa)), matmul.certificate(a, a))


def test_the_alignment_of_35_bits(device):
    a = tensor([[0] * 16 + [1] + [0] * 15], [[0x7E, 0x01]])
    qa, _ = both(device, a, a)
    assert not to_numpy(fos_gpu.certificate(qa, qa))[0, 0]
    assert to_numpy(fos_gpu.certificate(qa, qa, "element"))[0, 0]


@pytest.mark.long
@pytest.mark.parametrize(
    ("distribution", "out"), [("normal", "float32"), ("normal", "bfloat16"), ("heavy-tailed", "float16")]
)
def test_a_verdict_is_that_of_the_host(device, distribution, out):
    a, b = (fos_ref.quantize(make(distribution, (12, 128), s), "nvfp4", engine="numpy") for s in (0, 1))
    qa, qb = both(device, a, b)
    for name in ("te", "cutlass", "flashinfer"):
        given = matmul.run(a, b, name, out)
        got, want = fos_gpu.check_matmul(device(given), qa, qb), check_matmul(given, a, b)
        assert (got.wrong, got.certified) == (want.wrong, want.certified)
        assert got.models == tuple(m for m in want.models if m == "te")
        assert got.verdict == want.verdict or (name, got.verdict) == ("cutlass", "inside-any-order-bound")
    raw = matmul.raw(a, b, "te").total
    assert fos_gpu.check_matmul(device(raw), qa, qb, model="te", alpha=1)
    raw[3, 4] = np.nextafter(raw[3, 4], np.float32(np.inf))
    got, want = fos_gpu.check_matmul(device(raw), qa, qb, alpha=1), check_matmul(raw, a, b, alpha=1)
    assert (got.verdict, got.wrong, got.equal) == (want.verdict, want.wrong, want.equal)
    assert (got.first is None) == (want.first is None)
    assert got.first is None or (got.first.row, got.first.column) == (3, 4)


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", ["Transposed", "NibbleOrder"])
def test_a_planted_mistake_is_named_first(device, name):
    a, b = (fos_ref.quantize(make("normal", (70, 128), s), "nvfp4", engine="numpy") for s in (0, 1))
    found = fos_gpu.check_matmul(device(PLANTED[name](a, b)), *both(device, a, b))
    assert found.verdict == "outside"
    assert found.causes[0].startswith(name.partition("-")[0] + ":")


def test_what_cannot_be_multiplied(device):
    a = drawn(np.random.default_rng(71), 4, 64)
    flagged = drawn(np.random.default_rng(71), 4, 64, "fouroversix-if4-mse")
    qa, qf = both(device, a, flagged)
    short, _ = both(device, drawn(np.random.default_rng(71), 4, 32), a)
    with pytest.raises(ShapeError, match="a has 64 columns"):
        fos_gpu.exact(qa, short)
    with pytest.raises(InputError, match=r"E2M1\|INT4"):
        fos_gpu.exact(qa, qf)
    with pytest.raises(ShapeError, match=r"out of shape \(3, 4\)"):
        fos_gpu.check_matmul(device(np.zeros((3, 4), np.float32)), qa, qa)
    with pytest.raises(InputError, match="model 'cutlass'"):
        fos_gpu.check_matmul(device(np.zeros((4, 4), np.float32)), qa, qa, model="cutlass")
