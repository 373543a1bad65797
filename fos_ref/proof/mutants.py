"""How well the vectors see mistakes: which of them kills each mutant, and how long random blocks take."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, Bool
from fos_ref.inputs.distributions import make
from fos_ref.mutants.catalogue import Mutant, MUTANTS
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.vectors.distinguishing import reported
from fos_ref.vectors.distinguishing.check import read, read_mutants, vector_failures, VECTORS
from fos_ref.vectors.distinguishing.file import Committed
from fos_ref.vectors.distinguishing.mutants import MutantVector

FOLDER = Path("golden")
TENSORS = 256  #: of N(0, 1) values, seeds 0, 1, ...
SHAPE = (64, 1024)
PER_TENSOR = SHAPE[0] * SHAPE[1] // BLOCK
LIMIT = TENSORS * PER_TENSOR  #: 1,048,576 blocks of 16 values
NOT_SEEN = f"not in {LIMIT:,}"

Figures: TypeAlias = dict[str, Any]
Vectors: TypeAlias = list[Committed | MutantVector]


def mutants(progress: Progress, jobs: int) -> Finding:
    """Return, for each mutant, the vectors that kill it and the number of random blocks until it shows.

    Raises: InputError where the golden folder is not here.
    """
    if not (FOLDER / VECTORS).is_file():
        msg = f"{FOLDER / VECTORS} is not here: run this in the project's folder"
        raise InputError(msg)
    figures: dict[str, Figures] = {}
    progress(0, len(MUTANTS))
    for name, found in zip(MUTANTS, _in_order(list(MUTANTS), jobs), strict=True):
        figures[name] = found
        progress(len(figures), len(MUTANTS))
    return Finding(
        compared=sum(f.pop("compared") for f in figures.values()),
        unexplained=sum(f["vectors"] == 0 for f in figures.values()),
        figures=figures,
    )


def _in_order(names: list[str], jobs: int) -> Iterator[Figures]:
    if jobs == 1:
        yield from map(of_mutant, names)
        return
    with ProcessPoolExecutor(min(jobs, len(names)), get_context("spawn")) as pool:
        yield from pool.map(of_mutant, names)


def of_mutant(name: str) -> Figures:
    """Return the figures of one mutant."""
    m, vectors = MUTANTS[name], _vectors()
    with m.planted():
        killers = [v for v in vectors if any(vector_failures(v, "numpy"))]
    seen, looked_at = blocks_until_seen(m)
    return {
        "flag": m.flag,
        "recipe": m.recipe,
        "vectors": len(killers),
        "axis_vectors": sum(v.axis is not None for v in killers),
        "first": killers[0].name if killers else None,
        "random_blocks": NOT_SEEN if seen is None else seen,
        "compared": sum(len(v.sides) for v in vectors) + looked_at,
    }


@cache
def _vectors() -> Vectors:
    data = (FOLDER / VECTORS).read_bytes()
    return [*read(data), *read_mutants(data), *reported.read((FOLDER / reported.NAME).read_bytes())]


def blocks_until_seen(m: Mutant, tensors: int = TENSORS) -> tuple[int | None, int]:
    """Return how many N(0, 1) blocks it takes to show the mistake (None: none does), and how many ran.

    A block is 16 values of a row, for tiles too. Bytes are compared: codes and block scales.
    """
    for seed in range(tensors):
        wrong = m.quantize(_normal(seed), m.recipe)
        shows = np.flatnonzero(_blocks_differ(_right(m.recipe, seed), wrong))
        if shows.size:
            return seed * PER_TENSOR + int(shows[0]) + 1, (seed + 1) * PER_TENSOR
    return None, tensors * PER_TENSOR


def _normal(seed: int) -> AnyArray:
    return make("normal", SHAPE, seed)


@cache
def _right(recipe: str, seed: int) -> QuantizedTensor:
    return quantize(_normal(seed), PRESETS[recipe], engine="numpy")


def _blocks_differ(a: QuantizedTensor, b: QuantizedTensor) -> Bool:
    """Return which blocks differ in a byte, row after row."""
    codes: Bool = (a.codes != b.codes).reshape(*a.block_scales.shape, -1).any(axis=-1)
    scales: Bool = a.block_scales != b.block_scales
    return codes | scales


PROOF = Proof(
    name="mutants",
    claim="Each deliberately wrong quantizer gives other bytes than committed on at least one golden vector.",
    run=mutants,
    minutes=3.0,
)
