"""The situations of real reports, one a line: the right flags, and none of the wrong ones."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.verify import check
from tests.check.field.plain import E4M3, F, GRID, Kernel, nearest_code, normal, pack, rounded_scale, unpack

SHAPE = (32, 256)
X = normal(SHAPE, 1)
S = F(2688) / np.abs(X).max()
BF16 = ml_dtypes.bfloat16


def moved_scale(up):
    """Return the cast of a block scale that goes up, or down, where it is not exact."""

    def scale(base):
        byte = rounded_scale(base)
        value = byte.view(E4M3).astype(F)
        if up:
            return np.where((value < base) & (byte < 0x7E), byte + 1, byte).astype(np.uint8)
        return np.where((value > base) & (byte > 0), byte - 1, byte).astype(np.uint8)

    return scale


def by_pairs(blocks):
    a = np.abs(blocks).max(-1)
    return np.maximum(a[..., 0::2], a[..., 1::2]).repeat(2, axis=-1)


def without_sign(blocks):
    return np.maximum(blocks.max(-1), F(0))


def cut(y):
    return (np.searchsorted(GRID, np.abs(y), side="right") - 1 | np.where(np.signbit(y), 8, 0)).astype(
        np.uint8
    )


def first_columns_right():
    """Return bytes with amaxes over 32 values in all but the first 32 columns. 5"""
    (codes, scales), right = Kernel(amax=by_pairs, s=1)(X), Kernel(s=1)(X)
    codes[:, :16], scales[:, :2] = right[0][:, :16], right[1][:, :2]
    return X, codes, scales


def elements_without_tensor_scale():
    """Return the scales of nvfp4 and codes of x/s. 7"""
    q = fos_ref.quantize(X, "nvfp4")
    value = q.block_scales.view(E4M3).astype(F)
    return X, pack(nearest_code(X.reshape(len(X), -1, 16) / value[..., None]).reshape(SHAPE)), q.block_scales


def unrounded():
    """Return codes made with the block scale before its rounding. 8"""
    blocks = X.reshape(len(X), -1, 16)
    exact = np.abs(blocks).max(-1) / F(6)
    return X, pack(nearest_code(blocks / exact[..., None]).reshape(SHAPE)), Kernel()(X)[1]


def subnormal_as_normal():
    """Return codes under subnormal scales that were decoded as normal ones. 11"""
    x = X.copy()
    x[8:] *= F(2.0**-14)
    q = fos_ref.quantize(x, "nvfp4")
    byte = q.block_scales
    value = byte.view(E4M3).astype(F)
    wrong = np.where((byte > 0) & (byte < 8), F(2.0**-7) * (1 + (byte & 7) / F(8)), value).astype(F)
    with np.errstate(all="ignore"):
        m = np.minimum(F(1) / (wrong * (F(1) / q.encode_scale)), np.finfo(F).max)[..., None]
    y = np.where(wrong[..., None] == 0, F(0), x.reshape(len(x), -1, 16) * m)
    return x, pack(nearest_code(y).reshape(SHAPE)), byte


def signed_amax():
    """Return bytes under max(x) for the tensor amax. 12"""
    x = X.copy()
    x[0, 0] = -9
    return x, *Kernel(s=F(2688) / x.max())(x)


def permuted(order):
    """Return the bytes with rows in another order. 35"""
    codes, scales = Kernel()(X)
    return X, codes[order], scales[order]


def with_codes(change):
    """Return the bytes with changed codes, one a byte. 36"""
    codes, scales = Kernel()(X)
    return X, pack(change(unpack(codes))), scales


def input_rounded():
    """Return the bytes of x rounded to bfloat16 first. 29"""
    return X, *Kernel()(X.astype(BF16))


HALVES = np.r_[16:32, 0:16]
INTERLEAVED = np.arange(32).reshape(2, 16).T.ravel()
ZEROS = np.zeros((32, 128), np.uint8), np.zeros((32, 16), np.uint8)
SITUATIONS = {
    "2 scales up, no tensor scale": (
        (X, *Kernel(s=1, scale=moved_scale(up=True))(X)),
        {"TensorScale", "ScaleCeil"},
    ),
    "3 scales down": ((X, *Kernel(scale=moved_scale(up=False))(X)), {"ScaleFloor"}),
    "5 amaxes over 32 values but in the first columns": (first_columns_right(), {"BlockAmax"}),
    "5 amaxes over 32 values": ((X, *Kernel(amax=by_pairs)(X)), {"BlockAmax"}),
    "6 no tensor scale": ((X, *Kernel(s=1)(X)), {"TensorScale"}),
    "7 no tensor scale in the elements": (elements_without_tensor_scale(), {"NothingWritten"}),
    "8 unrounded scale": (unrounded(), {"UnroundedScale"}),
    "9 S misread as 513.07": ((X, *Kernel(s=513.07)(X)), {"TensorScale"}),
    "9 S misread as next to nothing": ((X, *Kernel(s=2.4e-41)(X)), {"NothingWritten"}),
    "10 all zero": ((X, *ZEROS), {"NothingWritten"}),
    "11 a subnormal scale decoded as a normal one": (subnormal_as_normal(), {"ScaleDecode"}),
    "12 max(x) for the tensor": (signed_amax(), {"TensorScale"}),
    "12 max(x) for the block": ((X, *Kernel(amax=without_sign)(X)), {"BlockAmax"}),
    "17 S is 2688": ((X, *Kernel(s=2688)(X)), {"TensorScale"}),
    "29 the input rounded first": (input_rounded(), {"Unexplained"}),
    "35 halves exchanged": (permuted(HALVES), {"RowPermutation"}),
    "35 rows interleaved": (permuted(INTERLEAVED), {"RowPermutation"}),
    "36 cut toward zero": ((X, *Kernel(code=cut)(X)), {"E2m1Truncation"}),
    "36 sign lost": (with_codes(lambda c: c & 7), {"SignLost"}),
    "36 sign turned": (with_codes(lambda c: c ^ 8), {"SignLost"}),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", SITUATIONS)
def test_situation(name):
    (x, codes, scales), flags = SITUATIONS[name]
    found = check(
        x,
        codes,
        scales,
        recipe="nvfp4",
        amax=2688 if name.startswith("5 amaxes over 32 values but") else None,
    )
    assert set(found.flags) == flags
    assert found.causes[0].blocks >= 0.9 * found.mismatching_blocks or len(flags) > 1


@pytest.mark.long
def test_scale_bytes_an_octave_low():
    """R2: codes all right, every scale byte 8 codes lower, at sizes where a layout loses bytes."""
    for shape in ((16, 256), (32, 128), (8, 512)):
        x = normal(shape, 2)
        q = fos_ref.quantize(x, "te-nvfp4")
        found = check(x, q.codes, (q.block_scales - 8).astype(np.uint8), recipe="te-nvfp4")
        assert found.flags == ("ScaleOffset",)
        assert found.codes["equal"] == found.codes["of"]


@pytest.mark.long
def test_rows_for_the_tensor():
    """17: a scale for each row where the recipe has one for the tensor, and the reverse."""
    for one, other in (("te-nvfp4", "te-nvfp4-row"), ("te-nvfp4-row", "te-nvfp4")):
        q = fos_ref.quantize(X, other)
        assert check(X, q.codes, q.block_scales, recipe=one).flags == ("AmaxPrecision",)
