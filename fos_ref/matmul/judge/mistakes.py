"""Mistakes that products were seen to have: what each would give, and which of them gives an output."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from fos_ref.formats.arrays import AnyArray, F64, U8
from fos_ref.matmul.accumulate import HALF_ULP
from fos_ref.matmul.alpha import ratios
from fos_ref.matmul.judge.given import Given, product
from fos_ref.matmul.judge.known import Known
from fos_ref.matmul.judge.reads import bias, code_eight, flat, tail_read
from fos_ref.matmul.nearest import FORMS
from fos_ref.matmul.operand import Operand
from fos_ref.storage.tensor import QuantizedTensor

_SPLITS = (2, 4, 8, 16)
_TAILS = (1, 2, 4, 8)
_MOST = 5  #: causes that are named


Mistake = Callable[[Known], Iterator[Given]]


def causes(values: F64, k: Known, name: str) -> tuple[str, ...]:
    """Return the mistakes whose output this is, inside the bound of any order, the nearest first."""
    n = k.x.elements.shape[1] * k.x.elements.shape[2]
    error = 2 * HALF_ULP * n + k.alpha_error + 3 * 2.0 ** -FORMS[name].digits
    found = []
    with np.errstate(all="ignore"):
        for mistake in MISTAKES:
            for g in mistake(k):
                allowed = error * g.size + 3 * 2.0 ** (FORMS[name].lowest - 1)
                apart = np.abs(values - g.output)
                fits = (apart <= allowed) | (np.isnan(values) & np.isnan(g.output)) | (values == g.output)
                if np.all(fits):
                    far = float(np.nanmax(apart / np.maximum(allowed, np.finfo(np.float64).tiny), initial=0))
                    found.append((far, f"{g.name}: {g.says}"))
    found += [(0.0, text) for text in bias(values, k, name)]
    ranked = sorted(enumerate(found), key=lambda e: (e[1][0], e[0]))
    return tuple(dict.fromkeys(text for _, (_, text) in ranked))[:_MOST] or _narrow(values, k)


def alpha_wrong(k: Known) -> Iterator[Given]:
    """Yield alpha left out, applied twice, or the tensor scale of one operand only."""
    left, right = (_column(q) for q in (k.a, k.b))
    for name, says, factor in (
        ("AlphaMissing", "the tensor scales are not applied", np.ones((1, 1))),
        ("AlphaTwice", "the tensor scales are applied twice", k.alpha**2),
        ("AlphaOneSide", "only the tensor scale of a is applied", left),
        ("AlphaOneSide", "only the tensor scale of b is applied", right.T),
        ("AlphaInverted", "divided by the tensor scales", 1 / k.alpha),
    ):
        if np.any(factor != k.alpha):
            yield Given(name, says, factor * k.sums, np.abs(factor) * k.size)


def _column(q: QuantizedTensor) -> F64:
    found = [np.nan if r is None else float(r) for r in ratios(q)]
    return np.array(found, dtype=np.float64).reshape(-1, 1)


def transposed(k: Known) -> Iterator[Given]:
    """Yield the output of the other orientation, out.T."""
    if k.sums.shape[0] == k.sums.shape[1] and not np.array_equal(k.sums, k.sums.T, equal_nan=True):
        whole = np.broadcast_to(k.alpha, k.sums.shape)
        yield Given("Transposed", "out is that of b and a", (whole * k.sums).T, (np.abs(whole) * k.size).T)


def scales_of_another_slice(k: Known) -> Iterator[Given]:
    """Yield K in slices that all take the block scales of the first. Source: CUTLASS PR 3615."""
    groups = k.x.elements.shape[1]
    for splits in _SPLITS:
        if groups % splits or groups == splits - 1:
            continue
        index = np.arange(groups) % (groups // splits)
        for sides, words in (((1, 1), "a and b"), ((1, 0), "a"), ((0, 1), "b")):
            left, right = (
                x.values.astype(np.float64) * (x.scales[:, index] if side else x.scales)[..., None]
                for x, side in zip((k.x, k.y), sides, strict=True)
            )
            sums, size = product(left.reshape(len(left), -1), right.reshape(len(right), -1))
            if not np.array_equal(sums, k.sums, equal_nan=True):
                says = f"each of {splits} slices of K takes the block scales of the first, for {words}"
                yield Given("ScaleSlice", says, k.alpha * sums, np.abs(k.alpha) * size)


def lost_blocks(k: Known) -> Iterator[Given]:
    """Yield the sums without some of K, or with them twice: one group of 16, or the last ones."""
    left, right = flat(k.x), flat(k.y)
    groups, n = k.x.elements.shape[1:]
    ends = [(groups - t, groups) for t in _TAILS if t < groups]
    for start, stop in [*((g, g + 1) for g in range(groups)), *ends[1:]]:
        part, size = product(left[:, start * n : stop * n], right[:, start * n : stop * n])
        if not np.any(part):
            continue
        where = f"columns {start * n} to {stop * n - 1}"
        name = "TailLost" if stop == groups else "BlockLost"
        yield Given(name, f"{where} are left out", k.alpha * (k.sums - part), np.abs(k.alpha) * k.size)
        twice = k.alpha * (k.sums + part)
        yield Given("BlockTwice", f"{where} count twice", twice, np.abs(k.alpha) * (k.size + size))


def bytes_misread(k: Known) -> Iterator[Given]:
    """Yield bit 7 of a scale byte for a sign, 7F for 448 or 0, the two codes of a byte swapped."""
    signs = [np.where(_stored(q, x) & 0x80 != 0, -1.0, 1.0) for q, x in ((k.a, k.x), (k.b, k.y))]
    for name, says, scales in (
        (
            "ScaleSign",
            "bit 7 of a block scale is taken for its sign",
            [s * x.scales for s, x in _with(k, signs)],
        ),
        ("ScaleNaN", "block scale 7F counts as 448", [np.where(x.nan, 448, x.scales) for x in (k.x, k.y)]),
        ("ScaleNaN", "block scale 7F counts as 480", [np.where(x.nan, 480, x.scales) for x in (k.x, k.y)]),
        ("ScaleNaN", "block scale 7F counts as 0", [np.where(x.nan, 0, x.scales) for x in (k.x, k.y)]),
    ):
        if all(np.array_equal(s, x.scales, equal_nan=True) for s, x in _with(k, scales)):
            continue
        wide = [_under(s, x) for s, x in _with(k, scales)]
        sums, size = product(*wide)
        yield Given(name, says, k.alpha * sums, np.abs(k.alpha) * size)
    for sides, words in (((1, 0), "a"), ((0, 1), "b")):
        left, right = (flat(x)[:, _swapped(x)] if s else flat(x) for s, x in _with(k, sides))
        sums, size = product(left, right)
        says = f"the two codes of each byte of {words} are swapped"
        yield Given("NibbleOrder", says, k.alpha * sums, np.abs(k.alpha) * size)


def _with(k: Known, parts: object) -> Iterator[tuple[F64, Operand]]:
    assert isinstance(parts, (list, tuple))
    return zip(parts, (k.x, k.y), strict=True)


def _under(scales: AnyArray, x: Operand) -> F64:
    """Return the elements times other block scales (R, K)."""
    wide: F64 = x.values.astype(np.float64) * scales[..., None].astype(np.float64)
    return wide.reshape(len(wide), -1)


def _swapped(x: Operand) -> AnyArray:
    columns = np.arange(x.elements.shape[1] * x.elements.shape[2])
    return np.asarray(columns ^ 1)


def _stored(q: QuantizedTensor, x: Operand) -> U8:
    """Return the scale bytes of each group (R, B)."""
    stored = q.block_scales.reshape(-1, q.block_scales.shape[-1])[: len(x.scales)]
    return np.repeat(stored, x.scales.shape[1] // stored.shape[1], axis=1)


def _narrow(values: F64, k: Known) -> tuple[str, ...]:
    """Return the cause that is left where all outputs are as near as a 16-bit accumulator would be."""
    n = k.x.elements.shape[1]
    with np.errstate(all="ignore"):
        for dtype in ("float16", "bfloat16"):
            allowed = 2.0 ** -FORMS[dtype].digits * (n + 2) * np.abs(k.alpha) * k.size
            if np.all((np.abs(values - k.alpha * k.sums) <= allowed) | np.isnan(k.sums)):
                return (f"NarrowAccumulator: as near as an accumulator of {dtype} is",)
    return ()


MISTAKES: tuple[Mistake, ...] = (
    alpha_wrong,
    transposed,
    scales_of_another_slice,
    bytes_misread,
    lost_blocks,
    tail_read,
    code_eight,
)
