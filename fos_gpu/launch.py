"""Starting these kernels on the current stream. Arrays are CuPy views of words; nothing is checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from fos_gpu import starting
from fos_gpu.build import modules, training_units
from fos_gpu.build.modules import Unit
from fos_gpu.starting import clear
from fos_gpu.tensors import cupy
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe

THREADS = 128  #: of a thread block, as in the kernels
MOST_PARTS = 1056  #: thread blocks that share one run of the maximum: half of what an H100 holds at once
COLUMNS_AT_ONCE, BLOCKS_AT_ONCE = 32, 4  #: of a thread block along columns, as in fos_layout.h
MOST_COLUMN_GROUPS = 2048  #: thread blocks of the fast path along columns
JOINING = 1024  #: threads that join the partial sums
OUTPUTS, OUTPUT_SIDE = 256, 16  #: threads of a thread block of products, which are 16 x 16 outputs
MOST_SUMS = 1 << 17  #: partial sums of the error statistics at most


def amax(r: Recipe, dtype: str, x: Any, out: Any, *, columnwise: bool) -> None:
    """Put the tensor amax of x (R, C) into out (n,) float32, n being 1, R or, columnwise, C. N2."""
    clear(out)
    rows, cols = x.shape
    unit = modules.tensor_unit(r, dtype)
    if x.size == 0:
        return
    if columnwise and r.amax_scope is AmaxScope.ROW:
        arguments = (x, np.int64(rows), np.int64(cols), out)
        start(unit, "fos_amax_of_columns", _column_groups(rows, cols, r), arguments)
        return
    runs, length = (rows, cols) if r.amax_scope is AmaxScope.ROW else (1, rows * cols)
    parts = _parts(length)
    start(unit, "fos_amax_of_rows", runs * parts, (x, np.int64(length), np.int32(parts), out))


def amax_and_scales(r: Recipe, dtype: str, x: Any, work: Any, out: Any) -> None:
    """Put A, S and D of all of x (R, C) into out (3, 1) by one kernel; work (2,) is zero before and after."""
    values = x.shape[0] * x.shape[1]
    parts = _parts(values)
    arguments = (x, np.int64(values), np.int32(parts), work, out)
    start(modules.tensor_unit(r, dtype), "fos_amax_and_scales", parts, arguments)


def tensor_scales(r: Recipe, dtype: str, amaxes: Any, out: Any) -> None:
    """Put A, S and D of n tensor amaxes (n,) into out (3, n); amaxes may be out[0]. N3."""
    n = amaxes.size
    start(modules.tensor_unit(r, dtype), "fos_tensor_scales", _groups(n), (amaxes, np.int64(n), out))


def set_tensor_scales(r: Recipe, dtype: str, scales: Scales, out: Any) -> None:
    """Put the host's A, S and D into out (3, 1): they travel as arguments of the kernel."""
    three = [np.float32(v.item()) for v in (scales.amax, scales.encode, scales.decode)]
    start(modules.tensor_unit(r, dtype), "fos_set_tensor_scales", 1, (*three, out), threads=1)


def quantize_columns(r: Recipe, dtype: str, x: Any, scales: Any, out: tuple[Any, Any, Any]) -> None:
    """Quantize the transpose of x (R, C) into codes, block scales and choices of (C, R). N4 to N13."""
    rows, cols = x.shape
    arguments = (x, np.int64(rows), np.int64(cols), scales, *out)
    groups, fast = _column_groups(rows, cols, r), modules.fast_columns_unit(r, dtype)
    if fast is None:
        start(modules.columns_unit(r, dtype), "fos_quantize_columns", groups, arguments)
    else:
        step = min(groups, MOST_COLUMN_GROUPS)
        start(fast, modules.FAST_COLUMNS, step, (*arguments, np.int32(step)))


