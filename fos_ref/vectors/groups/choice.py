"""Vectors of the choice between two candidates: ties, near ties on both sides of an edge, worst cases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fos_ref.formats.arrays import F32, I64
from fos_ref.inputs.aims import Aim, block_at, bytes_for
from fos_ref.inputs.choice_edges import _change, _NEAREST, _PARTS, _PROBES, _with, AMAX, order
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.vectors.blocks import bell, block, ramp, unit_amax
from fos_ref.vectors.case import Case, plain
from fos_ref.vectors.words import words

_TIES = 16
_EDGES = {1: 8, BLOCK: 2}  #: by the rows of a block
_SEED = 0x4_6
_WORST = 5 / 6  #: of the block amax: halfway between 4 and 6
_AWAY = (-8, -4, -2, -1, 0, 1, 2, 4, 8)  #: in steps of 1/1024 of it


def ties(r: Recipe) -> Iterator[Case]:
    """Yield blocks that both candidates hold alike, most of them exact ties, and one that is all zeros."""
    amax = unit_amax(r)
    tops = [np.float32(f * (1536.0 if amax is None else float(amax))) for f in (1, 0.5, 8, 2.0**-20)]
    count = _TIES // r.block_rows or 2
    for i in range(count):
        top = tops[i % len(tops)]
        x = block_at(Aim.CANDIDATE_TIE, r, top, "float32", _bytes(r, Aim.CANDIDATE_TIE, i))
        yield plain(x, f"values that both candidates hold alike, number {i}", top)
    yield plain(np.zeros((r.block_rows, r.block_cols), np.float32), "zeros: equal errors of 0", amax)
    yield plain(block(r, [6.0], [6.0, -6.0]), "one magnitude only: both errors are 0", amax)


def _bytes(r: Recipe, aim: Aim, seed: int) -> bytes:
    count = bytes_for(aim, r)
    return words(seed, -(-count // 8)).astype("<u8").tobytes()[:count]


def aimed(r: Recipe) -> Iterator[Case]:
    """Yield blocks of random bytes aimed at midpoints, scales and zeros, under tensor amaxes of any kind."""
    suited = [a for a in Aim if a.suits(r) and a is not Aim.CHOICE_EDGE]
    tops = [np.float32(t) for t in (1777.0, 6.0, 0.3, 1e-3)]
    for aim in suited:
        for i in range(6 if r.block_rows == 1 else 1):
            top, dtype = tops[i % len(tops)], ("float32", "bfloat16", "float16")[i % 3]
            top = np.float32(np.float32(top).astype(np.float16)) if dtype != "float32" else top
            x = block_at(aim, r, top, dtype, _bytes(r, aim, 100 + i))
            yield plain(x, f"random, aimed at {aim.value}, {dtype}", top)


def near_ties(r: Recipe) -> Iterator[Case]:
    """Yield five blocks for each edge of the choice: 2 float32 steps of one value below it to 2 above."""
    for i, five in enumerate(edges(r, _EDGES[r.block_rows], _SEED)):
        for steps, x in zip(_NEAREST, five, strict=True):
            yield plain(x, f"edge {i}: {int(steps):+d} steps of one value", AMAX)


def edges(r: Recipe, count: int, seed: int) -> list[F32]:
    """Return `count` times five blocks (5, rows, cols) around a change of the choice, under AMAX."""
    n, tried = r.block_rows * r.block_cols, 4 * count
    x = bell(seed, (tried, n)).clip(-2.5, 2.5).astype(np.float32)
    head = words(seed + 1, 3 * tried).reshape(tried, 3)
    x[:, 0] = 2.625 + (head[:, 0] % np.uint64(64)).astype(np.float32) / 64
    x *= (AMAX * (1 + (head[:, 1] % np.uint64(16)).astype(np.float32)) / 64)[:, None].astype(np.float32)
    place: I64 = 1 + (words(seed + 2, tried * n // BLOCK) % np.uint64(n - 1)).astype(np.int64)
    place = place.reshape(tried, -1)
    low, high, found = _change(x, place, order(_PROBES * x[:, :1]), r, AMAX)
    kept = np.flatnonzero(found)[:count]
    x, place, low, high = x[kept], place[kept], low[kept], high[kept]
    while np.any(high - low > 1):
        low, high, _ = _change(x, place, low[:, None] + (high - low)[:, None] * _PARTS // _PARTS[-1], r, AMAX)
    around = _with(x, place, low[:, None] + _NEAREST)
    return [five.reshape(-1, r.block_rows, r.block_cols) for five in around]


def worst_cases(r: Recipe) -> Iterator[Case]:
    """Yield the published worst cases: values at 5/6 of the amax, where map-to-6 has its widest gap."""
    amax = unit_amax(r)
    for k in range(3):
        top = 2.0**-k * (1536.0 if amax is None else float(amax))
        near = [top * _WORST * (1 + away / 1024) for away in _AWAY]
        yield plain(block(r, [top], near), f"values beside 5/6 of a block amax of {top:g}", amax)
        yield plain(block(r, [-top], [top * _WORST, -top * _WORST]), f"5/6 of {top:g} alone", amax)
        gap = [top * f / 64 for f in range(43, 65)]
        yield plain(block(r, [top], gap), f"values between 4/6 of {top:g} and {top:g}", amax)
    x = block(r, [10.0, 20.0, 30.0, 40.0], [0.0])
    yield plain(x, "the paper's [10, 20, 30, 40] with the tensor scale bypassed: S = D = 1", amax)
    yield plain(x, "the paper's [10, 20, 30, 40] as a tensor of its own")
    yield plain(ramp(r, 6.0), "ordinary values", amax)
