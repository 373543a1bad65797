"""fouroversix's PyTorch path beside `fos_ref.training.linear`: six operands of a layer, by its own draws."""

import numpy as np
import pytest

from fos_ref import training
from fos_ref.inputs.distributions import make
from tests.differential.peers.base import PeerMissing, scale_bytes, to_torch
from tests.differential.peers.fouroversix_checkout import FOLDER, FourOverSixCheckout, VARIABLE
from tests.differential.peers.standins import load_file

from .bytes import differing, NONE
from .figures import note, Ran

pytestmark = pytest.mark.peer
RAN = Ran("fouroversix", FourOverSixCheckout.version)
DRAWN = 24  #: bits of a float32 of torch.rand
ROW, COLUMN = 11, 12  #: seeds of torch's generator
SIZES = (512, 384, 640)  #: tokens, inputs, outputs
FAMILIES = ("normal", "student-t3", "outlier-channels")
#: Operand -> tensor, transposed and rotated, seed where it is rounded stochastically.
OPERANDS = {
    "fprop_w": ("w", False, False, None),
    "fprop_x": ("x", False, False, None),
    "dgrad_g": ("g", False, False, ROW),
    "dgrad_w": ("w", True, False, None),
    "wgrad_g": ("g", True, True, COLUMN),
    "wgrad_x": ("x", True, True, None),
}
#: Stack -> rule, candidates that draw.
STACKS = {"fouroversix": ("static_6", 1), "fouroversix-4over6": ("mse", 2)}


@pytest.fixture(scope="module")
def peer():
    """The reference of the commit, and its rotation's matrix."""
    import os  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    try:
        module = FourOverSixCheckout().load()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    path = Path(os.environ[VARIABLE]) / FOLDER / "quantize/utils.py"
    return module, load_file("fouroversix_quantize_utils", path).get_rht_matrix(device="cpu")


def words(shape, seed, candidates):
    """Return what torch.rand_like gives for a tensor in blocks, as words: one tensor for each candidate."""
    import torch  # noqa: PLC0415

    torch.manual_seed(seed)
    drawn = [torch.rand(shape[0] * shape[1] // 16, 16).numpy().reshape(shape) for _ in range(candidates)]
    each = [(np.ldexp(u, DRAWN).astype(np.uint32) << np.uint32(32 - DRAWN)) for u in drawn]
    return each[0] if candidates == 1 else tuple(each)


def theirs(peer, tensor, operand, rule):
    """Return the reference's codes, scales and amax of an operand."""
    import torch  # noqa: PLC0415

    module, matrix = peer
    _, turned, rotated, seed = OPERANDS[operand]
    style = "nearest" if seed is None else "stochastic_unbiased"
    if seed is not None:
        torch.manual_seed(seed)
    codes, scales, amax = module.quantize(
        to_torch(tensor),
        None,
        matrix if rotated else None,
        round_style=module.RoundStyle(style),
        scale_rule=module.ScaleRule(rule),
        transpose=turned,
        use_blackwell_scale_layout=False,
    )
    return codes.numpy(), scale_bytes(scales), amax.numpy()


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("family", FAMILIES)
def test_no_byte_of_a_layer_s_six_operands_differs(peer, stack, family, evidence):
    rule, candidates = STACKS[stack]
    t, k, n = SIZES
    x, w, g = (make(family, s, i, "bfloat16") for i, s in enumerate(((t, k), (n, k), (t, n))))
    bits = {"dgrad_g": words((t, n), ROW, candidates), "wgrad_g": words((n, t), COLUMN, candidates)}
    ours = training.linear(x, w, g, stack, bits)
    tensors = {"x": x, "w": w, "g": g}
    got = {name: theirs(peer, tensors[o[0]], name, rule) for name, o in OPERANDS.items()}
    counts = {name: differing(ours.made[name], *bits) for name, bits in got.items()}
    for name, (codes, scales, _) in counts.items():
        q = ours.made[name].tensor
        if q.recipe.stochastic:
            compared = q.codes.size * 2, family, "bfloat16"
            note(evidence, q.recipe.name, RAN, compared, codes=codes, block_scales=scales)
    assert counts == dict.fromkeys(OPERANDS, NONE)
