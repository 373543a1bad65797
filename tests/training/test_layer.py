"""A layer's operands: their shapes, what they are made from, what is saved, and the products."""

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import training
from fos_ref.rotate import signs_of
from fos_ref.training.stack import H128
from tests.training.layers import KNOWN, layer, SIGNS, sizes, tensors, words

NAMES = ("fprop_x", "fprop_w", "dgrad_g", "dgrad_w", "wgrad_g", "wgrad_x")


@pytest.mark.sample(4)
@pytest.mark.parametrize("stack", KNOWN)
def test_every_operand_is_blocked_along_the_axis_that_is_summed_over(stack):
    found = layer(stack)
    t, k, n = sizes(stack)
    shapes = [(t, k), (n, k), (t, n), (k, n), (n, t), (k, t)]
    assert [getattr(found, name).shape for name in NAMES] == shapes
    assert set(found.made) == set(NAMES)
    x, w, g = (a.astype(float) for a in tensors(stack))
    wanted = {"fprop": x @ w.T, "dgrad": g @ w, "wgrad": g.T @ x}
    pairs = {"fprop": ("x", "w"), "dgrad": ("g", "w"), "wgrad": ("g", "x")}
    for product, (a, b) in pairs.items():
        left, right = (fos_ref.dequantize(getattr(found, f"{product}_{s}")).astype(float) for s in (a, b))
        want = wanted[product]
        assert np.linalg.norm(left @ right.T - want) < 0.35 * np.linalg.norm(want)


def exact_product(a, b):
    """Return the product of two operands on rationals, of their values as the recipe dequantizes them."""
    values = [[[Fraction(float(v)) for v in row] for row in fos_ref.dequantize(q)] for q in (a, b)]
    return [[sum(p * q for p, q in zip(r, s, strict=True)) for s in values[1]] for r in values[0]]


def test_a_product_is_the_exact_one_rounded_once():
    """Amaxes that make D a power of two: then the values in float32 are exact, and so are their products."""
    x, w, g = tensors("fouroversix")
    x[0, 0], w[0, 0], g[0, 0] = 5.25, 5.25 / 64, 5.25 / 4096
    found = training.linear(x, w, g, "fouroversix", words("fouroversix"), out="bfloat16")
    d = [float(q.decode_scale) for q in (found.fprop_x, found.fprop_w)]
    assert [np.frexp(v)[0] for v in d] == [0.5, 0.5]
    want = exact_product(found.fprop_x, found.fprop_w)
    got = found.y
    assert got.shape == (len(x), len(w))
    assert (
        got.tolist()
        == np.array([[float(v) for v in row] for row in want]).astype(ml_dtypes.bfloat16).tolist()
    )
    assert found.grad_x.shape == x.shape
    assert found.grad_w.shape == w.shape


@pytest.mark.parametrize("stack", ["te-byte-lane", "torchao-pair-reversed", "quartet2-simulator-nvidia"])
def test_transposed_codes_are_those_of_the_transposed_weight(stack):
    """A tile of 16x16 is the same tile when it is transposed, so one quantization serves both products."""
    found = layer(stack)
    w = tensors(stack)[1]
    anew = fos_ref.quantize(np.ascontiguousarray(w.T), found.dgrad_w.recipe)
    for name in ("codes", "block_scales", "tensor_amax", "decode_scale", "picked4"):
        assert np.array_equal(getattr(found.dgrad_w, name), getattr(anew, name)), name
    assert np.array_equal(fos_ref.dequantize(found.dgrad_w), fos_ref.dequantize(found.fprop_w).T)


def test_weights_in_rows_of_16_are_quantized_anew():
    found = layer("fouroversix")
    assert not np.array_equal(fos_ref.dequantize(found.dgrad_w), fos_ref.dequantize(found.fprop_w).T)


SAVED = {
    "te-byte-lane": ("wgrad_x", "fprop_w", "dgrad_w"),
    "fouroversix": ("x", "w"),
    "quartet2": ("fprop_x", "fprop_w"),
    "quartet2-simulator-nvidia": ("fprop_w", "x"),
}


@pytest.mark.parametrize("stack", SAVED)
def test_what_is_saved_is_enough_for_the_backward_pass(stack):
    found = layer(stack)
    assert found.saved == SAVED[stack]
    for o in found.stack.operands:
        from_saved = o.origin is not training.Origin.HIGH_PRECISION
        kept = found.saved if not o.forward else ()
        if o.forward or o.of == "g":
            continue
        assert (f"fprop_{o.of}" in kept) if from_saved else (o.of in kept), o.name


def test_g_has_two_tensor_scales_and_the_second_is_of_the_rotated_columns():
    found = layer("te-byte-lane")
    g = tensors("te-byte-lane")[2].astype(np.float64)
    assert found.dgrad_g.tensor_amax == np.abs(g).max()
    s = signs_of(0xD7E8, 16)
    h = np.array([[1 - 2 * ((r & c).bit_count() % 2) for c in range(16)] for r in range(16)]) / 4
    rotated = (g.T.reshape(-1, 16) * s @ h).astype(np.float32).astype(ml_dtypes.bfloat16)
    assert found.wgrad_g.tensor_amax == np.abs(rotated.astype(np.float32)).max()
    assert np.array_equal(found.made["wgrad_g"].values.reshape(-1, 16), rotated)
    assert found.made["wgrad_g"].decided.mean() > 0.99


def test_quartet2_s_blocks_are_four_runs_of_four_outputs():
    """The kernel's own rule: row 64k + 16l + j has the Sylvester row 64k + 4l + run j."""
    runs = [0, 1, 2, 3, 16, 17, 18, 19, 32, 33, 34, 35, 48, 49, 50, 51]
    want = [0] * 128
    for k in range(0, 128, 64):
        for tile in range(4):
            for j in range(16):
                want[k + 16 * tile + j] = k + 4 * tile + runs[j]
    assert list(H128.order) == want
    assert sorted(want) == list(range(128))


def test_quartet2_reads_its_saved_codes_back_in_bfloat16_and_rotates_by_128():
    found = layer("quartet2")
    made = found.made["wgrad_x"]
    back = fos_ref.dequantize(found.fprop_x).astype(ml_dtypes.bfloat16).astype(np.float64)
    signs = np.array([1 - 2 * (SIGNS[128] >> i & 1) for i in range(128)])
    h = np.array([[1 - 2 * ((r & c).bit_count() % 2) for c in range(128)] for r in range(128)]) * 181 / 2048
    rotated = (back.T.reshape(-1, 128) * signs @ h)[:, list(H128.order)]
    assert np.array_equal(made.values.reshape(-1, 128), rotated.astype(np.float32))
    assert not np.array_equal(fos_ref.dequantize(found.fprop_x), back)
    codes = {
        name: getattr(found, name).codes.tobytes() for name in ("dgrad_g", "dgrad_w", "wgrad_g", "wgrad_x")
    }
    assert len(set(codes.values())) == len(codes)
    trace = found.trace("wgrad_x")
    assert np.array_equal(trace.block_scales, found.wgrad_x.block_scales)
