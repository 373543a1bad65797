"""The constructed head: a loss below the entropy of its source, and what theory says it must be."""

import numpy as np
import pytest

from fos_ref.attention import attention, losses, SCHEMES
from fos_ref.attention.head import ENTROPY, values
from fos_ref.errors import InputError

#: scheme -> (tokens in a block, whether it leaks)
SHOWN = {
    "unquantized": (32, False),
    "mxfp4-v-head": (32, False),
    "mxfp4-v-tokens": (32, True),
    "nvfp4-v-tokens": (16, True),
    "nvfp4-v-tokens-mended": (16, False),
    "4over6-v-tokens": (16, True),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", list(SHOWN))
def test_a_loss_below_the_entropy_is_a_leak(name):
    block, leaks = SHOWN[name]
    found = losses(name, block=block, tokens=32, sequences=64)
    if leaks:
        assert found.parallel + 10 * found.error < ENTROPY < found.autoregressive
        assert found.bits > 0.5
        assert min(found.by_position) < 2.5
    else:
        assert found.parallel > ENTROPY - 3 * found.error
        assert round(found.autoregressive, 12) == round(found.parallel, 12)  # the same bits, summed otherwise
        assert abs(found.bits) < 0.05


def test_the_outputs_say_which_symbols_the_block_holds():
    """By hand: channel c of token i is 0 exactly where c is another token of the block."""
    drawn = np.random.default_rng(3).integers(0, 32, (1, 32))
    own = np.eye(32, dtype=np.float32) * np.float32(64)
    out = SCHEMES["nvfp4-v-tokens"](own, own, values(drawn))
    for i, token in enumerate(drawn[0]):
        block = set(drawn[0, i // 16 * 16 : i // 16 * 16 + 16])
        assert set(np.flatnonzero(out[i] == 0)) == block - {token}
        assert np.argmax(out[i]) == token
    plain = attention(own, own, values(drawn))
    assert np.array_equal(plain, values(drawn))  # a query sees itself alone


def ideal(block, rng, count=4000):
    """Return the mean loss of the best guess that knows which symbols of the block are still to come.

    By simulation of tokens alone: no head, no table.
    """
    drawn = rng.integers(0, 32, (count, block))
    lost = np.log(32)
    for p in range(block - 1):
        past = [set(row[: p + 1]) for row in drawn]
        rest = [set(row[p + 1 :]) - s for row, s in zip(drawn, past, strict=True)]
        new = np.array([row[p + 1] in r for row, r in zip(drawn, rest, strict=True)])
        sizes = np.array([len(r) for r in rest])
        for size in np.unique(sizes):
            at = sizes == size
            share = new[at].mean()
            seen = np.array([len(s) for s in past])[at]
            told = np.log(max(size, 1) / max(share, 1e-9))
            each = np.where(new[at], told, np.log(seen / max(1 - share, 1e-9)))
            lost += each.mean() * at.mean()
    return lost / block


@pytest.mark.exhaustive
@pytest.mark.parametrize(("name", "block", "published"), [
    ("mxfp4-v-tokens", 32, 2.834), ("nvfp4-v-tokens", 16, 2.224), ("4over6-v-tokens", 16, 2.224)
])  # fmt: skip
def test_the_loss_is_that_of_a_good_decoder(name, block, published):
    """Not below the best guess, and near the published figure of another draw and decoder."""
    found = losses(name, block=block, sequences=512)
    best = ideal(block, np.random.default_rng(1))
    assert best - 4 * found.error < found.parallel < best + 0.05
    assert abs(found.parallel - published) < 0.01


def test_functions_and_numbers_that_do_not_fit():
    small = {"tokens": 16, "sequences": 8}
    assert losses(SCHEMES["unquantized"], **small) == losses("unquantized", **small)
    for arguments, words in (
        (("nvfp4",), "head 'nvfp4': one of unquantized"),
        ((lambda *_: 1 / 0,), "head: ZeroDivisionError"),
        ((lambda *_: np.zeros((2, 2)),), "head: ValueError"),
        ((5,), "head 5"),
    ):
        with pytest.raises(InputError, match=words):
            losses(*arguments, **small)
    with pytest.raises(InputError, match="tokens 40: a multiple of 16"):
        losses("unquantized", tokens=40)
