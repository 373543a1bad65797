"""The scale path in whole numbers beside exact rationals, and what the sweep says of a path that is wrong."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.fast import exact_scale
from fos_ref.fast.sweep import e2m1_codes
from fos_ref.formats.arrays import U32
from fos_ref.oracle import exact, scales
from fos_ref.proof.sweeps import scale_path
from fos_ref.proof.sweeps.scale_path_axes import exact_bases, exact_encode_scales, paths, scale_axes
from fos_ref.recipes.axes import BlockScale
from fos_ref.recipes.recipe import Recipe

AMAXES, BLOCKS = 130, 300  #: of every recipe: 130 * 300 pairs
RECIPES = ("4over6", "te-mse-448", "te-nvfp4")
FLT_MAX = 0x7F7FFFFF
ENDS = (0, 1, 2, 0x007FFFFF, 0x00800000, 0x3F800000, 0x40C00000, FLT_MAX - 1, FLT_MAX)


def amaxes(rng: np.random.Generator) -> U32:
    """Return float32 patterns: the ends, random ones, and those whose C / A is near the overflow."""
    tiny = np.float32(1536) / np.float32(exact.FLT_MAX / exact.ONE)
    near = int(np.float32(tiny).view(np.uint32)) + np.arange(-8, 8)
    random = rng.integers(0, FLT_MAX + 1, AMAXES - len(ENDS) - near.size)
    return np.concatenate([ENDS, near, random]).astype(np.uint32)


def blocks(rng: np.random.Generator, encode: int) -> U32:
    """Return block amaxes: the ends, random ones, and those within 2 ulps of a change of a byte under S."""
    s = float(np.uint32(encode).view(np.float32))
    edges = rng.integers(0, 2 * 126, 120) / 2  # E4M3 codes and the middles between them
    low, high = (
        np.array([float(v) for v in exact.E4M3])[np.minimum(np.floor(edges + k).astype(int), 126)]
        for k in (0, 0.5)
    )
    wanted = (low + high) / 2 / float(exact.ONE) * 6 / s / rng.choice([1.0, 1.5], 120)
    bits = np.minimum(wanted, 3e38).astype(np.float32).view(np.uint32).astype(np.int64) + rng.integers(
        -2, 3, 120
    )
    random = rng.integers(0, FLT_MAX + 1, BLOCKS - len(ENDS) - bits.size)
    return np.clip(np.concatenate([ENDS, bits, random]), 0, FLT_MAX).astype(np.uint32)


def by_rationals(b: int, t: scales.Tensor, r: Recipe) -> list[int]:
    """Return (base, byte[, map-to-4 base, byte]) of the oracle, as patterns."""
    amax = exact.from_bits(b)
    found = [scales.block_scale(amax, t, r.element_max, r)]
    if r.map4_scale is not None:
        found.append(scales.map4_scale(found[0], amax, t, r))
    return [n for base in found for n in (exact.to_bits(base), scales.cast_scale(base, r)[0])]


@pytest.mark.long
@pytest.mark.parametrize("name", RECIPES)
def test_whole_numbers_are_exact_rationals(name):
    """117,000 pairs in all, random and on the edges of every rounding."""
    r, rng = fos_ref.PRESETS[name], np.random.default_rng([ord(c) for c in name])
    patterns = amaxes(rng)
    pairs = 0
    for a, encode in zip(patterns.tolist(), exact_encode_scales(patterns, r).tolist(), strict=True):
        t = scales.tensor_scales(exact.from_bits(a), r)
        assert exact.to_bits(t.encode) == encode
        b = blocks(rng, encode)
        sixths = np.empty_like(b)
        exact_scale.quotients(b, exact_scale.SIX, sixths)
        columns = []
        for base in exact_bases(b, sixths, encode, r):
            if base is not None:
                codes = np.empty(b.size, dtype=np.uint8)
                exact_scale.e4m3_bytes(base, codes)
                columns += [base.tolist(), codes.tolist()]
        want = [by_rationals(n, t, r) for n in b.tolist()]
        assert [list(row) for row in zip(*columns, strict=True)] == want
        pairs += b.size
    assert pairs == AMAXES * BLOCKS


FLOAT = re.compile(
    r"= (fadd|fsub|fmul|fdiv|frem|fneg|fcmp|sitofp|uitofp|fptosi|fptoui|call float|call double)\b"
)


def float_operations(kernel) -> list[str]:
    return FLOAT.findall("\n".join(kernel.inspect_llvm().values()))


@pytest.mark.long
def test_no_kernel_of_whole_numbers_has_a_float_operation():
    b, codes = np.arange(1, 5, dtype=np.uint32), np.zeros(4, dtype=np.uint8)
    exact_scale.quotients(b, exact_scale.SIX, b.copy())
    exact_scale.encode_scales(b, exact_scale.SIX, exact_scale.ONE, b.copy())
    exact_scale.products(b, exact_scale.ONE, b.copy())
    exact_scale.folded(b, exact_scale.ONE, b.copy())
    exact_scale.e4m3_bytes(b, codes)
    e2m1_codes(b.view(np.float32), codes)
    for kernel in (
        exact_scale.quotients,
        exact_scale.encode_scales,
        exact_scale.products,
        exact_scale.folded,
        exact_scale.e4m3_bytes,
    ):
        assert len(kernel.inspect_llvm()) > 0
        assert float_operations(kernel) == []
    assert "fadd" in float_operations(e2m1_codes), "the search would see one"


def test_the_paths_are_those_of_all_4over6_and_te_recipes():
    found = paths()
    names = [n for p in found for n in p.presets]
    of_te = [n for n in fos_ref.PRESETS if n.startswith("te-") and not n.startswith("te-train-")]
    assert sorted(names) == sorted([n for n in fos_ref.PRESETS if n.startswith("4over6")] + of_te)
    assert len({scale_axes(p.recipe) for p in found}) == len(found) == 6
    for p in found:
        assert {scale_axes(fos_ref.PRESETS[n]) for n in p.presets} == {scale_axes(p.recipe)}
    python = {scale_axes(fos_ref.PRESETS[n]) for n in ("te-mse-256", "te-mse-448", "te-nvfp4")}
    assert python == {  # by a recipe's own name: second names of the kernels' recipes do not say "cuda"
        scale_axes(r)
        for r in fos_ref.PRESETS.values()
        if r.name.startswith("te-") and not r.name.startswith("te-cuda")
    }


@pytest.mark.long
def test_the_scale_path_of_a_few_tensor_amaxes():
    found = scale_path.sweep([0, 1, 0x3F80, 0x7F7F], lambda *_: None, jobs=1)
    assert found.unexplained == 0
    pairs = 4 * scale_path.VALUES
    for figures in found.figures.values():
        shared = sum(n for name, n in figures.items() if name.startswith(scale_path.SHARED))
        assert figures[scale_path.PAIRS] + shared == pairs
    own, cuda = found.figures["4over6"], found.figures["te-cuda-nvfp4"]
    assert own[scale_path.PAIRS] == pairs
    assert cuda[scale_path.PAIRS] == scale_path.VALUES, "the zero tensor alone is its own"
    assert found.compared == sum(
        f["encode scales"] + f[scale_path.PAIRS] * (4 if scale_path.BASE4 in f else 2)
        for f in found.figures.values()
    )
    assert own["byte zero"] > 0
    assert own["byte subnormal"] > 0
    assert own["byte largest"] > 0


def test_a_wrong_association_is_counted():
    r = fos_ref.PRESETS["4over6"]
    wrong = replace(r, block_scale=BlockScale.RECIPROCAL_THEN_MULTIPLY)
    right = scale_path.compare_row(0x40B3, r, scale_path.model_row)
    found = scale_path.compare_row(0x40B3, r, lambda amax, _: scale_path.model_row(amax, wrong))
    assert right[scale_path.BASE] == right[scale_path.BYTE] == right[scale_path.BYTE4] == 0
    assert found[scale_path.BASE] > 0
    assert found[scale_path.BASE4] > 0


def test_one_wrong_byte_is_counted():
    r = fos_ref.PRESETS["te-mse-256"]

    def model(amax, recipe):
        base, codes, base4, codes4 = scale_path.model_row(amax, recipe)
        codes4[0, 12345] ^= 1
        return base, codes, base4, codes4

    found = scale_path.compare_row(0x3F80, r, model)
    assert [found[k] for k in (scale_path.BASE, scale_path.BYTE, scale_path.BASE4, scale_path.BYTE4)] == [
        0,
        0,
        0,
        1,
    ]
