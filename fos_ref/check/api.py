"""`fos_ref.verify.check`: compare bytes with a recipe and name the mistake that explains a difference."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np

from fos_ref.check.diagnose import diagnosed, equal
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.check.subject import subject
from fos_ref.engines.given import Fixed
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe


class Asked(TypedDict, total=False):
    """The keywords of `check`, for those that hand them on."""

    recipe: Recipe | str
    amax: Any
    tensor_scale: float | None
    encode_scale: Any
    scale_layout: str


def check(
    x: Any,
    codes: Any,
    scales: Any,
    *,
    recipe: Recipe | str = "4over6",
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    scale_layout: str = "linear",
) -> Diagnosis:
    """Compare codes and block scales with what `recipe` makes of x; name the mistake behind a difference.

    Returns a `Diagnosis`: true if every byte is equal, else `causes`, the first block that differs, and the
    closest preset. docs/checker.md says how the mistake is found and what each field means.

    Shapes:   x (..., C) as `quantize` takes it; codes (..., C/2), scales (..., C/16), or flat in that order.
              Scales padded to whole 128x4 tiles and the shapes of the transposed tensor are read too.
    Dtypes:   x float32, float16 or bfloat16; codes and scales uint8 or a one-byte float. NumPy, torch, CuPy,
              JAX, `__array__` or DLPack
    amax, tensor_scale, encode_scale: what the kernel was given, A, D or S, as for `quantize`; at most one
    scale_layout: the layout that was asked for, "linear" or "swizzled"
    Rounding: none; bytes are compared.
    Specials: as in `quantize`: an x that the recipe refuses is an InputError.
    Raises:   RecipeError for an unknown preset, ShapeError, DtypeError, InputError.
    """
    fixed = Fixed(amax, tensor_scale, encode_scale)
    s = subject(x, codes, scales, recipe=get_recipe(recipe), fixed=fixed, scale_layout=scale_layout)
    blocks = len(s.wanted().codes)
    asked = s.asked_reading()
    if asked is not None:
        want = s.wanted()
        different = int(np.count_nonzero(~asked.blocks(s.recipe).equal(want.codes, want.scales[:, 0])))
        if not different:
            return equal(s, blocks)
    return diagnosed(s)
