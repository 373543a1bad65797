"""Causal attention drawn at random: clean variants of many mechanisms, and the same with one leak planted."""

from functools import partial

import ml_dtypes
import numpy as np

from fos_ref.attention import attention
from fos_ref.attention.operand import along_head, along_tokens, mean, mended, running

#: Element and scale formats, searches, other block sizes; the amax is static or there is none.
RECIPES = (
    "nvfp4",
    "4over6",
    "4over6-mae",
    "ocp-mxfp4",
    "torchao-mxfp4-rceil",
    "ocp-mxfp8-e4m3",
    "modelopt-nvfp4",
    "fouroversix-if4-mse",
    "te-nvfp4",
    "razer-4over6",
)
STATIC = np.float32(256)


def _amax(recipe):
    return None if "mxfp" in recipe else STATIC


def _block(recipe):
    return 32 if "mxfp" in recipe else 16


def _rotated(x, signs):
    """Return x after signs and a Hadamard rotation of 16 channels: within a token."""
    out = (x * signs).reshape(len(x), -1, 16)
    for step in (1, 2, 4, 8):
        parts = out.reshape(len(x), -1, 16 // (2 * step), 2, step)
        out = np.concatenate(
            [parts[..., :1, :] + parts[..., 1:, :], parts[..., :1, :] - parts[..., 1:, :]], axis=-2
        )
    return (out.reshape(x.shape) * np.float32(0.25)).astype(np.float32)


def _window(f, width):
    """Return a head whose rows see the last tokens only."""

    def head(q, k, v):
        parts = [slice(max(0, i - width), i + 1) for i in range(len(q))]
        return np.stack([f(q[p], k[p], v[p])[-1] for p in parts])

    return head


def clean(seed, length=40, width=16):
    """Return (head, arrays): a causal head that leaks nothing, and what it takes."""
    rng = np.random.default_rng([seed, 1])
    recipe = RECIPES[seed % len(RECIPES)]
    amax, block = _amax(recipe), _block(recipe)
    keys = [along_head, lambda x, *_: x, lambda x, *_: x - np.float32(0.1)][rng.integers(3)]
    weights = [None, partial(along_head, recipe="te-nvfp4-row"), partial(along_head, recipe="nvfp4")][
        rng.integers(3)
    ]
    kind = rng.integers(4)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), width)
    turn = partial(_rotated, signs=signs) if rng.integers(2) else (lambda x: x)
    dtype = np.dtype([np.float32, ml_dtypes.bfloat16, np.float16][rng.integers(3)])

    def head(q, k, v):
        q, k, v = (x.astype(np.float32) for x in (q, k, v))
        q, k = keys(turn(q), recipe, amax), keys(turn(k), recipe, amax)
        fixed = None
        if kind == 0:
            v = along_head(v, recipe, amax)
        elif kind == 1:
            fixed = mended(v, block, along_tokens(v, recipe, amax))
        elif kind == 2:
            v = running(v, recipe, amax, block)
        return attention(q, k, v, None, fixed, weights=weights).astype(dtype)

    arrays = [(rng.normal(size=(length, width)) * 2.0 ** rng.integers(-3, 4)).astype(dtype) for _ in range(3)]
    return (_window(head, 20) if seed % 25 == 24 else head), arrays


def planted(seed, length=40, width=16):
    """Return (head, arrays, tensor, kind) of a clean head with one leak."""
    head, arrays = clean(seed, length, width)
    rng = np.random.default_rng([seed, 2])
    dtype = arrays[0].dtype
    leak, name = LEAKS[seed % len(LEAKS)], int(rng.integers(3))

    def leaking(*qkv):
        qkv = list(qkv)
        qkv[name] = leak(qkv[name].astype(np.float32)).astype(dtype)
        return head(*qkv)

    return leaking, arrays, "qkv"[name], leak.__name__.strip("_").replace("_", "-")


def _mean(x):
    return x - mean(x)


def _tensor_amax(x):
    return (x / np.max(np.abs(x), initial=np.float32(1e-9))).astype(np.float32)


def _block_scale(x):
    return along_tokens(x, "ocp-mxfp4")


LEAKS = (_mean, _tensor_amax, _block_scale)
