"""Padding bytes of the swizzled layout: a note, exit 1 where that was asked for, a trial in conformance."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fos_ref
from fos_ref.cli import run
from fos_ref.verify import check, conformance
from tests.check.field.plain import normal

X = normal((64, 144), 1)
RNG = np.random.default_rng(2)


def padded(scales, byte):
    """Return swizzled scales with padding of one byte, or of random ones."""
    used = fos_ref.swizzle(np.ones_like(scales))
    rest = RNG.integers(1, 0x7F, used.shape) if byte is None else np.full(used.shape, byte)
    return np.where(used == 1, fos_ref.swizzle(scales), rest).astype(np.uint8)


@pytest.mark.parametrize(("byte", "nan"), [(0x7F, 960), (0xFF, 960), (0x38, 0), (None, 0)])
def test_padding_that_is_not_zero_is_a_note_beside_equal(byte, nan):
    q = fos_ref.quantize(X, "nvfp4")
    found = check(X, q.codes, padded(q.block_scales, byte), recipe="nvfp4", scale_layout="swizzled")
    assert found.equal
    assert found.to_dict()["notes"] == [{"note": "ScalePadding", "bytes": 960, "nan": nan, "of": 960}]
    assert "ScalePadding: 960 of 960 padding bytes are not zero" in str(found)


def test_zeros_and_other_layouts_have_no_note():
    q = fos_ref.quantize(X, "nvfp4")
    assert check(X, q.codes, padded(q.block_scales, 0), recipe="nvfp4", scale_layout="swizzled").notes == ()
    assert check(X, q.codes, q.block_scales, recipe="nvfp4").notes == ()


@pytest.mark.long
def test_the_note_stands_beside_causes_too():
    q = fos_ref.quantize(X, "nvfp4")
    found = check(
        X, q.codes ^ np.uint8(1), padded(q.block_scales, 0x7F), recipe="nvfp4", scale_layout="swizzled"
    )
    assert not found.equal
    assert found.notes[0].nan == 960


def test_strict_exits_1(tmp_path, capsys):
    q = fos_ref.quantize(X, "nvfp4")
    arrays = {
        "x": X,
        "codes": q.codes,
        "bad": padded(q.block_scales, 0x7F),
        "good": padded(q.block_scales, 0),
    }
    for name, a in arrays.items():
        np.save(tmp_path / f"{name}.npy", a)

    def checked(scales, *options):
        names = [str(tmp_path / f"{n}.npy") for n in ("x", "codes", scales)]
        return run(["check", *names, "--recipe", "nvfp4", "--scale-layout", "swizzled", *options])

    assert checked("bad") == 0
    assert "960 of them NaN" in capsys.readouterr().out
    assert checked("bad", "--strict", "--json") == 1
    assert json.loads(capsys.readouterr().out)["equal"] is True
    assert checked("good", "--strict") == 0


def test_a_kernel_that_leaves_padding_fails_trials_of_its_own():
    def kernel(byte):
        def f(x):
            q = fos_ref.quantize(x, "nvfp4")
            return q.codes, padded(q.block_scales, byte)

        options = {"groups": ["tensors"], "shapes": ((3, 48), (128, 64)), "dtypes": ("float32",)}
        return conformance(f, "nvfp4", scale_layout="swizzled", **options)

    clean, stale = kernel(0), kernel(None)
    assert clean.equal
    assert (clean.groups["padding"].trials, clean.groups["padding"].failed) == (2, 0)
    assert not stale.equal
    assert (stale.groups["padding"].failed, stale.groups["tensors"].failed) == (2, 0)
    assert "padding bytes are not zero" in str(stale)
