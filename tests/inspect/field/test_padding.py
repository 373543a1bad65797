"""Field 2.1 row 17, 1.1 row 19: padding of codes and of swizzled scales, and what stands in it."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.inspect.field.files import write
from tests.inspect.field.judge import equal, judge
from tests.inspect.field.mistakes import swizzled
from tests.inspect.field.parts import count_of_blocks, E4M3, held, layers, modelopt, quantized


def padded(tensors, *, codes=0, scales=0):
    """Pad codes to 208 rows and scales to 256 rows of tiles; return the tensors with bytes in the padding."""
    made = dict(tensors)
    body = np.full((208, made["l.0.weight"].shape[1]), codes, np.uint8)
    body[:200] = made["l.0.weight"]
    s = made["l.0.weight_scale"].view(np.uint8)
    plane = np.full((208, s.shape[1]), scales, np.uint8)
    plane[:200] = s
    return made | {"l.0.weight": body, "l.0.weight_scale": plane.view(E4M3)}


def test_codes_padded_to_whole_tiles_of_rows(tmp_path):
    """2.1 row 17: 200 rows stored as 208 are compared on the 200 that are there."""
    source = layers(1, shape=(200, 64))
    tensors = held(source, modelopt, "nvfp4")
    o = write(tmp_path / "o", source)
    found = judge(write(tmp_path / "q", padded(tensors)), o, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    assert found["findings"]["dialect"]["value"] is not None
    q = write(tmp_path / "dirty", padded(tensors, codes=0x21, scales=0x38))
    judge(q, o, {"l.0.weight": "padding"}, says={"padding": "padding|padded"})


def test_columns_padded_to_whole_blocks(tmp_path):
    source = layers(1, shape=(32, 96))
    wide = np.zeros((32, 128), ml_dtypes.bfloat16)
    wide[:, :96] = source["l.0.weight"]
    o = write(tmp_path / "o", source)
    found = judge(write(tmp_path / "q", held({"l.0.weight": wide}, modelopt, "nvfp4")), o, {})
    assert found["weights"]["l.0.weight"]["equal"] == found["weights"]["l.0.weight"]["blocks"]


@pytest.mark.long
@pytest.mark.parametrize("shape", [(32, 144), (40, 64), (128, 80)])
def test_the_padding_of_swizzled_scales(shape, tmp_path):
    """1.1 row 19, vllm#48898: padding of 128x4 tiles is zero where it is sound, and stale here."""
    source = layers(2, shape=shape)
    tensors = held(source)
    for i in range(2):
        name = f"l.{i}.weight_scale"
        tensors[name] = swizzled(tensors[name].view(np.uint8)).view(E4M3)
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    found = judge(q, o, {})
    assert found["findings"]["scale_layout"]["value"] == "swizzled"
    judge(q, None, {})
    scales = quantized(source["l.1.weight"])[1]
    inside = swizzled(np.full_like(scales, 1)).astype(bool)
    stale = np.where(inside, tensors["l.1.weight_scale"].view(np.uint8), np.uint8(0x5A))
    q = write(tmp_path / "stale", tensors | {"l.1.weight_scale": stale.view(E4M3)})
    for against in (None, o):
        judge(q, against, {"l.1.weight": "padding"}, says={"padding": "padding"})
