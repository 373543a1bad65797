"""ggml's blocks: the package's own decoder gives the values of our codes and block scales, bit for bit."""

from __future__ import annotations

import gguf
import numpy as np
import pytest

import fos_ref
from fos_ref.errors import ShapeError
from fos_ref.formats.catalog import E2M1, E4M3, E8M0
from fos_ref.formats.codec import decode
from fos_ref.storage.gguf_blocks import BLOCK_FORMS, join_mxfp4, join_nvfp4, split_mxfp4, split_nvfp4
from fos_ref.storage.layout import unpack_nibbles
from tests.every import every

TYPES = {n: gguf.GGMLQuantizationType[n] for n in BLOCK_FORMS}
SCALES = {"NVFP4": E4M3, "MXFP4": E8M0}


def raw(name: str, rows: int = 64, groups: int = 4, seed: int = 3) -> np.ndarray:
    """Return rows of random bytes."""
    width = groups * BLOCK_FORMS[name].nbytes
    return np.random.default_rng(seed).integers(0, 256, (rows, width), dtype=np.uint8)


def theirs(name: str, data: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # the largest powers of two
        return gguf.dequantize(data, TYPES[name])


def ours(name: str, data: np.ndarray) -> np.ndarray:
    """Return E2M1 x block scale, with +0 for code 8."""
    codes, scales = BLOCK_FORMS[name].split(data)
    values = decode(unpack_nibbles(codes), E2M1) + 0.0
    factors = np.repeat(decode(scales, SCALES[name]), BLOCK_FORMS[name].block, axis=-1)
    with np.errstate(over="ignore"):
        return (values * factors).astype(np.float32)


@every(list(BLOCK_FORMS))
def test_sizes_are_the_package_s(name):
    assert gguf.GGML_QUANT_SIZES[TYPES[name]] == (BLOCK_FORMS[name].values, BLOCK_FORMS[name].nbytes)


def bits(a: np.ndarray) -> np.ndarray:
    assert a.dtype == np.float32
    return a.view(np.uint32)


def test_every_finite_scale_with_every_code_decodes_as_the_package_decodes_it():
    """NVFP4: 0x00 to 0x7E; MXFP4: 0 to 254. Each with all 16 codes in all places."""
    for name, last in (("NVFP4", 0x7E), ("MXFP4", 254)):
        form = BLOCK_FORMS[name]
        data = raw(name, 512, 4)
        groups = data.reshape(-1, form.nbytes)
        groups[:, : form.scales] = (np.arange(len(groups) * form.scales) % (last + 1)).reshape(
            -1, form.scales
        )
        assert np.array_equal(bits(ours(name, data)), bits(theirs(name, data)))
        codes, scales = form.split(data)
        each = unpack_nibbles(codes).reshape(-1, form.block).astype(int)
        pairs = {(s, c) for s, row in zip(scales.reshape(-1), each, strict=True) for c in row}
        assert len(pairs) == 16 * (last + 1)


def test_what_ggml_makes_of_the_other_scales_is_as_the_docstring_says():
    data = np.zeros((1, 36), np.uint8)
    data[0, :4], data[0, 4:] = (0x7F, 0x80, 0xB8, 0xFF), 0x22  # all codes are 1
    assert theirs("NVFP4", data).reshape(4, 16)[:, 0].tolist() == [0, 0, 1, 480]
    one = np.full((1, 17), 0x11, np.uint8)  # all codes are 0.5
    one[0, 0] = 255
    assert theirs("MXFP4", one)[0, 0] == 2.0**127
    one[0, 1:] = 0x22
    assert theirs("MXFP4", one)[0, 0] == np.inf
    data[0, :4], data[0, 4:] = 0x38, 0x88  # -0
    assert not np.signbit(theirs("NVFP4", data)).any()


@every(list(BLOCK_FORMS))
def test_taken_apart_and_put_together_are_the_same_bytes(name):
    data, form = raw(name), BLOCK_FORMS[name]
    codes, scales = form.split(data)
    assert (codes.dtype, scales.dtype) == (np.uint8, np.uint8)
    columns = 4 * form.values
    assert codes.shape == (64, columns // 2)
    assert scales.shape == (64, columns // form.block)
    assert codes.flags.c_contiguous
    assert np.array_equal(form.join(codes, scales), data)
    stacked = data.reshape(4, 16, -1)
    assert np.array_equal(form.split(stacked)[0], codes.reshape(4, 16, -1))
    assert np.array_equal(form.join(*form.split(stacked)), stacked)
    assert np.array_equal(form.join(*form.split(data[:0])), data[:0])
    assert np.array_equal(form.join(*form.split(data[:, :0])), data[:, :0])
    assert [a.size for a in form.split(data[:0])] == [0, 0]


def test_the_order_of_elements_is_as_the_docstring_says():
    elements = np.arange(64, dtype=np.uint8) % 16
    data = np.zeros(36, np.uint8)
    data[:4] = (1, 2, 3, 4)
    for s in range(4):
        for j in range(8):
            data[4 + 8 * s + j] = elements[16 * s + j] | elements[16 * s + j + 8] << 4
    codes, scales = split_nvfp4(data[None])
    assert unpack_nibbles(codes)[0].tolist() == elements.tolist()
    assert scales.tolist() == [[1, 2, 3, 4]]
    assert np.array_equal(join_nvfp4(codes, scales), data[None])
    data = np.zeros(17, np.uint8)
    data[0] = 9
    data[1:] = elements[:16] | elements[16:32] << 4
    codes, scales = split_mxfp4(data[None])
    assert unpack_nibbles(codes)[0].tolist() == elements[:32].tolist()
    assert scales.tolist() == [[9]]
    assert np.array_equal(join_mxfp4(codes, scales), data[None])


def test_our_tensors_in_ggml_s_blocks_have_our_values():
    """As the converter writes them: the bytes of a quantized weight, and its tensor scale beside.

    The tensor scale is a power of two: others round otherwise, because ggml multiplies by it last.
    """
    x = np.random.default_rng(1).standard_normal((32, 128)).astype(np.float32)
    x[3, 5] = 2688 / 512
    q = fos_ref.quantize(x, "modelopt-nvfp4")
    values = theirs("NVFP4", join_nvfp4(q.codes, q.block_scales))
    whole = values * np.float32(q.decode_scale) + np.float32(0)
    assert np.array_equal(bits(whole), bits(fos_ref.dequantize(q) + np.float32(0)))


def test_what_does_not_fit_is_one_line():
    for name, form in BLOCK_FORMS.items():
        for data in (raw(name)[:, 1:], np.uint8(3)):
            with pytest.raises(ShapeError, match="a last axis of whole blocks of"):
                form.split(np.asarray(data))
        codes, scales = form.split(raw(name))
        with pytest.raises(ShapeError, match="a last axis of whole blocks of"):
            form.join(codes[:, 1:], scales)
        with pytest.raises(ShapeError, match=r"codes .* and block scales"):
            form.join(codes[1:], scales)
