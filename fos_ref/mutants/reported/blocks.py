"""How a mutant gets at a step inside the walk of one matrix: for a while another function is in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fos_ref.formats.arrays import F32
from fos_ref.model.blocks import from_blocks, repeat_rows, to_blocks
from fos_ref.model.candidates import unrounded
from fos_ref.model.quantize import candidates, keep, pick
from fos_ref.model.trace import Blocks, Scales, Trace
from fos_ref.recipes.recipe import Recipe

#: (x, recipe) -> block amaxes (T, B)
BlockAmax = Callable[[F32, Recipe], F32]


def with_block_amax(amax: BlockAmax) -> Callable[[Any], Any]:
    """Return the wrap of `quantize_matrix` under which blocks have another amax. N4."""

    def wrap(old: Callable[..., Trace]) -> Callable[..., Trace]:
        def walk(x: F32, scales: Scales, r: Recipe, *random: Any) -> Trace:
            right = old(x, scales, r, *random)
            with np.errstate(all="ignore"):
                values: F32 = to_blocks(x, r.block_rows, r.block_cols)
                b = amax(x, r)
                base = unrounded(b, scales, r)
                map6, map4 = candidates(Blocks(x=values, amax=b, scales=scales), base, r)
                picked4 = pick(map6, map4, r)
                codes, scale_codes = keep(map6, map4, picked4, r)
            return replace(
                right,
                block_amax=b,
                base=base,
                map6=map6,
                map4=map4,
                picked4=repeat_rows(picked4, r.block_rows),
                codes=from_blocks(codes, r.block_rows, r.block_cols),
                block_scales=repeat_rows(scale_codes, r.block_rows),
            )

        return walk

    return wrap
