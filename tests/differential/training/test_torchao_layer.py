"""torchao's own kernels beside `fos_ref.training.linear`: six operands of a layer, every byte."""

import numpy as np
import pytest

from fos_ref import training, unswizzle
from fos_ref.inputs.distributions import make
from fos_ref.rotate import SIGNS_H16, signs_of

from .bytes import differing, NONE
from .figures import note, Ran
from .programs import TORCHAO

pytestmark = pytest.mark.peer
RAN = Ran("torchao (Triton interpreted, cvt.rs stood in for)", TORCHAO.version)
SEED, COLUMN_OFFSET, ROW_OFFSET = 0x123456789ABC, 77, 0x1_0000_0063
#: Operand -> the program's tensor and copy of it.
COPIES = {
    "fprop_x": "x_row",
    "wgrad_x": "x_column",
    "fprop_w": "w_row",
    "dgrad_w": "w_column",
    "dgrad_g": "g_row",
    "wgrad_g": "g_column",
}
#: family, (tokens, inputs, outputs), tile, signs, how cvt.rs takes its bits
CASES = [
    ("normal", (256, 384, 128), (128, 128), SIGNS_H16, "byte-lane"),
    ("student-t3", (256, 256, 1280), (256, 128), 0x1234, "byte-lane"),
    ("normal", (128, 256, 2304), (128, 256), 0, "byte-lane"),
    ("outlier-channels", (256, 256, 256), (256, 256), 0xFFFF, "pair-reversed"),
]


def bits_of(tile):
    """Return the words of both copies of g: the rows' seed is the columns' but for its lowest bit."""
    options = {"tile_tokens": tile[0], "tile_features": tile[1]}
    return {
        "dgrad_g": ("torchao-triton", SEED ^ 1, ROW_OFFSET, options | {"copy": "row"}),
        "wgrad_g": ("torchao-triton", SEED, COLUMN_OFFSET, options | {"copy": "column"}),
    }


@pytest.mark.parametrize("case", CASES)
def test_no_byte_of_a_layer_s_six_operands_differs(tmp_path, case, evidence):
    family, (t, k, n), tile, signs, feed = case
    shapes = {"x": (t, k), "w": (n, k), "g": (t, n)}
    given = {name: make(family, shape, i, "bfloat16") for i, (name, shape) in enumerate(shapes.items())}
    theirs = TORCHAO.run(
        tmp_path,
        **{name: a.view(np.uint16) for name, a in given.items()},
        feed=feed.replace("pair", "pair-bit"),
        tile_tokens=tile[0],
        tile_features=tile[1],
        signs=signs_of(signs, 16),
        state=np.array([SEED, COLUMN_OFFSET, SEED ^ 1, ROW_OFFSET]),
    )
    ours = training.linear(**given, recipe=f"torchao-{feed}", words=bits_of(tile), signs=signs)
    counts = {}
    for name, copy in COPIES.items():
        made = ours.made[name]
        scales = unswizzle(theirs[f"{copy}_scales"], *made.tensor.block_scales.shape)
        counts[name] = differing(made, theirs[f"{copy}_codes"], scales, theirs[f"{copy}_amax"][0])
        codes, scales, _ = counts[name]
        compared = made.tensor.codes.size * 2, family, "bfloat16"
        note(evidence, made.tensor.recipe.name, RAN, compared, codes=codes, block_scales=scales)
    assert counts == dict.fromkeys(COPIES, NONE)
