"""The layer that Quartet II's repository calls NVIDIA's beside `fos_ref.training.linear`."""

import numpy as np
import pytest

import fos_ref
from fos_ref import training
from fos_ref.formats import decode, E2M1, E4M3
from fos_ref.inputs.distributions import make
from fos_ref.storage.layout import unpack_nibbles

from .programs import QUARTET2_NVIDIA

pytestmark = pytest.mark.peer
SEED = 900
SIZES = (128, 256, 64)  #: tokens, inputs, outputs
FAMILIES = ("normal", "student-t5")
#: Rounded stochastically: the seed is the next one at each call.
DRAWN = {"dgrad_g": ("quartet2-simulator", SEED, 0), "wgrad_g": ("quartet2-simulator", SEED + 1, 0)}


def coarse(family, shape, seed):
    """Return values in sixteenths: then no order of the rotation's sums changes a bit."""
    return (np.clip(np.round(make(family, shape, seed, "float32") * 16), -127, 127) / 16).astype(np.float32)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_element_of_its_operands_differs(tmp_path, family):
    t, k, n = SIZES
    x, w, g = (coarse(family, shape, i) for i, shape in enumerate(((t, k), (n, k), (t, n))))
    theirs = QUARTET2_NVIDIA.run(tmp_path, x=x, w=w, g=g, seed=SEED)
    signs = theirs["signs"].astype(int)
    assert set(np.abs(signs)) == {1}
    ours = training.linear(x, w, g, "quartet2-simulator-nvidia", DRAWN, signs=signs)
    for name in ("fprop_x", "dgrad_g", "wgrad_g", "wgrad_x"):
        made, q = ours.made[name], ours.made[name].tensor
        assert np.array_equal(made.values, theirs[f"{name}_input"].reshape(q.shape)), name
        elements = decode(unpack_nibbles(q.codes), E2M1)
        assert int((elements.reshape(-1, 16) != theirs[f"{name}_six_elements"]).sum()) == 0, name
        assert int((q.block_scales.reshape(-1) != theirs[f"{name}_six_scales"]).sum()) == 0, name
        if name in DRAWN:
            assert int((fos_ref.dequantize(q) != theirs[f"{name}_values"].reshape(q.shape)).sum()) == 0, name
    check_weights(ours, theirs)


def check_weights(ours, theirs):
    """The bound for tiles is 447.99 there, 448 here: another tensor scale, and the same codes."""
    q = ours.fprop_w
    elements = decode(unpack_nibbles(q.codes), E2M1).astype(np.float32)
    d = q.tensor_amax / np.float32(447.99) / np.float32(6)
    scales = np.repeat(decode(q.block_scales, E4M3).astype(np.float32) * d, 16, axis=1)
    assert int((elements * scales != theirs["fprop_w_values"]).sum()) == 0
    assert int((decode(unpack_nibbles(ours.dgrad_w.codes), E2M1) != elements.T).sum()) == 0
    assert np.array_equal(theirs["dgrad_w_values"], theirs["fprop_w_values"].T)
