"""What is checked, validated once: the input, the bytes that were given, and the bytes of the recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fos_ref.arguments import one_of
from fos_ref.check.bench import Case
from fos_ref.check.layouts import (
    Bytes,
    Reading,
    readings,
    ScaleLayout,
    sizes,
    transposed_readings,
    turned_codes,
)
from fos_ref.check.population import Source, source
from fos_ref.check.row_orders import permuted_readings
from fos_ref.engines.front import quantize
from fos_ref.engines.given import Fixed
from fos_ref.engines.inputs import as_numpy, check_shape
from fos_ref.errors import InputError, Remedy, ShapeError
from fos_ref.formats.arrays import AnyArray, Bool, U8
from fos_ref.model.blocks import to_blocks
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.bytes_door import as_bytes
from fos_ref.storage.codes_door import as_codes
from fos_ref.storage.tensor import QuantizedTensor

#: Below this share of differing blocks the blocks are where they belong: no other orientation is tried.
_TURNED_FROM = 0.05
#: From this share of equal code bytes on, codes stand where they belong.
_IN_PLACE = 0.5
#: The same for scale bytes.
_SCALES_IN_PLACE = 0.5
#: Up to this many values, x is turned without a look at some of them.
_SMALL = 1 << 18
_BANDS = 32  #: rows of blocks of x transposed that are looked at
_TURNED_BETTER = 1.5  #: times as many equal code bytes as upright, for x to be turned
_MOST = 16  #: readings that are tried
_LAYOUTS = ("linear", "swizzled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A tensor, what somebody made of it, and what the recipe makes of it."""

    x: AnyArray  #: (R, C)
    codes: U8  #: (R, C / 2) as given
    scales: U8  #: flat, as given
    recipe: Recipe
    fixed: Fixed  #: by the caller
    asked: ScaleLayout
    want: QuantizedTensor

    @property
    def source(self) -> Source:
        """The blocks of x."""
        return self._source(self.x, self.want)

    def _source(self, x: AnyArray, q: QuantizedTensor) -> Source:
        """Return the blocks of an x whose quantized form is q."""
        scales = (q.encode_scale, q.decode_scale) if self.fixed.scaled else None
        return source(x, q.tensor_amax, self.recipe, scales)

    def asked_reading(self) -> Reading | None:
        """Return the bytes in the layout that was asked for; None where their number does not fit it."""
        first = next(readings(self.codes, self.scales, self.recipe, self.asked))
        return None if first.flags else first

    def wanted(self) -> Bytes:
        """Return the recipe's bytes, block by block."""
        return blocks_of(self.want)

    def first_case(self) -> Case:
        """Return the bytes as the first layout has them: the one asked for, where their number fits."""
        return next(self._upright(self._readings()))

    def cases(self) -> list[Case]:
        """Return the readings that may be right, the one that was asked for first; transposed ones too.

        Codes hardly depend on a mistake, and wholly on their place: where one reading has most code bytes
        right, readings with less than half as many are out, and so is the tensor transposed.
        """
        found = list(self._upright(self._readings()))
        whole = [
            c for i, c in enumerate(found) if i == 0 or c.got.known is None
        ]  # a lost byte differs nowhere
        fewest = min(int(np.count_nonzero(c.differing)) for c in whole)
        best = max(c.alike for c in found)
        if fewest > _TURNED_FROM * found[0].differing.size:
            found += self._upright(self._permuted(), found[0])
            if best < _IN_PLACE:
                found += self._run_together(found[0].wrong)
            if best < _IN_PLACE and self._turns():
                found += self._turned(found[0].wrong) if self._may_turn(best) else []
        best = max(c.alike for c in found)
        kept = [c for i, c in enumerate(found) if i == 0 or best < _IN_PLACE or 2 * c.alike >= best]
        kept = _of_right_scales(kept)
        return [kept[0], *sorted(kept[1:], key=lambda c: -c.alike)[: _MOST - 1]]

    def _readings(self) -> Iterator[Reading]:
        return readings(self.codes, self.scales, self.recipe, self.asked)

    def _permuted(self) -> Iterator[Reading]:
        return permuted_readings(self._readings(), self.want.codes, self.want.block_scales, self.recipe)

    def _upright(self, found: Iterable[Reading], first: Case | None = None) -> Iterator[Case]:
        """Yield readings of the blocks of x; the first of all says which blocks are at stake."""
        own = self.source if first is None else first.source
        want = self.wanted()
        at_stake: Bool | None = None if first is None else first.at_stake
        wrong = 0 if first is None else first.wrong
        for reading in found:
            got = reading.blocks(self.recipe)
            differing = ~got.equal(want.codes, want.scales[:, 0])
            if at_stake is None:
                at_stake = np.ones_like(differing) if reading.flags else differing
                wrong = int(np.count_nonzero(at_stake))
            yield _case(reading, own, (got, want, differing), wrong, at_stake)

    def _run_together(self, wrong: int) -> Iterator[Case]:
        """Yield the bytes as those of the memory from where a view begins, its strides ignored."""
        x = run_of(self.x)
        if x is None:
            return
        for fixed in (self.fixed, Fixed(amax=self.want.tensor_amax)):
            try:
                q = quantize(x, self.recipe, **fixed.keywords())
            except InputError:  # what lies beside the view may be no number
                continue
            own, want = self._source(x, q), blocks_of(q)
            everything = np.ones(len(want.codes), dtype=np.bool_)
            for reading in self._readings():
                ignored = replace(
                    reading,
                    flags=(*reading.flags, "StridesIgnored"),
                    what="; ".join(w for w in (reading.what, "a view is read as one run of memory") if w),
                )
                got = reading.blocks(self.recipe)
                differing = ~got.equal(want.codes, want.scales[:, 0])
                yield _case(ignored, own, (got, want, differing), wrong, everything)

    def _turns(self) -> bool:
        r = self.recipe
        fits = self.x.shape[0] % r.block_cols == 0 and self.x.shape[1] % r.block_rows == 0
        return fits and (self.fixed.nothing or r.amax_scope is AmaxScope.TENSOR)

    def _may_turn(self, upright: float) -> bool:
        """Return whether codes look better on a few rows of x transposed; true where there are few values."""
        if self.x.size <= _SMALL:
            return True
        r, rows = self.recipe, self.x.shape[1] // self.recipe.block_rows
        bands = np.unique(np.linspace(0, rows - 1, min(rows, _BANDS)).astype(np.int64))
        index = (bands[:, None] * r.block_rows + np.arange(r.block_rows)).ravel()
        x = np.ascontiguousarray(self.x[:, index].T)
        amax = self.want.tensor_amax if r.amax_scope is AmaxScope.TENSOR else None
        want = quantize(x, r, amax=amax).codes
        best = max(float((c == want).mean()) for c in turned_codes(self.codes, index, r))
        return best > _TURNED_BETTER * upright

    def _turned(self, wrong: int) -> Iterator[Case]:
        x = np.ascontiguousarray(self.x.T)
        q = quantize(x, self.recipe, **self.fixed.keywords())
        own, want = self._source(x, q), blocks_of(q)
        everything = np.ones(len(want.codes), dtype=np.bool_)
        for reading in transposed_readings(self.codes, self.scales, self.recipe, self.asked):
            got = reading.blocks(self.recipe)
            differing = ~got.equal(want.codes, want.scales[:, 0])
            yield _case(reading, own, (got, want, differing), wrong, everything)


