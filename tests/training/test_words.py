"""The random words of a layer: which operands take any, and what is refused in one line."""

import numpy as np
import pytest

from fos_ref import training
from fos_ref.errors import FosError
from fos_ref.random import MAPS
from fos_ref.random import words as words_of
from fos_ref.recipes import recipe
from tests.training.layers import KNOWN, layer, SEED, tensors, words

TE = words("te-byte-lane")


def test_words_are_a_map_s_or_recorded():
    recorded = {
        "dgrad_g": words_of("te-fused-row", (64, 128), seed=SEED),
        "wgrad_g": words_of("te-fused-column", (128, 64), seed=SEED),
    }
    drawn, given = layer("te-byte-lane"), layer("te-byte-lane", words=recorded)
    for name in drawn.made:
        assert np.array_equal(getattr(drawn, name).codes, getattr(given, name).codes)
    other = layer("te-byte-lane", words=TE | {"wgrad_g": ("te-fused-column", SEED, 1)})
    assert np.array_equal(other.dgrad_g.codes, drawn.dgrad_g.codes)
    assert not np.array_equal(other.wgrad_g.codes, drawn.wgrad_g.codes)


def test_a_trace_has_the_words_and_gives_the_operand_s_bytes():
    found = layer("te-byte-lane")
    trace = found.trace("wgrad_g")
    assert np.array_equal(trace.block_scales, found.wgrad_g.block_scales)
    assert np.array_equal(trace.codes[:, ::2] | trace.codes[:, 1::2] << 4, found.wgrad_g.codes)
    want = words_of("te-fused-column", (128, 64), seed=SEED)
    assert np.array_equal(trace.random_bits.words[0], want)


@pytest.mark.parametrize("stack", KNOWN)
def test_the_maps_of_a_stack_are_known(stack):
    for o in training.STACKS[stack].operands:
        assert o.map is None or o.map in MAPS
        assert o.map is None or recipe(o.recipe).stochastic


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"recipe": "megatron"}, "stack 'megatron': one of te, "),
        ({"words": None}, "'dgrad_g' is missing: a mapping with dgrad_g, wgrad_g is allowed"),
        ({"words": TE | {"fprop_x": TE["dgrad_g"]}}, "'fprop_x' is not rounded stochastically"),
        ({"words": [1]}, "words for the stack te-byte-lane of type list"),
        ({"words": TE | {"wgrad_g": ("te-fused-column", -1, 0)}}, "seed -1"),
        ({"signs": 5}, "signs 5 for the stack te-byte-lane: it has signs of its own"),
        ({"recipe": "torchao-byte-lane"}, "signs None for the stack torchao-byte-lane: the signs that"),
        ({"out": "float64"}, "out 'float64'"),
        ({"recipe": "te"}, "hardware"),
    ],
)
def test_what_is_refused_in_one_line(changed, said):
    stack = changed.get("recipe", "te-byte-lane")
    x, w, g = tensors(stack if stack in training.STACKS else "te-byte-lane")
    with pytest.raises(FosError) as caught:
        training.linear(x, w, g, **{"recipe": "te-byte-lane", "words": TE, **changed})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shapes", "dtype", "said"),
    [
        (((64, 32), (128, 16), (64, 128)), "float32", "w (128, 32) and g (64, 128) are allowed"),
        (((64,), (128, 32), (64, 128)), "float32", "(T, K), (N, K), (T, N) are allowed"),
        (((64, 40), (128, 40), (64, 128)), "float32", "T 64, K 40, N 128: multiples of 16"),
        (((64, 32), (128, 32), (64, 128)), "float16", "x of dtype float16: one dtype for all"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(shapes, dtype, said):
    given = [np.zeros(shape, dtype) for shape in shapes]
    with pytest.raises(FosError) as caught:
        training.linear(*given, "te-byte-lane", TE)
    assert said in str(caught.value)


def test_a_trace_of_transposed_codes_is_refused():
    with pytest.raises(FosError, match="those of another operand, transposed"):
        layer("te-byte-lane").trace("dgrad_w")
