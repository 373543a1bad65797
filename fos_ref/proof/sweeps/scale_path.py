"""Every (block amax, tensor amax) pair of non-negative finite bfloat16 values through the scale path.

The model's own functions, on NumPy arrays, against the same path in whole numbers: encode scale, unrounded
block scale, its map-to-4 form, and both E4M3 bytes, bit for bit. 32,640 * 32,640 pairs a path. Two paths that
differ in the rule of the tensor scale alone meet where their S are equal; those pairs are run once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from fos_ref.fast import exact_scale
from fos_ref.formats.arrays import AnyArray, F32, U32
from fos_ref.formats.bits import f32_bits
from fos_ref.model.candidates import cast_scale, MAP4_SCALE, unrounded
from fos_ref.model.quantize import tensor_scales
from fos_ref.proof.result import Finding, Progress
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.proof.sweeps.scale_path_axes import exact_bases, exact_encode_scales, Path, paths
from fos_ref.recipes.recipe import Recipe

#: Non-negative finite bfloat16 values, 0x0000 to 0x7F7F.
VALUES = 0x7F80
_ROWS = 64  #: tensor amaxes that a worker takes at a time
_SMALLEST_NORMAL = 0x08  #: E4M3 bytes
_LARGEST = 0x7E
PAIRS, SHARED = "pairs", "pairs of equal S, run under"
ENCODE, BASE, BYTE = "encode scale differing", "block scale differing", "byte differing"
BASE4, BYTE4 = "map-to-4 block scale differing", "map-to-4 byte differing"

#: (tensor amax, recipe) -> (base, byte[, map-to-4 base, byte]) of every block amax.
Model = Callable[[F32, Recipe], tuple[AnyArray, ...]]


class Task(NamedTuple):
    """Some tensor amaxes, as bfloat16 patterns, of one path."""

    path: str
    amax: tuple[int, ...]


def scale_path(progress: Progress, jobs: int) -> Finding:
    """Compare all pairs of every path."""
    return sweep(range(VALUES), progress, jobs)


def sweep(amax: Sequence[int], progress: Progress, jobs: int) -> Finding:
    """Compare the pairs of these tensor amaxes, as bfloat16 patterns, with every block amax."""
    figures: dict[str, dict[str, int]] = {}
    tasks: list[Task] = []
    for path in paths():
        figures[path.name], rows = _plan(path, np.array(amax))
        tasks += [Task(path.name, tuple(rows[i : i + _ROWS])) for i in range(0, len(rows), _ROWS)]
    for (path_name, figure), n in total(_work, tasks, jobs, progress).items():
        figures[path_name][figure] += n
    return Finding(
        compared=sum(_compared(f) for f in figures.values()),
        unexplained=sum(n for f in figures.values() for name, n in f.items() if name.endswith("differing")),
        figures=figures,
    )


def _plan(path: Path, amax: AnyArray) -> tuple[dict[str, int], list[int]]:
    """Return the figures that a path starts with, its encode scales compared, and the amaxes to run it on."""
    values = from_bfloat16(amax)
    mine = f32_bits(tensor_scales(values, path.recipe).encode).ravel()
    wrong = int(np.count_nonzero(mine != exact_encode_scales(f32_bits(values), path.recipe)))
    figures = {"presets": len(path.presets), "encode scales": amax.size, ENCODE: wrong}
    left = np.ones(amax.shape, dtype=np.bool_)
    for other in paths():
        if other.name == path.name:
            break
        if path.beside(other):
            same = left & (mine == f32_bits(tensor_scales(values, other.recipe).encode).ravel())
            figures[f"{SHARED} {other.name}"] = int(np.count_nonzero(same)) * VALUES
            left &= ~same
    steps = (BASE, BYTE) if path.recipe.map4_scale is None else (BASE, BYTE, BASE4, BYTE4)
    figures |= dict.fromkeys((PAIRS, *steps, *_census_names(path.recipe)), 0)
    return figures, amax[left].tolist()


def _compared(figures: dict[str, int]) -> int:
    """Return how many values of one path were compared."""
    steps = sum(name in figures for name in (BASE, BYTE, BASE4, BYTE4))
    return figures["encode scales"] + steps * figures[PAIRS]


def from_bfloat16(patterns: AnyArray) -> F32:
    """Return the float32 values of bfloat16 patterns: their bits with 16 zeros after them."""
    return (patterns.astype(np.uint32) << np.uint32(16)).view(np.float32)


class _Blocks(NamedTuple):
    """Every block amax: values (1, VALUES), patterns, and the patterns of a sixth of each."""

    values: F32
    bits: U32
    sixths: U32


@cache
def _blocks() -> _Blocks:
    values = from_bfloat16(np.arange(VALUES))
    sixths = np.empty(VALUES, dtype=np.uint32)
    exact_scale.quotients(f32_bits(values), exact_scale.SIX, sixths)
    return _Blocks(values[None, :], f32_bits(values), sixths)


def _work(task: Task) -> Tally:
    found: Tally = Counter()
    r = {p.name: p.recipe for p in paths()}[task.path]
    for amax in task.amax:
        for figure, n in compare_row(amax, r, model_row).items():
            found[task.path, figure] += n
    return found


def model_row(amax: F32, r: Recipe) -> tuple[AnyArray, ...]:
    """Return the model's (base, byte[, map-to-4 base, byte]) of every block amax under one tensor amax."""
    b = _blocks().values
    scales = tensor_scales(amax, r)
    base = unrounded(b, scales, r)
    if r.map4_scale is None:
        return base, cast_scale(base, r)[0]
    base4 = MAP4_SCALE[r.map4_scale](base, b, scales, r)
    return base, cast_scale(base, r)[0], base4, cast_scale(base4, r)[0]


