"""What putting the presets behind the peers' own tests found: each mismatch with its witness or counts."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.formats import encode, UE4M3
from fos_ref.formats.bits import f32_hex
from fos_ref.inputs.distributions import make
from fos_ref.model.candidates import e4m3_half_up

ONE = np.float32(1)
SIXTH = np.float32(1 / 6)


def codes(x, name, **given) -> list[int]:
    """Return the codes of the first row."""
    packed = fos_ref.quantize(x, name, **given).codes[0]
    return [int(c) for byte in packed for c in (byte & 0xF, byte >> 4)]


def first(values, cols=32) -> np.ndarray:
    """Return one row that begins with the values and is zero elsewhere."""
    x = np.zeros((1, cols), np.float32)
    x[0, : len(values)] = values
    return x


# --- FlashInfer: plain NVFP4 is not TransformerEngine's --------------------------------------------------


def flashinfer_s_own_scales(x) -> np.ndarray:
    """Return S*(b*RN(1/6)) in E4M3, S = RN(RN(1/A)*2688): the reference beside FlashInfer's kernels."""
    magnitudes = np.abs(x.astype(np.float32)).reshape(len(x), -1, 16)
    encode = (ONE / magnitudes.max()) * np.float32(2688)
    base = encode * (magnitudes.max(axis=-1) * SIXTH)
    return np.minimum(base, np.float32(448)).astype(ml_dtypes.float8_e4m3fn).view(np.uint8)


@pytest.mark.parametrize("shape", [(256, 128), (200, 256)])
@pytest.mark.parametrize("name", ["normal", "coarse"])
def test_flashinfer_s_default_path_is_a_preset_and_te_cuda_nvfp4_is_not_it(name, shape):
    x = make(name, shape, 0, "bfloat16")
    default, te = (fos_ref.quantize(x, n) for n in ("flashinfer-default-nvfp4", "te-cuda-nvfp4"))
    assert np.array_equal(default.block_scales, flashinfer_s_own_scales(x))
    assert np.array_equal(default.block_scales, te.block_scales) == (name == "normal")


def test_flashinfer_s_default_path_and_its_strict_one_part_by_a_step_of_a_scale():
    x = make("coarse", (256, 128), 0, "bfloat16")
    default, strict = (fos_ref.quantize(x, n) for n in ("flashinfer-default-nvfp4", "flashinfer-nvfp4"))
    steps = default.block_scales.astype(int) - strict.block_scales
    assert set(np.unique(steps)) == {-1, 0}


def test_flashinfer_s_release_changed_what_a_scale_byte_of_zero_makes_of_a_block():
    """Plain NVFP4 from 0.7.4 on gives signed zeros; 4/6 in the pinned commit divides by zero."""
    x = first([1e-7, -1e-7, *[0] * 14, 2.87])
    assert codes(x, "flashinfer-default-nvfp4")[:3] == [0, 8, 0]
    assert codes(x, "flashinfer-default-mse-448")[:2] == [7, 15]


# --- S = RN(RN(1/A)*C), and an S that the caller gives ---------------------------------------------------


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


def test_a_reciprocal_of_a_reciprocal_is_another_s_for_one_in_seven():
    s = np.exp2(np.linspace(-10, 20, 1 << 18)).astype(np.float32)
    assert f"{np.mean(ONE / (ONE / s) != s):.2f}" == "0.14"


# --- vLLM: a scale of zero counts as 1e8 -----------------------------------------------------------------


def test_vllm_s_emulation_gives_signed_zeros_under_a_scale_of_zero_and_its_forerunner_none():
    x = first([*[1e-7, -1e-7] * 8, 2.87])
    assert codes(x, "vllm-nvfp4-emulation")[:16] == [0, 8] * 8
    assert codes(x, "auto-round-nvfp4")[:16] == codes(x, "4over6")[:16] == [0] * 16


# --- llama.cpp: the scale cast with a hole -----------------------------------------------------------------


def ggml_scale(base) -> int:
    """Return the scale byte of a block whose amax is 6 * base, b/6 being base again."""
    return int(fos_ref.quantize(first([6 * base], cols=16), "ggml-nvfp4").block_scales[0, 0])


@pytest.mark.parametrize(
    ("base", "ggml", "nearest"),
    [
        *((248.0, 0x7E, 0x78), (256.0, 0x7E, 0x78), (300.0, 0x7E, 0x79), (240.0, 0x77, 0x77)),
        *((2.0**-10, 0x01, 0x00), (float.fromhex("0x1.4p-8"), 0x03, 0x02), (7.5 * 2**-9, 0x07, 0x08)),
    ],
)
def test_llama_cpp_s_scale_cast_at_its_witnesses(base, ggml, nearest):
    assert (ggml_scale(base), int(encode(np.float32([base]), UE4M3)[0])) == (ggml, nearest)


def test_llama_cpp_s_scale_cast_is_another_for_1852_of_half_a_million_patterns():
    base = (np.arange(0x7F800, dtype=np.uint32) << 12).view(np.float32)
    mine, _ = e4m3_half_up(base)
    differ = mine != encode(base, UE4M3)
    hole = base >= 248
    assert np.count_nonzero(differ & hole) == 1536
    assert set(mine[hole]) == {0x7E}
    assert not set(mine) & set(range(0x78, 0x7E))
    carries = (base >= 7.5 * 2**-9) & (base < 2**-6)
    assert (np.count_nonzero(differ & carries), np.count_nonzero(differ & ~hole & ~carries)) == (256, 60)


# --- MX --------------------------------------------------------------------------------------------------


def test_an_mx_recipe_has_a_tensor_amax_and_no_tensor_scale():
    """Who hands `tensor_amax` to a peer's dequantizer gets other values: there it is 1."""
    x = first([3, -5])
    q, t = (f(x, "fouroversix-mxfp4-static6") for f in (fos_ref.quantize, fos_ref.trace))
    assert (q.tensor_amax, t.encode_scale, t.decode_scale) == (5, 1, 1)
    assert np.array_equal(fos_ref.dequantize(q)[0, :2], [3, -4])


def test_torchao_s_rceil_keeps_the_sign_of_a_zero_that_fouroversix_drops():
    x = first([1, -0.0, -1e-3])
    assert codes(x, "torchao-mxfp4-rceil")[:3] == [6, 8, 8]
    assert codes(x, "fouroversix-mxfp4-static6")[:3] == [6, 0, 8]
    plain = make("normal", (64, 64), 0)
    a, b = (fos_ref.quantize(plain, n) for n in ("torchao-mxfp4-rceil", "fouroversix-mxfp4-static6"))
    assert np.array_equal(a.codes, b.codes)
    assert np.array_equal(a.block_scales, b.block_scales)
