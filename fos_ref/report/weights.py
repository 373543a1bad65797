"""Every recipe of the line-up on the weights of a safetensors file, tensor by tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fos_ref.engines.stream import in_order, MAX_WORKERS
from fos_ref.errors import InputError
from fos_ref.exactness.sums import Sums
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.lineup import BASELINE, RECIPES
from fos_ref.report.metrics import Chunks, figures, measure, row_slices, tensor_amax
from fos_ref.report.sweep import first, threads
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import FLOATS, Selection, unfit
from fos_ref.storage.tensor_info import TensorInfo

TOTAL = "all tensors"
TOTAL_DEFAULT = "what fos quantize takes"

Done = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Weights:
    """The figures of one file."""

    name: str  #: the file's name
    sha256: str  #: of the whole file
    tensors: pd.DataFrame  #: a row for each (tensor, recipe): shape and METRICS
    totals: pd.DataFrame  #: a row for each (total, recipe): tensors, values and METRICS
    left: dict[str, str]  #: tensor -> why it was not measured


def values_to_measure(path: Path) -> int:
    """Return how many values `measure_weights` will read; it also shows early that the file can be read.

    Raises: OSError, CheckpointError, and InputError when there is nothing to measure.
    """
    with SafetensorsFile(path) as file:
        counts = [int(np.prod(i.shape)) for i in file.tensors.values() if unfit(i, 1, BLOCK) is None]
    if not counts:
        msg = (
            f"{path}: no tensor to measure: 2-D {', '.join(FLOATS)} with a last axis that is a multiple of 16"
        )
        raise InputError(msg)
    return sum(counts)


def measure_weights(path: Path, engine: str, done: Done) -> Weights:
    """Return the figures of every recipe on every 2-D float tensor of the file, and the totals.

    Chunks are read one by one, so memory does not grow with the file. `done` gets the values of each tensor
    that is finished. A tensor that cannot be measured is listed with the reason, never dropped silently.
    """
    with SafetensorsFile(path) as file:
        found = measure_tensors(file, engine, done)
        return as_weights(path.name, file.sha256(), [found], path)


@dataclass(frozen=True, slots=True)
class Measured:
    """The sums of the tensors of a file, or of one shard of a checkpoint."""

    sums: dict[str, dict[str, Sums]]  #: tensor -> recipe -> sums
    infos: dict[str, TensorInfo]  #: of those
    left: dict[str, str]  #: tensor -> why it was not measured


def measure_tensors(file: SafetensorsFile, engine: str, done: Done, most: int | None = None) -> Measured:
    """Measure every 2-D float tensor of a file, in at most so many threads."""
    sums: dict[str, dict[str, Sums]] = {}
    left: dict[str, str] = {}
    for name, info in file.tensors.items():
        reason = unfit(info, 1, BLOCK)
        if reason is None:
            chunks = _chunks_of(file, info)
            amax = tensor_amax(chunks)
            reason = _unusable(amax)
            if reason is None:
                sums[name] = _measure_parallel(chunks, amax, engine, most)
            done(int(np.prod(info.shape)))
        if reason is not None:
            left[name] = reason
    return Measured(sums, {n: file.tensors[n] for n in sums}, left)


def as_weights(name: str, sha256: str, parts: Iterable[Measured], where: object) -> Weights:
    """Return the figures of a file, or of the shards of a checkpoint in their order.

    Raises: InputError where no tensor of any could be measured.
    """
    sums: dict[str, dict[str, Sums]] = {}
    infos: dict[str, TensorInfo] = {}
    left: dict[str, str] = {}
    for p in parts:
        sums, infos, left = sums | p.sums, infos | p.infos, left | p.left
    if not sums:
        msg = f"{where}: no tensor can be measured: {', '.join(dict.fromkeys(left.values()))}"
        raise InputError(msg)
    return Weights(name, sha256, _tensor_rows(sums, infos), _total_rows(sums, infos), left)


def _measure_parallel(chunks: Chunks, amax: np.float32, engine: str, most: int | None) -> dict[str, Sums]:
    """Measure chunks in threads; their sums are added in the order of the tensor."""
    total = dict.fromkeys(RECIPES, Sums())

    def one(x: AnyArray) -> dict[str, Sums]:
        return measure(lambda: (x,), amax, RECIPES, engine)

    count = min(most or MAX_WORKERS, threads(engine))
    for part in in_order(one, chunks(), count, first(engine)):
        for preset, s in part.items():
            total[preset] += s
    return total


def _unusable(amax: np.float32) -> str | None:
    """Return why a tensor has no relative error, from its amax."""
    if not np.isfinite(amax):
        return "it holds a NaN or an infinity"
    return None if amax else "every value is 0"


def _chunks_of(file: SafetensorsFile, info: TensorInfo) -> Chunks:
    cols = info.shape[1]

    def read() -> Iterator[AnyArray]:
        for rows in row_slices(info.shape):
            yield file.read_values(info.name, rows.start * cols, rows.stop * cols).reshape(-1, cols)

    return read


def _tensor_rows(sums: dict[str, dict[str, Sums]], infos: dict[str, TensorInfo]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "tensor": tensor,
            "rows": infos[tensor].shape[0],
            "cols": infos[tensor].shape[1],
            "recipe": preset,
            **figures(s, per_recipe[BASELINE]),
        }
        for tensor, per_recipe in sums.items()
        for preset, s in per_recipe.items()
    )


def _total_rows(sums: dict[str, dict[str, Sums]], infos: dict[str, TensorInfo]) -> pd.DataFrame:
    """Return the totals over all measured tensors, and over those that `fos quantize` takes by default."""
    selection = Selection()
    by_default = [t for t in sums if selection.why_left(infos[t], RECIPES[BASELINE]) is None]
    groups = {TOTAL: list(sums)} | ({TOTAL_DEFAULT: by_default} if by_default else {})
    rows = []
    for title, tensors in groups.items():
        total = {preset: sum((sums[t][preset] for t in tensors), Sums()) for preset in RECIPES}
        values = sum(int(np.prod(infos[t].shape)) for t in tensors)
        rows += [
            {"total": title, "tensors": len(tensors), "values": values, "recipe": preset}
            | figures(s, total[BASELINE])
            for preset, s in total.items()
        ]
    return pd.DataFrame(rows)