def quantize_stochastic(r: Recipe, dtype: str, x: Any, scales: Any, more: tuple[Any, ...]) -> None:
    """Quantize x (R, C) with words of map-to-6, words of map-to-4, and the three outputs. N4 to N13."""
    rows, cols = x.shape
    arguments = (x, np.int64(rows), np.int64(cols), scales, *more)
    unit = training_units.stochastic_unit(r, dtype)
    start(unit, training_units.WITH_WORDS, _groups(rows * cols // BLOCK), arguments)


def swizzle(linear: Any, out: Any) -> None:
    """Put block scales (R, B) into `out` in the 128x4 layout, zeros in the padding. N16."""
    rows, cols = linear.shape
    arguments = (linear, np.int64(rows), np.int64(cols), out)
    start(modules.layout_unit(), "fos_swizzle", _groups(out.size), arguments)


def unswizzle(swizzled: Any, out: Any) -> None:
    """Put block scales in the 128x4 layout into `out` (R, B), linear. N16."""
    rows, cols = out.shape
    arguments = (swizzled, np.int64(rows), np.int64(cols), out)
    start(modules.layout_unit(), "fos_unswizzle", _groups(out.size), arguments)


def dequantize(r: Recipe, dtype: str, parts: tuple[Any, Any, Any], shape: tuple[int, int], out: Any) -> None:
    """Put the values of (codes, block scales, tensor scales) of a matrix (R, C) into `out`. N14."""
    rows, cols = shape
    arguments = (*parts, np.int64(rows), np.int64(cols), out)
    start(
        modules.dequantize_unit(r, dtype), "fos_dequantize", _groups(rows * cols // r.block_cols), arguments
    )


def sums_at_once(blocks: int) -> int:
    """Return how many partial sums statistics of `blocks` blocks have: a power of two, MOST_SUMS at most."""
    return min(1 << max(blocks - 1, 0).bit_length(), MOST_SUMS)


def errors(
    unit: Unit, x: Any, parts: tuple[Any, Any, Any], shape: tuple[int, int], out: tuple[Any, Any]
) -> None:
    """Put the error statistics of a matrix (R, C) into out: (3, blocks) and (5, partial sums) float64."""
    rows, cols = shape
    per_block, partial = out
    count = partial.shape[1]
    arguments = (x, *parts, np.int64(rows), np.int64(cols), np.int64(count), per_block, partial)
    start(unit, "fos_errors", _groups(count), arguments)
    start(unit, "fos_join", 1, (partial, np.int64(count)), threads=JOINING)


def expand(codes: Any, scales: Any, table: tuple[int, int], out: Any) -> None:
    """Put the groups of codes (R, K/2) and scale bytes (R, B) into out (B, R, 48), for `multiply`."""
    rows, groups = scales.shape
    arguments = (codes, scales, np.int64(rows), np.int64(groups), *map(np.uint64, table), out)
    start(modules.products_unit(), "fos_expand", -(-scales.size // OUTPUTS), arguments, threads=OUTPUTS)


def multiply(a: Any, b: Any, unit: int, out: tuple[Any, Any, Any, Any, Any]) -> None:
    """Put exact sums, magnitudes, TransformerEngine's sum and bound, and flags (M, N) into `out`."""
    groups, m = a.shape[:2]
    n = b.shape[1]
    arguments = (a, b, *map(np.int64, (m, n, groups)), np.int32(unit), np.float64(2.0**unit), *out)
    tiles = -(-m // OUTPUT_SIDE) * -(-n // OUTPUT_SIDE)
    start(modules.products_unit(), "fos_multiply", tiles, arguments, threads=OUTPUTS)


def flagged(flags: Any, mask: int, out: Any) -> None:
    """Put into out (M, N) bytes whether all bits of a mask are set."""
    arguments = (flags, np.int64(flags.size), np.int32(mask), out)
    start(modules.products_unit(), "fos_flagged", -(-flags.size // OUTPUTS), arguments, threads=OUTPUTS)


def judge(given: tuple[Any, int], parts: tuple[Any, ...], asked: tuple[Any, ...], out: Any) -> None:
    """Put the counts of each row (M, 7) int64 of an output and its kind into `out`.

    parts: what `multiply` gave; asked: groups, alpha, way, the alpha of the bounds, its error, a mask
    """
    m, n = parts[0].shape
    groups, alpha, way, middle, error, mask = asked
    shape = (*map(np.int64, (m, n, groups)), np.float32(alpha), np.int32(way), np.float32(middle))
    arguments = (given[0], np.int32(given[1]), *parts, *shape, np.float64(error), np.int32(mask), out)
    start(modules.products_unit(), "fos_judge", -(-m // OUTPUTS), arguments, threads=OUTPUTS)


def _parts(values: int) -> int:
    """Return how many thread blocks share the maximum of a run of `values` values."""
    return max(1, min(-(-values // (BLOCK * THREADS)), MOST_PARTS))


def _groups(threads: int) -> int:
    return -(-threads // THREADS)


def _column_groups(rows: int, cols: int, r: Recipe) -> int:
    return -(-cols // COLUMNS_AT_ONCE) * -(-rows // (r.block_cols * BLOCKS_AT_ONCE))


def start(unit: Unit, name: str, groups: int, arguments: tuple[Any, ...], threads: int = THREADS) -> None:
    """Start one kernel of a unit on the current stream."""
    starting.start(loaded(unit, name), groups, threads, arguments)


def loaded(unit: Unit, name: str) -> Any:
    """Return one kernel of a unit, loaded on the current device."""
    device = cupy().cuda.runtime.getDevice()
    return modules.function(unit, name, _capability(device), device)


def _capability(device: int) -> int:
    """Return a device's compute capability, as 90 for 9.0."""
    return int(cupy().cuda.Device(device).compute_capability)
