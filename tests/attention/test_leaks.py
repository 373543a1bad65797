"""The leak detector: the twenty schemes pair by pair, clean heads, and functions that are none."""

import sys

import numpy as np
import pytest

from fos_ref.attention import attention, leaks, SCHEMES
from fos_ref.attention.operand import along_tokens
from fos_ref.errors import DtypeError, InputError, ShapeError
from tests.attention.expected import CASES, COUNTS, matrices

#: scheme -> (kind, period); the others are clean.
LEAKING = {
    "mxfp4-v-tokens": ("block-scale", 32),
    "nvfp4-v-tokens": ("block-scale", 16),
    "nvfp4-v-tokens-dynamic": ("tensor-amax", None),
    "nvfp4-v-tokens-dynamic-mended": ("tensor-amax", None),
    "nvfp4-v-head-dynamic": ("tensor-amax", None),
    "4over6-v-tokens": ("block-scale", 16),
    "qk-head-dynamic": ("tensor-amax", None),
    "k-mean": ("mean", None),
    "k-mean-nvfp4": ("mean", None),
    "q-group-mean": ("mean", 32),
}


def drawn(length, width=16, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(length, width)).astype(np.float32) for _ in range(3)]


def test_the_twenty_schemes_have_their_rules():
    assert list(SCHEMES) == list(COUNTS)
    assert len(SCHEMES) == 20
    assert set(CASES) == set(LEAKING)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", list(SCHEMES))
def test_a_scheme_leaks_what_it_leaks(name):
    tokens = [15, 31, 40]
    found = leaks(SCHEMES[name], *drawn(48), tokens=tokens)
    assert (found.kind, found.period) == LEAKING.get(name, (None, None)), str(found)
    assert bool(found) == found.leaks == (name in LEAKING)
    want = matrices(name, 48, tokens)
    for tensor, pairs in found.by_tensor.items():
        assert np.array_equal(pairs, want[tensor]), tensor
        assert (found.kinds[tensor] is not None) == bool(want[tensor].any())


def test_the_mend_of_blocks_does_not_mend_the_tensor_amax():
    """Rows see their own block as it is; an amax of a later block reaches them all the same."""
    found = leaks(SCHEMES["nvfp4-v-tokens-dynamic-mended"], *drawn(48), tokens=[40])
    assert found.by_tensor["v"][:32, 40][16:].any()
    assert not found.by_tensor["v"][:16, 40].any()  # nothing quantized is in them


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", list(COUNTS))
def test_every_pair_of_all_tokens(name):
    length, *want = COUNTS[name]
    found = leaks(SCHEMES[name], *drawn(length))
    assert [int(found.by_tensor[n].sum()) for n in "qkv"] == want
    rules = matrices(name, length, range(length))
    assert all(np.array_equal(found.by_tensor[n], rules[n]) for n in "qkv")


def test_a_choice_of_a_block_under_one_scale():
    """Two grids under a scale that nothing moves; the block takes the nearer one: few values change."""
    grids = [np.float32(0.25), np.float32(0.2)]

    def choose(v):
        out = v.copy()
        for start in range(0, len(v), 16):
            block = v[start : start + 16]
            rounded = [np.clip(np.rint(block / g), -8, 8) * g for g in grids]
            errors = [np.square(np.clip(block, -1, 1) - r).sum(axis=0) for r in rounded]
            out[start : start + 16] = np.where(errors[0] <= errors[1], *rounded)
        return out

    q, k, v = drawn(32)
    found = leaks(lambda q, k, v: attention(q, k, choose(v)), q, k, v + np.float32(1), tokens=[15, 27, 31])
    assert (found.kind, found.period) == ("choice", 16)


def test_attention_with_more_axes_and_other_dtypes():
    q, k, v = (x.astype(np.float16).reshape(1, 32, 16) for x in drawn(32))

    def head(q, k, v):
        return attention(
            *(x[0].astype(np.float32) for x in (q, k)),
            along_tokens(v[0].astype(np.float32), "nvfp4", np.float32(8)),
        )[None]

    assert leaks(head, q, k, v, tokens=[12]).pairs == 12


def test_a_prefix_gives_the_same_rows():
    """The reference itself: the first rows of all tokens are those of the first tokens alone."""
    q, k, v = drawn(40)
    whole, part = attention(q, k, v), attention(q[:24], k[:24], v[:24])
    assert np.array_equal(whole[:24].view(np.uint32), part.view(np.uint32))
    want = [
        np.float64(v[: i + 1]).T @ softmax(np.float64(k[: i + 1]) @ np.float64(q[i]) / 4) for i in range(40)
    ]
    assert np.max(np.abs(whole - want)) < 1e-5


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def test_functions_and_arrays_that_are_none():
    q, k, v = drawn(16)
    calls = iter(range(100))
    shapes = iter([v, v, v, v[:, :3]])
    for f, error, words in (
        (5, InputError, "f 5"),
        (lambda *_: v + np.float32(next(calls)), InputError, "other bits for the same input"),
        (lambda *_: next(shapes), InputError, "for arrays of one shape and dtype"),
        (lambda *_: 1 / 0, InputError, "ZeroDivisionError"),
        (lambda *_: sys.exit(3), InputError, r"SystemExit \(3\)"),
        (lambda *_: v[:3], ShapeError, r"f gives shape \(3, 16\)"),
        (lambda *_: v.astype(np.int32), DtypeError, "int32"),
        (lambda *_: [1.0], DtypeError, "output of f"),
    ):
        with pytest.raises(error, match=words):
            leaks(f, q, k, v)
    with pytest.raises(ShapeError, match="one number of tokens"):
        leaks(attention, q, k[:8], v)
    with pytest.raises(ShapeError, match="tokens, d"):
        leaks(attention, q[0], k, v)
    with pytest.raises(DtypeError, match="float64"):
        leaks(attention, q, k, v.astype(np.float64))
    with pytest.raises(InputError, match="token 16"):
        leaks(attention, q, k, v, tokens=[16])
    with pytest.raises(InputError, match="one of k and v without the other"):
        leaks(attention, q, k)