def run_of(x: AnyArray) -> AnyArray | None:
    """Return as many values as x has from where x begins in memory, in the shape of x; None where x is that.

    The strides of x lead from its first value to others behind it; so what is returned is memory of x's own.
    """
    if not x.size or x.flags.c_contiguous or min(x.strides) <= 0:
        return None
    reach = sum((n - 1) * step for n, step in zip(x.shape, x.strides, strict=True)) // x.itemsize + 1
    if reach < x.size or any(step % x.itemsize for step in x.strides):
        return None
    run = np.lib.stride_tricks.as_strided(x, (x.size,), (x.itemsize,), writeable=False)
    return np.ascontiguousarray(run).reshape(x.shape)


def _case(
    reading: Reading, own: Source, bytes_: tuple[Bytes, Bytes, Bool], wrong: int, at_stake: Bool
) -> Case:
    got, want, differing = bytes_
    alike = float((got.codes == want.codes).mean()) if got.codes.size else 1.0
    return Case(reading.flags, reading.what, own, got, want, differing, wrong, alike, at_stake)


def _of_right_scales(cases: list[Case]) -> list[Case]:
    """Return the readings, without those of few right scale bytes where another has most of them right."""
    shares = [_right_scales(c) for c in cases]
    best = max(shares)
    if best < _SCALES_IN_PLACE:
        return cases
    return [c for i, (c, share) in enumerate(zip(cases, shares, strict=True)) if i == 0 or 2 * share >= best]