def exact_row(encode: int, r: Recipe) -> tuple[AnyArray, ...]:
    """Return the same in whole numbers from the pattern of S: float32 patterns and bytes."""
    blocks = _blocks()
    found: list[AnyArray] = []
    for base in exact_bases(blocks.bits, blocks.sixths, encode, r):
        if base is not None:
            codes = np.empty(base.size, dtype=np.uint8)
            exact_scale.e4m3_bytes(base, codes)
            found += [base, codes]
    return tuple(found)


def compare_row(pattern: int, r: Recipe, model: Model) -> dict[str, int]:
    """Return the counts for one tensor amax, given as a bfloat16 pattern, and every block amax."""
    amax = from_bfloat16(np.array([pattern]))
    exact = exact_row(int(exact_encode_scales(f32_bits(amax), r)[0]), r)
    with np.errstate(all="ignore"):  # a block amax above the tensor amax may overflow: IEEE 754's infinity
        mine = model(amax, r)
    counts = {PAIRS: VALUES}
    for name, got, want in zip((BASE, BYTE, BASE4, BYTE4), mine, exact, strict=False):
        bits = f32_bits(got) if got.dtype == np.float32 else got
        counts[name] = int(np.count_nonzero(bits.ravel() != want))
    return counts | _census(exact, r)


def _census_names(r: Recipe) -> list[str]:
    forms = ("byte",) if r.map4_scale is None else ("byte", "map-to-4 byte")
    return [f"{form} {what}" for form in forms for what in ("zero", "subnormal", "largest")]


def _census(exact: tuple[AnyArray, ...], r: Recipe) -> dict[str, int]:
    """Return how many bytes are zero, subnormal, and the largest: the ends of the format are reached."""
    counts = []
    for codes in exact[1::2]:
        zero = int(np.count_nonzero(codes == 0))
        counts += [zero, int(np.count_nonzero(codes < _SMALLEST_NORMAL)) - zero]
        counts += [int(np.count_nonzero(codes == _LARGEST))]
    return dict(zip(_census_names(r), counts, strict=True))
