"""TransformerEngine's Python reference beside `fos_ref.training.linear`: rotated columns, 16x16 weights.

It has no stochastic rounding, so of g the two amaxes alone are compared: of the rows, and of the rotated
columns.
"""

import numpy as np
import pytest

from fos_ref import training
from fos_ref.inputs.distributions import make
from tests.differential.peers.base import PeerMissing, scale_bytes, to_torch
from tests.differential.peers.te import TransformerEngine

from .bytes import differing, NONE

pytestmark = pytest.mark.peer
SEED = 0x123456789ABCDEF0
SIZES = (512, 640, 384)  #: tokens, inputs, outputs
FAMILIES = ("normal", "student-t3", "outlier-channels", "lognormal")
WORDS = {"dgrad_g": ("te-fused-row", SEED, 3), "wgrad_g": ("te-fused-column", SEED, 3)}


def quantized(x, tile, *, rotate):
    """Return the reference's (codes, scales, amax) of the rows and of the columns."""
    peer = TransformerEngine()
    try:
        module = peer.load()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    q = module.NVFP4QuantizerRef(
        dtype=module.reference_utils.Fp4Formats.E2M1,
        rowwise=True,
        columnwise=True,
        quant_tile_shape=tile,
        with_rht=rotate,
    )
    codes, scales, codes_t, scales_t, amax, amax_t = q._quantize(to_torch(x))
    row = (codes.numpy(), scale_bytes(scales), amax.numpy()[0])
    return row, (codes_t.numpy(), scale_bytes(scales_t), amax_t.numpy()[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_no_byte_of_the_operands_without_random_bits_differs(family):
    t, k, n = SIZES
    x, w, g = (make(family, s, i, "bfloat16") for i, s in enumerate(((t, k), (n, k), (t, n))))
    ours = training.linear(x, w, g, "te-byte-lane", WORDS)
    row, column = quantized(x, (1, 16), rotate=True)
    tile, tile_t = quantized(w, (16, 16), rotate=False)
    theirs = {"fprop_x": row, "wgrad_x": column, "fprop_w": tile, "dgrad_w": tile_t}
    counts = {name: differing(ours.made[name], *got) for name, got in theirs.items()}
    assert counts == dict.fromkeys(theirs, NONE)
    (_, _, amax), (_, _, amax_t) = quantized(g, (1, 16), rotate=True)
    assert (ours.dgrad_g.tensor_amax, ours.wgrad_g.tensor_amax) == (np.float32(amax), np.float32(amax_t))