def _right_scales(c: Case) -> float:
    """Return the share of right scale bytes; 0 where all known bytes are one, which is right anywhere."""
    seen = c.got.seen
    got, want = c.got.scales[seen, 0], c.want.scales[seen, 0]
    if not len(got) or (want == want[0]).all():
        return 0.0
    return float((got == want).mean()) * len(got) / len(seen)


def blocks_of(q: QuantizedTensor) -> Bytes:
    """Return the bytes of a quantized matrix, block by block."""
    r = q.recipe
    codes = to_blocks(q.codes, r.block_rows, r.block_cols // r.codes_per_byte)
    scales = to_blocks(q.block_scales, r.block_rows, 1)
    return Bytes(codes.reshape(-1, codes.shape[-1]), scales.reshape(-1, r.block_rows))


def subject(
    x: Any,
    codes: Any,
    scales: Any,
    *,
    recipe: Recipe,
    fixed: Fixed,
    scale_layout: str,
    random_bits: Any = None,
) -> Subject:
    """Return the validated subject. Raises: ShapeError, DtypeError, InputError, and as `quantize`."""
    one_of(scale_layout, _LAYOUTS, "scale layout")
    array = as_numpy(x)
    check_shape(array.shape, recipe.block_rows, recipe.block_cols)
    if array.size:
        matrix = array.reshape(-1, array.shape[-1])
    else:  # however many rows or columns it has, there is nothing to compare
        quantize(array, recipe, random_bits=random_bits, **fixed.keywords())
        matrix, fixed = array.reshape(0, 0), Fixed()
        random_bits = None if random_bits is None else np.zeros((0, 0), np.uint32)
    given, bytes_ = _codes(codes, array.shape, recipe), _scales(scales, matrix.shape, recipe)
    want = quantize(matrix, recipe, random_bits=random_bits, **fixed.keywords())
    return Subject(
        x=matrix,
        codes=given.reshape(matrix.shape[0], matrix.shape[1] // recipe.codes_per_byte),
        scales=bytes_,
        recipe=recipe,
        fixed=fixed,
        asked="swizzled" if scale_layout == "swizzled" else "linear",
        want=want,
    )


def _codes(codes: Any, shape: tuple[int, ...], r: Recipe) -> U8:
    given = as_codes(codes, "codes", shape, r)
    wanted = (*shape[:-1], shape[-1] // r.codes_per_byte)
    turned = (shape[-1], shape[0] // r.codes_per_byte)
    if given.shape not in (wanted, turned, (given.size,)) or given.size != math.prod(wanted):
        msg = f"codes of shape {given.shape}: x of {shape} takes {wanted}, or one code a byte"
        raise ShapeError(msg)
    return given


def _scales(scales: Any, shape: tuple[int, int], r: Recipe) -> U8:
    given = as_bytes(scales, "scales")
    rows, cols = shape[0], shape[1] // r.block_cols
    allowed = sizes(rows, cols)
    if given.size not in allowed:
        hint, remedy = _size_hint(given.size, rows, cols, r)
        padded = max(allowed)
        msg = (
            f"scales of shape {given.shape}: {rows}x{cols} bytes{hint}, or {padded} padded ones, are allowed"
        )
        raise ShapeError(msg, remedy=remedy)
    return given.reshape(-1)


def _size_hint(size: int, rows: int, cols: int, r: Recipe) -> tuple[str, Remedy | None]:
    if r.block_rows > 1 and size == rows // r.block_rows * cols:
        repeat = Remedy("np.repeat(scales, 16, axis=0)", "repeats them")
        return ", a tile's byte on each of its 16 rows", repeat
    return "", None
