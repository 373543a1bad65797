"""The detector beside its pairs: functions of one array, bits, prefixes, requests, the assertion."""

import numpy as np
import pytest

from fos_ref.attention import attention, capacity, crosstalk, leaks, prefixes, PUBLISHED, SCHEMES
from fos_ref.errors import BitMismatch, InputError, ShapeError
from fos_ref.verify import assert_causal
from tests.attention.test_leaks import drawn


def test_a_function_of_one_array():
    x = drawn(24, 8)[0]
    assert not leaks(lambda x: np.cumsum(x, axis=-2), x)
    found = leaks(lambda x: x - x.mean(axis=-2, keepdims=True), x)
    assert list(found.by_tensor) == ["x"]
    assert (found.kind, found.pairs, found.reach) == ("mean", 24 * 23 // 2, 23)
    found = leaks(lambda x: x / np.abs(x).max(), x, tokens=[20])
    assert found.kind == "tensor-amax"
    assert int(found.by_tensor["x"].sum()) == 20


def test_a_mask_that_is_missing_is_a_sum_of_tokens_to_come():
    def head(q, k, v):
        p = np.exp(q @ k.T / 4)
        return (p @ v) / p.sum(axis=1, keepdims=True)

    found = leaks(head, *drawn(16))
    assert found.kind == "mean"
    assert found.reach == 15


@pytest.mark.long
def test_each_tensor_has_its_own_kind():
    found = leaks(PUBLISHED["flashinfer-sm120"], *drawn(48), tokens=[15, 31, 40])
    assert dict(found.kinds) == {"q": "mean", "k": "mean", "v": "block-scale"}
    assert "v 38 by block-scale" in str(found)


def test_the_highest_bit_that_moves():
    def head(q, k, v):
        out = attention(q, k, v).view(np.uint32)
        later = (np.abs(v).max() > 10).astype(np.uint32)
        return (out ^ (later << 5)).view(np.float32)

    found = leaks(head, *drawn(16), tokens=[9])
    assert (found.bit, found.width, found.pairs) == (5, 32, 9)
    narrow = leaks(lambda q, k, v: head(q, k, v).astype(np.float64), *drawn(16), tokens=[9])
    assert (narrow.width, narrow.bit) == (64, 34)


def test_what_is_written_in_place_is_told():
    q, k, v = drawn(16)
    kept = k.copy()
    found = leaks(PUBLISHED["sageattention3"], q, k, v, tokens=[3])
    assert found.writes == ("k",)
    assert "f changes k in place" in str(found)
    assert np.array_equal(k, kept)  # the detector hands out copies
    assert leaks(PUBLISHED["flashinfer-sm120"], q, k, v, tokens=[3]).writes == ()


@pytest.mark.long
def test_values_that_an_output_takes():
    q, k, v = drawn(16, 16)
    few = {"row": 0, "token": 15, "sweep": 60}

    def three(q, k, v):
        return attention(q, k, v) + np.float32(np.searchsorted([1, 9], np.abs(v[9]).max()))

    assert capacity(three, q, k, v, row=2, token=9) == 3
    one = capacity(lambda *a: SCHEMES["nvfp4-v-tokens"](*a)[:, :1], q, k, v, **few)
    row = capacity(SCHEMES["nvfp4-v-tokens"], q, k, v, **few)
    assert 1 < one < row < 60
    assert capacity(SCHEMES["nvfp4-v-head"], q, k, v, **few) == 1
    assert leaks(three, q, k, v, tokens=[9], sweep=60).bits == np.log2(3)
    assert leaks(three, q, k, v, tokens=[9]).bits is None
    with pytest.raises(InputError, match="row 9 and token 9: a later token"):
        capacity(three, q, k, v, row=9, token=9)
    with pytest.raises(InputError, match="tensor 'x': one of q, k, v"):
        capacity(three, q, k, v, row=1, token=9, tensor="x")


def test_prefixes_of_a_function_that_takes_another_path():
    """No leak: the sums of a long call begin elsewhere. The prefix says so, and `leaks` decides."""

    def tiled(q, k, v):
        out = attention(q, k, v)
        return out if len(q) > 12 else (out * np.float32(1.0000001)).astype(np.float32)

    q, k, v = drawn(16)
    found = prefixes(tiled, q, k, v)
    assert not found
    assert {t for t, rows in found.rows.items() if rows} == set(range(1, 13))
    assert "`leaks` decides" in str(found)
    assert not leaks(tiled, q, k, v)
    assert prefixes(attention, q, k, v).equal
    assert str(prefixes(attention, q, k, v, lengths=[4, 8])) == "2 prefixes give the rows of the whole"


def test_prefixes_that_are_refused():
    def whole_blocks(q, k, v):
        assert len(q) % 8 == 0, "blocks of 8"
        return attention(q, k, v)

    q, k, v = drawn(16)
    found = prefixes(whole_blocks, q, k, v)
    assert found.equal
    assert list(found.rows) == [8]
    assert len(found.refused) == 14
    with pytest.raises(InputError, match="f takes no prefix: f: AssertionError"):
        prefixes(whole_blocks, q, k, v, lengths=[3, 5])
    with pytest.raises(InputError, match=r"length \[\]: none is given: whole numbers from 1 to 16"):
        prefixes(whole_blocks, q, k, v, lengths=[])


def test_requests_of_a_batch():
    q, k, v = (np.stack([drawn(6, 16, seed)[i] for seed in range(3)]) for i in range(3))

    def alone(q, k, v):
        return np.stack([attention(*one) for one in zip(q, k, v, strict=True)])

    assert not crosstalk(alone, q, k, v).any()
    found = crosstalk(PUBLISHED["flashinfer-paged-kv"], q, k, v)
    assert np.array_equal(found, ~np.eye(3, dtype=bool))

    def second_asks_third(q, k, v):
        return alone(q, k, v) + np.abs(k[2]).max() * np.array([0.0, 1.0, 0.0])[:, None, None]

    one_way = crosstalk(second_asks_third, q, k, v)
    assert np.argwhere(one_way).tolist() == [[1, 2]]
    with pytest.raises(ShapeError, match="requests"):
        crosstalk(attention, q[0], k[0], v[0])


def test_the_assertion():
    q, k, v = drawn(32)
    assert_causal(SCHEMES["nvfp4-v-head"], q, k, v, tokens=[20])
    with pytest.raises(
        AssertionError, match=r"leak by block-scale: 15 pairs .*reach 15, in blocks of 16"
    ) as e:
        assert_causal(SCHEMES["nvfp4-v-tokens"], q, k, v, tokens=[31])
    assert isinstance(e.value, BitMismatch)
    with pytest.raises(AssertionError, match="leak by mean"):
        assert_causal(lambda x: x[..., ::-1, :].copy(), q)
