"""What recipes cost on a tensor: sums in float64 of (float32 dequantized - input)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from fos_ref.engines.front import dequantize, quantize
from fos_ref.exactness.sums import Sums
from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.formats.bits import widen
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.storage.tensor import QuantizedTensor

CHUNK_VALUES = 1 << 20  #: values measured at a time; also fixes the order of the sums
#: Reads the tensor once from the start, in matrices of whole rows; every call starts again.
Chunks = Callable[[], Iterable[AnyArray]]


#: The figures of the report, in column order, and what each one is.
METRICS = {
    "mse_e3": "MSE / power, x 1e-3",
    "mse_ratio": "MSE / MSE of plain NVFP4",
    "mae_pct": "mean absolute error / mean |x|, %",
    "max_pct": "largest error / tensor amax, %",
    "sqnr_db": "SQNR, dB",
    "share4_pct": "blocks that chose 4, %",
}


def figures(s: Sums, baseline: Sums) -> dict[str, float]:
    """Return the METRICS of `s`; `baseline` is plain NVFP4 on the same values, which are not all 0.

    An exact result has an infinite SQNR. The ratio of two exact results is 1, of an error to none infinite.
    """
    mse = s.squared / s.power
    ratio = s.squared / baseline.squared if baseline.squared else (math.inf if s.squared else 1.0)
    return {
        "mse_e3": 1e3 * mse,
        "mse_ratio": ratio,
        "mae_pct": 100 * s.absolute / s.magnitude,
        "max_pct": 100 * s.worst,
        "sqnr_db": -10 * math.log10(mse) if mse else math.inf,
        "share4_pct": 100 * s.picked4 / s.blocks,
    }


def row_slices(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices of rows, 16 rows at least, of about CHUNK_VALUES values."""
    rows, cols = shape
    step = max(1, CHUNK_VALUES // (cols * BLOCK)) * BLOCK
    return (slice(i, min(i + step, rows)) for i in range(0, rows, step))


def in_chunks(x: AnyArray) -> Chunks:
    """Return the chunks of an array in memory."""
    return lambda: (x[c] for c in row_slices(x.shape))


def tensor_amax(chunks: Chunks) -> np.float32:
    """Return max|x|, NaN if there is one; the tensor has at least one value."""
    return np.float32(np.max([np.max(np.abs(widen(x))) for x in chunks()]))


def measure(chunks: Chunks, amax: np.float32, recipes: Mapping[str, Recipe], engine: str) -> dict[str, Sums]:
    """Return the error sums of each recipe by name, chunk by chunk: memory does not grow with the tensor.

    Every chunk is quantized under the amax of the whole tensor, so its bits are those of the whole. A last
    16x16 tile that is not full is filled up with zeros, which are not measured.
    """
    totals = dict.fromkeys(recipes, Sums())
    for x in chunks():
        wide = x.astype(np.float64)
        for name, r in recipes.items():
            totals[name] += _measure_chunk(x, wide, r, amax, engine)
    return totals


def measure_whole(x: AnyArray, recipes: Mapping[str, Recipe], engine: str) -> dict[str, Sums]:
    """Return the error sums of each recipe by name over a tensor, under the amax that it takes itself.

    For a search that takes its tensor amax after the choice, this is another one than max|x|.
    """
    amax, wide = tensor_amax(lambda: (x,)), x.astype(np.float64)
    quantized = {name: quantize(x, r, engine=engine, padding="zero") for name, r in recipes.items()}
    return {name: _sums(q, wide, amax) for name, q in quantized.items()}


def _measure_chunk(x: AnyArray, wide: F64, r: Recipe, amax: np.float32, engine: str) -> Sums:
    own = None if r.amax_scope is AmaxScope.ROW else amax
    return _sums(quantize(x, r, amax=own, engine=engine, padding="zero"), wide, amax)


def _sums(q: QuantizedTensor, wide: F64, amax: np.float32) -> Sums:
    assert q.picked4 is not None
    return sums_of(dequantize(q).astype(np.float64), wide, q.picked4, amax)


def sums_of(values: F64, wide: F64, picked4: Bool, amax: np.float32) -> Sums:
    """Return the sums over some values and what they were, both widened, of a tensor with that amax."""
    error = np.abs(values - wide)
    return Sums(
        squared=float(np.sum(error * error)),
        absolute=float(np.sum(error)),
        power=float(np.sum(wide * wide)),
        magnitude=float(np.sum(np.abs(wide))),
        blocks=picked4.size,
        picked4=int(np.count_nonzero(picked4)),
        worst=float(np.max(error)) / float(amax) if amax else 0.0,
    )
