"""What public programs do to q, k and v: what leaks, where prefill and decode part, TE's issue 3248."""

import numpy as np
import pytest

from fos_ref.attention import leaks, prefixes, PUBLISHED
from fos_ref.attention.operand import along_tokens
from fos_ref.attention.published.te import issue_3248, MXFP8
from tests.attention.expected import pairs
from tests.attention.test_leaks import drawn

TOKENS = [15, 40]
#: name -> {tensor: (block, first row)}, of 48 tokens: they lie in one group of 128.
RULES = {
    "sageattention3": {"q": (None, 1), "k": (None, 1), "v": (16, 0)},
    "flashinfer-sm120": {"q": (None, 1), "k": (None, 1), "v": (16, 0)},
    "modelopt-prefill": {"v": (16, 0)},
    "flashinfer-paged-kv": {"k": (None, 1), "v": (None, 0)},
    "te-current-scaling": {"q": (None, 0), "k": (None, 0), "v": (None, 0)},
    "te-mxfp8": {"v": (32, 0)},
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", list(PUBLISHED))
def test_a_program_leaks_what_it_leaks(name):
    p = PUBLISHED[name]
    found = leaks(p, *drawn(48), tokens=TOKENS)
    assert found.kind == p.kind, str(found)
    assert "".join(n for n, m in found.by_tensor.items() if m.any()) == p.tensors
    assert set(RULES) == {n for n, p in PUBLISHED.items() if p.kind}
    for tensor, seen in found.by_tensor.items():
        rule = RULES.get(name, {}).get(tensor)
        want = pairs(48, *rule) if rule else np.zeros((48, 48), dtype=bool)
        assert np.array_equal(seen[:, TOKENS], want[:, TOKENS]), tensor


@pytest.mark.long
def test_a_mean_of_queries_ends_with_its_group():
    """Of 144 tokens: query 127 reaches its group of 128 only, query 143 the rows from 128 on."""
    found = leaks(PUBLISHED["flashinfer-sm120"].head, *drawn(144), tokens=[127, 143])
    q, k, v = found.by_tensor.values()
    assert np.flatnonzero(q[:, 127]).tolist() == list(range(1, 127))
    assert np.flatnonzero(q[:, 143]).tolist() == list(range(128, 143))
    assert np.flatnonzero(k[:, 143]).tolist() == list(range(1, 143))
    assert np.flatnonzero(v[:, 143]).tolist() == list(range(128, 143))


@pytest.mark.long
def test_prefill_and_decode_agree_where_a_group_is_complete():
    q, k, v = drawn(40)
    before, after = (PUBLISHED[f"modelopt-{n}"](q, k, v) for n in ("prefill", "decode"))
    equal = (before.view(np.uint32) == after.view(np.uint32)).all(axis=1)
    assert np.flatnonzero(equal).tolist() == [15, 31]
    assert prefixes(PUBLISHED["modelopt-decode"], q, k, v).equal
    parts = prefixes(PUBLISHED["modelopt-prefill"], q, k, v)
    assert parts.rows[16] == parts.rows[32] == ()  # whole groups; nothing of the next one is seen
    assert len(parts.rows[8]) == 8


def test_the_input_of_issue_3248():
    i = issue_3248()
    early = slice(0, i.last + 1)

    def rows(name, v):
        return PUBLISHED[name](i.q, i.k, v)[early].view(np.uint32)

    mx = [rows("te-mxfp8", v) for v in (i.v, i.v_same_block, i.v_next_block)]
    assert np.array_equal(mx[0], mx[2])
    assert np.flatnonzero((mx[0] != mx[1]).any(axis=1)).tolist() == list(range(8))
    assert mx[0][0, 0] == np.float32(2.0**-20).view(np.uint32)
    assert not mx[1][:, 0].any()  # 2^-20 is less than half of the smallest E4M3 times 2^-8
    current = [rows("te-current-scaling", v) for v in (i.v_current, i.v_current_future)]
    assert np.flatnonzero((current[0] != current[1]).any(axis=1)).tolist() == list(range(8))
    for v in (i.v_same_block, i.v_next_block):
        assert np.array_equal(v[: i.last + 1], i.v[: i.last + 1])
    assert np.array_equal(i.v_current_future[: i.last + 1], i.v_current[: i.last + 1])


def test_the_scale_of_mxfp8_goes_up():
    """E8M0_round_up(amax/448): 449 needs a scale of 2, 448 one of 1; both by whole numbers."""
    x = np.zeros((32, 2), dtype=np.float32)
    x[0] = 448, 449
    x[1] = 1, 1
    assert along_tokens(x, MXFP8)[:2].tolist() == [[448, 448], [1, 1]]
    x[1] = 2.0**-9
    assert along_tokens(x, MXFP8)[1].tolist() == [2.0**-9, 0]
