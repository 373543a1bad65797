"""Small layers and the words that each stack needs."""

import ml_dtypes
import numpy as np

from fos_ref import training
from fos_ref.recipes import recipe

SEED = 0x123456789ABCDEF0
SIGNS = {16: 0x35A7, 128: 0x5DEECE66D0123456789ABCDEF0F1E2D3}
#: Stack -> words; seeds of their own where the program draws anew for each operand.
WORDS = {
    "te": {"dgrad_g": ("te-fused-row", SEED, 0), "wgrad_g": ("te-fused-column", SEED, 0)},
    "te-software": {
        "dgrad_g": ("te-tuned-row", SEED, 0, {"copies": "row"}),
        "wgrad_g": ("te-tuned-row", SEED, 1024, {"copies": "row"}),
    },
    "torchao": {
        "dgrad_g": ("torchao-triton", SEED ^ 1, 5, {"copy": "row"}),
        "wgrad_g": ("torchao-triton", SEED, 7, {"copy": "column"}),
    },
}
#: Stacks whose words' use is known.
KNOWN = [name for name in training.STACKS if name not in ("te", "torchao")]


def sizes(stack):
    """Return T, K and N as small as a stack's maps allow."""
    if training.STACKS[stack].multiple > 16:
        return 128, 128, 128
    return (64, 32, 128) if stack.startswith("te") else (16, 32, 48)


def tensors(stack, seed=0):
    """Return x, w and g of N(0, 1), g small as gradients are."""
    t, k, n = sizes(stack)
    rng = np.random.default_rng(seed)
    dtype = np.float32 if training.STACKS[stack].dtypes == ("float32",) else ml_dtypes.bfloat16
    scales = ((t, k), 1), ((n, k), 0.02), ((t, n), 2.0**-12)
    return tuple((rng.standard_normal(shape) * s).astype(dtype) for shape, s in scales)


def words(stack):
    """Return the words of a stack: of its maps, or recorded ones."""
    for name in sorted(WORDS, key=len, reverse=True):
        if stack.startswith(name):
            return WORDS[name]
    t, k, n = sizes(stack)
    shape = {"dgrad_g": (t, n), "wgrad_g": (n, t), "dgrad_w": (k, n), "wgrad_x": (k, t)}
    found, rng = {}, np.random.default_rng(1)
    for o in training.STACKS[stack].operands:
        r = recipe(o.recipe)
        if not r.stochastic:
            continue
        if o.map is not None:
            found[o.name] = (o.map, SEED + len(found), 0)
            continue
        draws = [rng.integers(0, 1 << 32, shape[o.name], dtype=np.uint32) for _ in range(r.draws)]
        found[o.name] = draws[0] if r.draws == 1 else tuple(draws)
    return found


def layer(stack, **changed):
    """Return a stack's layer."""
    x, w, g = tensors(stack)
    rotations = [o.rotation for o in training.STACKS[stack].operands if o.rotation is not None]
    own = training.STACKS[stack].draws_signs
    signs = SIGNS[rotations[0].size] if own else None
    return training.linear(x, w, g, **{"recipe": stack, "words": words(stack), "signs": signs, **changed})
