"""Which dialect made a quantized weight: the original quantized anew by every preset that the bytes allow.

Presets that differ in nothing that finite input shows are one contender. A contender that falls behind is
dropped after the blocks seen so far, so that most of the work goes into the few that are close.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fos_ref.engines.registry import load_engine
from fos_ref.engines.stream import in_order
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, U8
from fos_ref.formats.environment import check_float_environment
from fos_ref.inspect.contenders import Contender
from fos_ref.model.quantize import given_tensor_scale, tensor_scales
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.conventions import (
    amax_of,
    Convention,
    decode_scale_of,
    encode_scale_of,
    stored_tensor_scale,
)

CHUNK_VALUES = 1 << 18  #: quantized at once by each contender
LEAD = 4  #: a contender is dropped when its differing blocks are more than LEAD times the best's
GRACE = 64  #: plus this many
MAX_WORKERS = 8
_WORTH_THREADS = 1 << 20  #: values to quantize, over all contenders
_BLOCK_BYTES = BLOCK // 2


@dataclass(slots=True)
class Search:
    """The contenders and the amaxes of all weights, one of which a shared tensor scale was made from."""

    contenders: list[Contender]
    amaxes: Mapping[str, np.float32]

    def live(self) -> list[Contender]:
        """Return those not dropped."""
        return [c for c in self.contenders if not c.dropped]

    def weight(self, name: str, c: Convention, stored: np.float32 | None, dtype: np.dtype[Any]) -> _Weight:
        """Prepare the comparison of one weight."""
        return _Weight(self, name, c, stored, dtype)

    def drop_the_beaten(self) -> None:
        """Drop every contender that is far behind the best."""
        live = self.live()
        least = min((c.differing for c in live), default=0)
        for c in live:
            c.dropped = c.differing > LEAD * least + GRACE

    def ranked(self) -> list[Contender]:
        """Return the contenders, the best first."""
        return sorted(self.contenders, key=lambda c: (not c.exact, -c.share, -c.own_tensor_scales))


class _Weight:
    """One weight under comparison: each contender's tensor scales, made once."""

    def __init__(
        self, search: Search, name: str, c: Convention, stored: np.float32 | None, dtype: np.dtype[Any]
    ) -> None:
        self._search, self._name, self._convention = search, name, c
        self._stored, self._dtype = stored, dtype
        self._scales = {id(k): self._scales_of(k) for k in search.live()}

    def compare(self, x: AnyArray, packed: U8, scales: U8) -> None:
        """Count equal blocks of rows x (R, K) under each live contender."""
        engine, got = load_engine("numpy"), _words(packed)

        def equal(c: Contender) -> int:
            check_float_environment()
            codes, block_scales, _ = engine.quantize(x, self._scales[id(c)], c.recipe)
            return int(np.count_nonzero((_words(codes) == got) & (block_scales == scales)))

        live = [c for c in self._search.live() if x.shape[0] % c.recipe.block_rows == 0]
        alone = x.size * len(live) < _WORTH_THREADS
        workers = 1 if alone else min(MAX_WORKERS, os.cpu_count() or 1)
        for c, count in zip(live, in_order(equal, live, workers), strict=True):
            c.blocks, c.equal = c.blocks + got.size, c.equal + count

    def _scales_of(self, k: Contender) -> Scales:
        """Return the tensor scales: of the weight's own amax, of another weight's, or read from the file."""
        if self._stored is None:
            return given_tensor_scale(np.float32(1), k.recipe, self._dtype)
        own = self._search.amaxes[self._name]
        if self._makes_stored(own, k.recipe):
            k.own_tensor_scales += 1
            return tensor_scales(np.asarray(own), k.recipe, self._dtype)
        for amax in dict.fromkeys(self._search.amaxes.values()):
            if self._makes_stored(amax, k.recipe):
                return tensor_scales(np.asarray(amax), k.recipe, self._dtype)
        k.derived.append(self._name)
        return self._read(k.recipe, self._stored)

    def _makes_stored(self, amax: np.float32, r: Recipe) -> bool:
        try:
            return bool(stored_tensor_scale(amax, r, self._convention, self._dtype) == self._stored)
        except InputError:
            return False

    def _read(self, r: Recipe, stored: np.float32) -> Scales:
        with np.errstate(all="ignore"):
            return replace(
                given_tensor_scale(np.float32(1), r, self._dtype),
                amax=np.asarray(amax_of(stored, r, self._convention)),
                encode=np.asarray(encode_scale_of(stored, self._convention)),
                decode=np.asarray(decode_scale_of(stored, self._convention)),
            )


def _words(packed: U8) -> AnyArray:
    """Return packed codes (R, K/2) as one 64-bit word a block (R, K/16)."""
    return np.ascontiguousarray(packed).view(f"u{_BLOCK_BYTES}")


def row_groups(shape: tuple[int, int], fraction: float) -> Iterator[Sequence[slice]]:
    """Return groups of 16 rows, evenly spaced over a weight, about `fraction` of it, in chunks.

    The last group may be shorter. The first chunk is one group only: most contenders drop out there.
    """
    rows, cols = shape
    groups = -(-rows // BLOCK)
    taken = np.unique(np.linspace(0, groups - 1, max(1, round(groups * fraction))).astype(np.int64))
    slices = [slice(g * BLOCK, min((g + 1) * BLOCK, rows)) for g in taken.tolist()]
    step = max(1, CHUNK_VALUES // (BLOCK * cols))
    yield slices[:1]
    for start in range(1, len(slices), step):
        yield slices[start : start + step]
