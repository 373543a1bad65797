"""Random segments by seed: what they are made of, and that the first are the same however many are drawn."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from fos_ref.errors import InputError
from fos_ref.matmul.units import mac, segments


def parts(b):
    return (b.a, b.w, b.a_scale, b.w_scale, b.first, b.enable)


def digest(beats):
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts(beats))).hexdigest()


def test_they_are_these():
    """NumPy's generators keep their streams, so these bytes are the same everywhere."""
    assert digest(segments(200, 1)) == "1b3cf12b5320d34b51d5509534c64e0569164e3ee6a9e6ceded6ec2b9984bb87"


def test_the_first_ones_do_not_depend_on_how_many_there_are():
    few, many = segments(50, 3), segments(300, 3)
    ends = np.flatnonzero(few.first & few.enable)
    stop = ends[-1]  # what ends the last one may differ in its codes
    for p, q in zip(parts(few), parts(many), strict=True):
        on = few.enable[:stop]
        assert np.array_equal(p[:stop][on], q[:stop][on])
    assert np.array_equal(few.enable, many.enable[: len(few.enable)])


def test_every_code_every_byte_gaps_and_short_segments():
    b = segments(2000, 0)
    on = b.enable
    for codes in (b.a, b.w):
        assert set(np.unique(codes[on])) == set(range(16))
    for scale in (b.a_scale, b.w_scale):
        assert len(np.unique(scale[on])) == 256
    starts = np.flatnonzero(b.first & on)
    assert len(starts) == 2001
    assert 0 < (~on).mean() < 0.3
    assert b.first[~on].any()  # a `first` that does not count
    beats = np.diff(np.flatnonzero(b.first[on]))
    assert (beats.min(), beats.max() > 50, (beats < 5).mean() < 0.2) == (1, True, True)
    for unit in ("if4", "nvfp4"):
        r = mac(unit, b, "datapath")
        zeros = r.accumulators[r.accumulators == 0].view(np.uint32)
        assert set(zeros.tolist()) == {0, 0x80000000}
        assert len(r.lost) > 100


def test_without_code_8_all_else_is_the_same():
    b, clean = segments(80, 2), segments(80, 2, "assert")
    assert np.array_equal(b.a_scale, clean.a_scale)
    on = b.enable
    assert (b.a[on] == 8).any()
    assert np.array_equal(np.where(b.a == 8, 0, b.a)[on], clean.a[on])
    assert not (clean.w[on] == 8).any()
    assert len(mac("if4", clean).segments) > 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((0,), "count"), ((10_000_001,), "count"), ((5, -1), "seed"), ((5, 0, "ignore"), "code8")],
)
def test_what_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        segments(*arguments)
