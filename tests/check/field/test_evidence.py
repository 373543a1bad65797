"""Scales and codes apart, and where: said with every diagnosis, `Unexplained` included."""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.check.evidence.where import where
from fos_ref.verify import check
from tests.check.field.plain import F, Kernel, normal


def pair(blocks):
    """Return amaxes over 32 values."""
    a = np.abs(blocks).max(-1)
    return np.maximum(a[..., 0::2], a[..., 1::2]).repeat(2, axis=-1)


@pytest.mark.long
def test_wide_amaxes_on_all_but_the_first_columns():
    x = normal((64, 256), 1)
    (codes, scales), right = Kernel(amax=pair, s=1)(x), Kernel(s=1)(x)
    codes[:, :16], scales[:, :2] = right[0][:, :16], right[1][:, :2]
    found = check(x, codes, scales, recipe="nvfp4", amax=2688)
    assert found.where == "columns 32.."
    assert found.codes["nearest"] == found.codes["of"] > found.codes["equal"]
    assert found.scales["equal"] == np.count_nonzero(scales == right[1])


def test_a_view_read_as_one_run_is_right_in_row_0():
    buffer = normal((64, 384), 5)
    view = buffer[:, :256]
    wrong = buffer.ravel()[: view.size].reshape(view.shape)
    found = check(view, *Kernel(s=F(2688) / np.abs(view).max())(wrong), recipe="nvfp4")
    assert found.where == "all but row 0"
    assert "where: all but row 0" in str(found)


@pytest.mark.long
def test_the_words_and_the_json_of_a_difference_that_nobody_knows():
    x = normal((32, 128), 6)
    q = fos_ref.quantize(x, "nvfp4")
    rng = np.random.default_rng(0)
    found = check(x, rng.integers(0, 256, q.codes.shape).astype(np.uint8), q.block_scales, recipe="nvfp4")
    assert found.flags == ("Unexplained",)
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["scales"] == {"equal": 256, "of": 256}
    assert set(data["codes"]) == {"equal", "of", "nearest"}
    low, high = data["tensor_scale"]["from_bytes"]
    assert low <= data["tensor_scale"]["expected"] <= high
    assert data["where"] == "every block"
    text = str(found)
    assert "scale bytes: 100 % equal; codes: " in text
    assert len(text.splitlines()) <= 30


@pytest.mark.long
def test_a_kernel_that_kept_float32_where_x_is_bfloat16_gets_no_misleading_hint():
    x = normal((64, 256), 1)
    found = check(x.astype(ml_dtypes.bfloat16), *Kernel()(x), recipe="nvfp4")
    assert found.flags == ("Unexplained",)
    assert found.closest is None
    assert found.codes["nearest"] > 0.999 * found.codes["of"]


@pytest.mark.long
def test_a_preset_that_fits_far_better_is_mentioned_where_no_single_cause_is_complete():
    x = normal((32, 128), 5)
    q = fos_ref.quantize(x, "te-mae-448")
    assert "448" in check(x, q.codes, q.block_scales, recipe="4over6").closest  # two mistakes
    assert check(x, q.codes, q.block_scales, recipe="te-mse-448").closest is None  # one


def region(shape, *parts):
    mask = np.zeros(shape, dtype=np.bool_)
    for part in parts:
        mask[part] = True
    return mask


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([np.s_[:]], "every block"),
        ([np.s_[61:]], "rows 61..63"),
        ([np.s_[5]], "row 5"),
        ([np.s_[1:]], "all but row 0"),
        ([np.s_[:17], np.s_[18:]], "all but row 17"),
        ([np.s_[:, 2:]], "columns 32.."),
        ([np.s_[:, 3]], "columns 48..63"),
        ([np.s_[:, :4]], "columns 0..63"),
        ([np.s_[16:32, 4:8]], "rows 16..31, columns 64..127"),
        ([np.s_[1::2]], "every 2nd row from row 1 on"),
        ([np.s_[3::8]], "every 8th row from row 3 on"),
        ([np.s_[:, 1::4]], "every 4th block of 16 columns from column 16 on"),
        ([np.s_[3, 2], np.s_[40, 9]], None),
    ],
)
def test_regions(parts, words):
    assert where(region((64, 16), *parts), 1, 16) == words


def test_regions_need_not_be_full_but_nothing_may_lie_outside():
    rng = np.random.default_rng(0)
    scattered = rng.random((64, 16)) < 0.4
    assert where(scattered, 1, 16) is None
    scattered[:, :3] = False
    assert where(scattered, 1, 16) == "columns 48.."
    scattered[7, 1] = True
    assert where(scattered, 1, 16) is None
    assert where(np.zeros((4, 4), np.bool_), 1, 16) is None
    assert where(region((4, 16), np.s_[1:]), 16, 16) == "all but rows 0..15"
