"""Word maps: check words, who shares what, and every place once more as the kernels' own loops count it."""

from collections import Counter

import numpy as np
import pytest

from fos_ref.errors import FosError
from fos_ref.oracle import stochastic as oracle
from fos_ref.random import MAPS, sharing, words
from tests.random.kernels import (
    cute_words,
    draws_of,
    fouroversix_words,
    fused_draws,
    general_draws,
    quartet_noise,
    triton_draws,
    tuned_draws,
)

SEED = 0x123456789ABCDEF0

#: training.md A.3: map, place of the first word, words in hex
CHECK = [
    ("te-tuned-row", (0, 0), "092c9b44 78384bc0"),
    ("te-tuned-row", (64, 0), "8c58db8a"),
    ("te-tuned-column", (0, 0), "85099817"),
    ("te-fused-row", (0, 0), "23673850 50d6b69d 570a5f6c 9bdbb8a5"),
    ("te-fused-column", (1, 28), "7ecf99bf 29a551e7 1f3df0d5 a02dc088"),
]


@pytest.mark.parametrize(("name", "place", "want"), CHECK)
def test_the_check_words(name, place, want):
    row, group = place
    found = words(name, (128, 128), seed=SEED)[row, group : group + len(want.split())]
    assert " ".join(f"{w:08x}" for w in found) == want


SHAPES = [(256, 512), (1280, 384), (384, 1280)]  # the fused kernel takes eight token tiles at a time
ALONE = sorted(n for n, m in MAPS.items() if m.shares == "none")


@pytest.mark.parametrize("name", ALONE)
def test_a_map_that_shares_nothing_is_a_bijection(name):
    for shape in SHAPES:
        found = sharing(name, shape)
        assert found.words == shape[0] * shape[1] // MAPS[name].elements
        assert found.shared == 0
        for option, values in MAPS[name].options.items():
            for value in values[1:]:
                assert sharing(name, shape, **{option: value}).shared == 0


@pytest.mark.parametrize(
    ("name", "shape", "distinct"),
    [
        ("fouroversix-triton", (64, 256), 16 * 64 // 4),
        ("fouroversix-triton-uniform", (64, 256), 16 * 64),
        ("quartet2-scales", (256, 512), 2 * 512 // 16),
        ("torchao-cute-column", (128, 1024), 128 * 256 // 4),
        ("torchao-cute-row", (256, 256), 256 * 256 // 4),
    ],
)
def test_what_a_map_shares(name, shape, distinct):
    assert sharing(name, shape).distinct == distinct
    assert MAPS[name].shares != "none"
    found = words(name, shape, seed=7)
    assert len(np.unique(found)) <= distinct
    period = {"torchao-cute-column": np.s_[:, 64:], "fouroversix-triton": np.s_[16:, :]}.get(name)
    if period is not None:
        other = {"torchao-cute-column": np.s_[:, :-64], "fouroversix-triton": np.s_[:-16, :]}[name]
        assert np.array_equal(found[period], found[other])


@pytest.mark.exhaustive
def test_cute_s_row_copy_is_no_bijection_at_a_usual_size():
    assert sharing("torchao-cute-row", (4096, 4096)).shared == 2128
    assert sharing("te-fused-row", (4096, 4096)).shared == 0


def test_both_copies_of_a_call_share_no_draw():
    for kind in ("fused", "tuned", "general"):
        row = Counter(draws_of(f"te-{kind}-row", (256, 384)))
        column = Counter(draws_of(f"te-{kind}-column", (384, 256)))
        assert not set(row) & set(column)
        assert set((row + column).values()) == {1}


#: map, shape of its copy, options, the places as a loop over the kernel's threads gives them
LOOPS = [
    ("te-tuned-row", (256, 256), {}, lambda: tuned_draws((256, 256))[0]),
    ("te-tuned-row", (128, 256), {"copies": "row"}, lambda: tuned_draws((128, 256), both=False)[0]),
    ("te-tuned-column", (256, 128), {}, lambda: tuned_draws((128, 256))[1]),
    ("te-general-row", (128, 256), {}, lambda: general_draws((128, 256))[0]),
    ("te-general-row", (128, 256), {"copies": "row"}, lambda: general_draws((128, 256), both=False)[0]),
    ("te-general-column", (256, 128), {}, lambda: general_draws((128, 256))[1]),
    ("te-fused-row", (1280, 256), {}, lambda: fused_draws((1280, 256))[0]),
    ("te-fused-column", (256, 1280), {}, lambda: fused_draws((1280, 256))[1]),
    ("te-fused-row", (192, 256), {}, lambda: fused_draws((192, 256))[0]),
    ("te-fused-column", (256, 192), {}, lambda: fused_draws((192, 256))[1]),
    ("torchao-triton", (128, 1408), {}, lambda: triton_draws((128, 1408), 128, 128, "row")),
    ("torchao-triton", (384, 1280), {}, lambda: triton_draws((384, 1280), 128, 128, "row")),
    ("torchao-triton", (1280, 384), {"copy": "column", "tile_tokens": 256},
     lambda: triton_draws((384, 1280), 256, 128, "column")),
    ("torchao-triton", (256, 2304), {"tile_features": 256},
     lambda: triton_draws((256, 2304), 128, 256, "row")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "options", "loop"), LOOPS)
def test_a_map_places_words_as_the_kernel_s_threads_do(name, shape, options, loop):
    assert np.array_equal(draws_of(name, shape, **options), loop().reshape(-1))


def test_a_carry_out_of_the_offset_goes_into_the_sequence():
    last = (1 << 64) - 1
    found = words("te-tuned-row", (128, 128), seed=SEED, offset=last)
    key = (SEED & 0xFFFFFFFF, SEED >> 32)
    for row, draw in ((5, 0), (37, 1)):  # thread 23: row 5 in its first iteration, row 37 in its second
        counter = last + draw + (23 << 64)
        want = oracle.philox4x32([counter >> 32 * i & 0xFFFFFFFF for i in range(4)], key)
        assert found[row, 12:16].tolist() == [want[i] for i in (2, 3, 0, 1)]  # lane 23: the upper eight first


def test_the_maps_without_a_state():
    assert np.array_equal(
        words("torchao-cute-row", (256, 256), seed=SEED, offset=5), cute_words("row", SEED ^ 5)
    )
    column = words("torchao-cute-column", (128, 512), seed=SEED, offset=5)
    assert np.array_equal(column, cute_words("column", SEED ^ 5))
    assert np.array_equal(words("fouroversix-triton", (32, 128), seed=99), fouroversix_words(99))
    assert np.array_equal(words("quartet2-scales", (64, 2048), seed=SEED), quartet_noise(SEED))


@pytest.mark.parametrize(
    ("name", "shape", "options", "said"),
    [
        ("te-fused", (128, 128), {}, "map 'te-fused': one of te-fused-row"),
        ("te-fused-row", (32, 128), {}, "rows in multiples of 64, columns of 128"),
        ("te-tuned-row", (128, 128), {"copies": "column"}, "copies 'column'"),
        ("te-tuned-row", (128, 128), {"copy": "row"}, "option 'copy'"),
        ("te-tuned-row", (128,), {}, "shape"),
        ("te-tuned-row", (128, 128), {"seed": -1}, "seed -1"),
        ("te-tuned-row", (128, 128), {"offset": 1 << 64}, "offset"),
    ],
)
def test_what_does_not_fit_a_map_is_one_line(name, shape, options, said):
    with pytest.raises(FosError) as caught:
        words(name, shape, **{"seed": 0, **options})
    assert said in str(caught.value)
