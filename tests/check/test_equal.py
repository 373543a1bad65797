"""`check` on right bytes, on unusable input, and what its answer looks like."""

from __future__ import annotations

import json

import ml_dtypes
import numpy as np
import pytest

import fos_ref
import fos_ref.verify
from fos_ref.check.flags import FLAGS
from fos_ref.errors import DtypeError, InputError, RecipeError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.recipes.recipe import BLOCK
from fos_ref.verify import check
from tests.every import every

X = make("coarse", (32, 64), 5)


def bytes_of(x, recipe="4over6", **given):
    q = fos_ref.quantize(x, recipe, **given)
    return q.codes, q.block_scales


@pytest.mark.long
@every(list(fos_ref.PRESETS))
def test_no_cause_is_named_for_the_bytes_of_a_preset(name):
    r = fos_ref.PRESETS[name]
    found = check(X, *bytes_of(X, name), recipe=name)
    assert found
    assert found.to_dict() == {
        "equal": True,
        "blocks": X.size // (r.block_cols * r.block_rows),
        "mismatching_blocks": 0,
        "causes": [],
        "first": {},
        "scales": {"equal": X.size // r.block_cols, "of": X.size // r.block_cols},
        "codes": {"equal": X.size, "of": X.size},
        "tensor_scale": {"expected": None, "from_bytes": None, "name": None},
        "where": None,
        "notes": [],
    }
    assert "equal, every bit" in str(found)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_inputs_and_more_axes_are_taken(dtype):
    x = make("normal", (4, 64), 1, dtype).reshape(2, 2, 64)
    codes, scales = bytes_of(x)
    assert codes.ndim == 3
    assert check(x, codes, scales, recipe="4over6")
    assert check(x, codes, scales.view(ml_dtypes.float8_e4m3fn), recipe="4over6")


def test_an_empty_tensor_is_equal():
    x = np.zeros((0, BLOCK), np.float32)
    assert check(x, *bytes_of(x)).blocks == 0


def test_the_caller_s_amax_is_used():
    codes, scales = bytes_of(X, amax=7.0)
    assert codes.tobytes() != bytes_of(X)[0].tobytes()
    assert check(X, codes, scales, amax=7.0)


def test_scales_in_the_swizzle_are_equal_where_that_was_asked():
    codes, scales = bytes_of(X)
    assert check(X, codes, fos_ref.swizzle(scales), scale_layout="swizzled")
    found = check(X, codes, scales, scale_layout="swizzled")
    assert found.flags == ("ScaleLayout",)


CODES, SCALES = bytes_of(X)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"codes": CODES[:, :-1]}, ShapeError, "(32, 32)"),
        ({"codes": X}, DtypeError, "codes: dtype float32"),
        ({"codes": "no"}, DtypeError, "codes is a str"),
        ({"codes": np.zeros((32, 63), np.uint8)}, ShapeError, "or one code a byte"),
        ({"scales": SCALES[:-1]}, ShapeError, "32x4 bytes"),
        ({"scales": SCALES.astype(np.float32)}, DtypeError, "scales: dtype float32"),
        ({"x": X[:, :-1]}, ShapeError, "multiple of 16"),
        ({"x": X.astype(np.float64)}, DtypeError, "float64"),
        ({"amax": -1.0}, InputError, "amax -1.0"),
        ({"amax": np.ones(3, np.float32)}, ShapeError, "amax of shape (3,)"),
        ({"recipe": "4over7"}, RecipeError, "did you mean"),
        ({"scale_layout": "diagonal"}, InputError, "linear"),
    ],
)
def test_unusable_input_is_one_clear_error(given, error, words):
    with pytest.raises(error) as e:
        check(**{"x": X, "codes": CODES, "scales": SCALES, "recipe": "4over6", **given})
    assert words in str(e.value)
    assert "\n" not in str(e.value)


def test_a_tile_s_scales_are_asked_for_on_each_row():
    codes, scales = bytes_of(X, "4over6-16x16")
    with pytest.raises(ShapeError, match=r"np\.repeat"):
        check(X, codes, scales[::16], recipe="4over6-16x16")


@pytest.mark.long
def test_a_difference_has_the_fields_of_the_interface():
    codes = CODES.copy()
    codes[3, 2] ^= 0x31
    found = check(X, codes, SCALES, recipe="4over6")
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert list(data) == [
        "equal",
        "blocks",
        "mismatching_blocks",
        "causes",
        "first",
        "scales",
        "codes",
        "tensor_scale",
        "where",
        "notes",
    ]
    assert (data["equal"], data["blocks"], data["mismatching_blocks"]) == (False, 128, 1)
    assert [list(c) for c in data["causes"]] == [["flag", "blocks", "evidence"]]
    assert data["causes"][0]["flag"] == "Unexplained"
    assert data["causes"][0]["flag"] in FLAGS
    assert data["first"]["block"] == [3, 0]
    assert data["first"]["got"]["codes"] != data["first"]["want"]["codes"]


@pytest.mark.long
def test_the_reproducing_line_gives_the_recipe_s_bytes():
    codes = CODES.copy()
    codes[7, 9] ^= 0x10
    first = check(X, codes, SCALES, recipe="4over6").first
    q = eval(first.reproduce(), {"np": np, "fos_ref": fos_ref})  # noqa: S307 -- the line that is printed
    assert (q.block_scales.tobytes().hex().upper(), q.codes.tobytes().hex().upper()) == first.want
    assert first.got[1] == codes[7, 8:16].tobytes().hex().upper()


@pytest.mark.long
def test_the_text_is_short():
    for recipe in ("4over6-16x16", "fouroversix-mxfp4-static6"):
        codes, scales = bytes_of(X, recipe)
        codes[0, 0] ^= 0x11
        text = str(check(X, codes, scales, recipe=recipe))
        assert len(text.splitlines()) <= 30
