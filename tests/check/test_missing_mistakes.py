"""The mistakes of real reports, by a quantizer of their own: named first, on small tensors too."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.check.flaws.catalogue import catalogue
from fos_ref.check.offsets import offsets
from fos_ref.check.search import Search
from fos_ref.check.subject import subject
from fos_ref.engines.given import Fixed
from fos_ref.inputs.distributions import make
from fos_ref.proof.checker.bugs import BUGS, planted
from fos_ref.verify import check

FLAG_OF = {bug: flag for flag, bugs in BUGS.items() for bug in bugs}
SHOWN = {
    "subnormal-as-normal": ("subnormal-scale", (16, 128)),
    "from-256-as-448": ("normal", (32, 128)),
}
NEW = (
    *("pair-amax", "pair-amax-late", "neighbour-amax", "signed-amax", "half-amax"),
    *("carry-lost", "scale-minus-8", "scale-plus-3", "scale-minus-1"),
    *("unrounded", "subnormal-as-normal", "from-256-as-448", "half-scale", "int-scale"),
    *("truncated", "cut-to-halves", "unsigned", "sign-turned", "sign-turned-but-zero"),
)


SLOW = pytest.mark.exhaustive


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "preset", ["nvfp4", *(pytest.param(p, marks=SLOW) for p in ("4over6", "te-mae-256-row"))]
)
@pytest.mark.parametrize("bug", NEW)
def test_it_is_named_first(bug, preset):
    family, shape = SHOWN.get(bug, ("normal", (8, 128)))
    x = make(family, shape, 3)
    if bug == "pair-amax-late":
        x[0, :32] = x[0, 0]  # of one size: the pair of blocks that is right is no evidence
    found = check(x, *planted(preset, bug)(x), recipe=preset)
    assert found.flags[:1] == (FLAG_OF[bug],)
    assert found.causes[0].blocks == found.mismatching_blocks
    assert found.causes[0].breaks == 0


@pytest.mark.long
@pytest.mark.parametrize(
    ("bugs", "preset"),
    [
        (("carry-lost", "nibbles"), "nvfp4"),
        (("half-scale", "swizzled"), "nvfp4"),
        (("truncated", "scale-up"), "nvfp4"),
        pytest.param(("unrounded", "ties-away"), "nvfp4", marks=SLOW),
        pytest.param(("pair-amax", "scale-up"), "4over6", marks=SLOW),
        pytest.param(("truncated", "metric-mae"), "4over6", marks=SLOW),
        pytest.param(("scale-minus-8", "always-six"), "4over6", marks=SLOW),
        pytest.param(("unsigned", "expand-after"), "4over6", marks=SLOW),
    ],
)
def test_it_combines_with_another(bugs, preset):
    x = make("normal", (64, 128), 4)
    if "ties-away" in bugs:
        x = make("coarse", (64, 128), 4)
    found = check(x, *planted(preset, *bugs)(x), recipe=preset)
    assert {FLAG_OF[b] for b in bugs} == set(found.flags), [c.what for c in found.causes]


def test_codes_of_the_unrounded_scale_under_powers_of_two():
    """MXFP4: the stored scale is a power of two, the codes were made with b/6."""
    r = fos_ref.recipe("fouroversix-mxfp4-static6")
    x = make("normal", (16, 128), 5)
    q = fos_ref.quantize(x, r)
    b = np.abs(x.reshape(-1, 32)).max(axis=1, keepdims=True)
    codes = (x.reshape(-1, 32) / (b / np.float32(6))).astype(ml_dtypes.float4_e2m1fn).view(np.uint8)
    packed = (codes[:, 0::2] | codes[:, 1::2] << 4).reshape(q.codes.shape)
    found = check(x, packed, q.block_scales, recipe=r)
    assert found.flags == ("UnroundedScale",)


@pytest.mark.long
@pytest.mark.parametrize(("by", "follow"), [(5, False), (12, True), (-17, True)])
def test_any_constant_beside_the_scale_bytes_is_found(by, follow):
    x = make("normal", (16, 128), 6)
    a = np.abs(x).max() * 8  # so that no byte gets near the largest
    q = fos_ref.quantize(x, "nvfp4", amax=a)
    scales = (q.block_scales.astype(np.int16) + by).astype(np.uint8)
    codes = q.codes
    if follow:
        s = scales.view(ml_dtypes.float8_e4m3fn).astype(np.float32)
        m = np.float32(1) / (s * (np.float32(1) / (np.float32(2688) / a)))
        y = np.clip(x.reshape(16, 8, 16) * m[..., None], -6, 6)
        nibbles = y.astype(ml_dtypes.float4_e2m1fn).view(np.uint8).reshape(16, 128)
        codes = nibbles[:, 0::2] | nibbles[:, 1::2] << 4
    found = check(x, codes, scales, recipe="nvfp4", amax=a)
    assert found.flags == ("ScaleOffset",)
    assert f"{abs(by)} too {'high' if by > 0 else 'low'}" in found.causes[0].what


def test_bytes_that_are_off_by_nothing_suggest_no_constant():
    x = make("normal", (16, 128), 6)
    s = subject(
        x,
        *planted("4over6", "metric-mae")(x),
        recipe=fos_ref.recipe("4over6"),
        fixed=Fixed(),
        scale_layout="linear",
    )
    search = Search(s.cases(), s.recipe)
    assert offsets(s.cases(), next(iter(search.benches.values()))) == ()


@pytest.mark.sample(1)
@pytest.mark.parametrize("fill", [0, 5, 0x77])
def test_a_nan_scale_is_named_whatever_the_codes_under_it(fill):
    """The amax was 4, the tensor has a 9: the cast does not saturate."""
    x = make("normal", (16, 64), 7)
    x[3, 5] = 9
    q = fos_ref.quantize(x, "modelopt-nvfp4", amax=np.float32(4))
    scales, codes = q.block_scales.copy(), q.codes.copy()
    over = np.abs(x).reshape(16, 4, 16).max(axis=2) / np.float32(6) / np.float32(4 / 2688) > 464
    assert over.any()
    scales[over] = 0x7F
    codes.reshape(16, 4, 8)[over] = fill
    found = check(x, codes, scales, recipe="modelopt-nvfp4", amax=np.float32(4))
    assert found.flags == ("ScaleNaN",)


@pytest.mark.sample(1)
@pytest.mark.parametrize(("stored_only", "words"), [(False, "b/4"), (True, "the codes are those of b/6")])
def test_a_scale_of_a_fourth_is_no_selection(stored_only, words):
    x = make("normal", (16, 128), 8)
    codes, scales = planted("nvfp4", "to-four")(x)
    if stored_only:
        codes = planted("nvfp4")(x)[0]
    found = check(x, codes, scales, recipe="nvfp4")
    assert found.flags == ("AlwaysFour",)
    assert words in found.causes[0].what


@pytest.mark.long
def test_an_even_code_book_has_words_of_its_own():
    x = make("normal", (16, 128), 9)
    q = fos_ref.quantize(x, "nvfp4")
    t = fos_ref.trace(x, "nvfp4")
    y = t.map6.scaled.reshape(16, 128)
    code = np.minimum(np.rint(np.abs(y) / 0.25), 7).astype(np.uint8) | np.where(np.signbit(y), 8, 0).astype(
        "u1"
    )
    found = check(x, code[:, 0::2] | code[:, 1::2] << 4, q.block_scales, recipe="nvfp4")
    assert found.flags == ("Unexplained",)
    assert "E1M2" in found.causes[0].what


@pytest.mark.long
def test_a_tensor_scale_that_is_missing_from_the_elements():
    x = make("normal", (16, 128), 10) * np.float32(700)  # S is near 1: not every code is zero
    codes, scales = planted("nvfp4", "no-elements-scale")(x)
    found = check(x, codes, scales, recipe="nvfp4")
    assert found.flags == ("TensorScale",)
    assert "missing from the elements" in found.causes[0].what


@pytest.mark.parametrize("recipe", ["4over6", "nvfp4", "fouroversix-mxfp4-static6", "fouroversix-nvint4"])
def test_no_two_flaws_have_the_same_words(recipe):
    words = [f.what for f in catalogue(fos_ref.recipe(recipe))]
    assert len(words) == len(set(words))


@pytest.mark.long
@pytest.mark.parametrize("bug", ["bf16-scale", "no-tensor-scale", "amax-signed"])
def test_another_tensor_scale_of_each_row(bug):
    x = make("normal", (16, 128), 11)
    found = check(x, *planted("te-mae-256-row", bug)(x), recipe="te-mae-256-row")
    assert found.flags == ("TensorScale",)
