"""How the presets of serving programs part from those that were taken for them: counts and witnesses."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.formats.bits import f32_hex
from fos_ref.inputs.distributions import make

ONE = np.float32(1)


@pytest.mark.parametrize(("c", "others"), [(2688, 30), (1536, 34)])
def test_n3i_s_is_another_number_for_a_quarter_of_the_bfloat16_significands(c, others):
    amaxes = np.arange(128, 256).astype(ml_dtypes.bfloat16).astype(np.float32)
    assert np.count_nonzero((ONE / amaxes) * np.float32(c) != np.float32(c) / amaxes) == others


def test_n3i_the_witness():
    x = np.zeros((1, 16), np.float32)
    x[0, 0] = 5
    for dtype in (np.float32, ml_dtypes.bfloat16, np.float16):  # in float32, whatever the input is
        scales = [
            fos_ref.trace(x.astype(dtype), n).encode_scale for n in ("flashinfer-nvfp4", "te-cuda-nvfp4")
        ]
        assert [f32_hex(s) for s in scales] == ["44066667", "44066666"]


def test_a_caller_s_encode_scale_is_no_reciprocal_of_a_reciprocal():
    s = np.linspace(1, 2, 1 << 16, dtype=np.float32)[:-1]
    lost = np.flatnonzero(ONE / (ONE / s) != s)
    assert lost.size == 11185
    given = s[lost[0]]
    t = fos_ref.trace(np.ones((1, 16), np.float32), "flashinfer-nvfp4", encode_scale=given)
    assert f32_hex(t.encode_scale) == f32_hex(given)
    assert f32_hex(t.decode_scale) == f32_hex(ONE / given)


def test_flashinfer_s_default_path_and_its_strict_one_part_by_a_step_of_a_scale():
    x = make("coarse", (256, 128), 0, "bfloat16")
    default, strict = (fos_ref.quantize(x, n) for n in ("flashinfer-default-nvfp4", "flashinfer-nvfp4"))
    steps = default.block_scales.astype(int) - strict.block_scales
    assert set(np.unique(steps)) == {-1, 0}
