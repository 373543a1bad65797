"""Which pairs leak, by rule: who shares a block, who shares an amax, and who cannot tell. No arithmetic."""

import numpy as np


def pairs(length, block=None, first=0):
    """Return (T, T): j later than i, in the same block if there are any, and i from `first` on."""
    i, j = np.indices((length, length))
    together = i < j if block is None else (i < j) & (i // block == j // block)
    return together & (i >= first)


#: scheme -> {tensor: (block, first row that can tell)}; the others are clean. Row 0 has one weight, which is
#: 1 whatever q and k are; rows of the first block see nothing that is quantized where the block is mended.
CASES = {
    "mxfp4-v-tokens": {"v": (32, 0)},
    "nvfp4-v-tokens": {"v": (16, 0)},
    "nvfp4-v-tokens-dynamic": {"v": (None, 0)},
    "nvfp4-v-tokens-dynamic-mended": {"v": (None, 16)},
    "nvfp4-v-head-dynamic": {"v": (None, 0)},
    "4over6-v-tokens": {"v": (16, 0)},
    "qk-head-dynamic": {"q": (None, 1), "k": (None, 1)},
    "k-mean": {"k": (None, 1)},
    "k-mean-nvfp4": {"k": (None, 1)},
    "q-group-mean": {"q": (32, 1)},
}
#: (tokens, pairs of q, k, v) of all tokens.
COUNTS = {
    "unquantized": (96, 0, 0, 0),
    "mxfp4-v-tokens": (96, 0, 0, 1488),
    "mxfp4-v-tokens-mended": (96, 0, 0, 0),
    "mxfp4-v-head": (96, 0, 0, 0),
    "nvfp4-v-tokens": (96, 0, 0, 720),
    "nvfp4-v-tokens-mended": (96, 0, 0, 0),
    "nvfp4-v-tokens-dynamic": (96, 0, 0, 4560),
    "nvfp4-v-tokens-dynamic-mended": (96, 0, 0, 3160),
    "nvfp4-v-tokens-running": (96, 0, 0, 0),
    "nvfp4-v-head-dynamic": (96, 0, 0, 4560),
    "nvfp4-v-head": (96, 0, 0, 0),
    "4over6-v-head": (96, 0, 0, 0),
    "4over6-v-tokens": (96, 0, 0, 720),
    "qk-head": (96, 0, 0, 0),
    "qk-head-dynamic": (64, 1953, 1953, 0),
    "k-mean": (64, 0, 1953, 0),
    "k-mean-nvfp4": (64, 0, 1953, 0),
    "q-group-mean": (64, 961, 0, 0),
    "p-rows": (64, 0, 0, 0),
    "p-tensor": (64, 0, 0, 0),
}


def matrices(name, length, tokens):
    """Return tensor -> (T, T) of a scheme, of the tokens that are changed."""
    changed = np.zeros((length, length), dtype=bool)
    changed[:, list(tokens)] = True
    rules = CASES.get(name, {})
    none = np.zeros((length, length), dtype=bool)
    return {t: pairs(length, *rules[t]) & changed if t in rules else none for t in "qkv"}
