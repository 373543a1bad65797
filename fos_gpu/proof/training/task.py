"""The model's side of one tensor: run in a process of its own, while the device works on another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeAlias

import numpy as np

from fos_gpu.proof.training.cases import Case, CASES, OTHER_MAPS
from fos_ref.engines.front import quantize
from fos_ref.engines.memory import keep_memory
from fos_ref.engines.random_bits import elements_of
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8, U32
from fos_ref.inputs.distributions import make
from fos_ref.random import words
from fos_ref.rotate import hadamard, Order
from fos_ref.storage.tensor import QuantizedTensor

KINDS = ("normal", "student-t3", "lognormal", "heavy-tailed", "signed-zero", "outlier-channels")
NOISE, EDEN = "quartet2-scales", "quartet2-eden"
GROUP_NOISE, GROUP_EDEN = "quartet2-simulator-scales", "quartet2-simulator-eden"
Quantized: TypeAlias = tuple[U8, U8, Bool]  #: packed codes, block scales, picked4


@dataclass(frozen=True, slots=True)
class Task:
    """One tensor: its number says which values it has, and which seed and offset its words."""

    number: int
    shape: tuple[int, int]

    @property
    def seed(self) -> int:
        """The seed of the words: 64 bits, another one for each tensor."""
        return (self.number + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1

    @property
    def offset(self) -> int:
        """The offset of the words: every third one is at the end of 64 bits, where a carry runs over."""
        return (1 << 64) - 3 if self.number % 3 == 1 else self.number * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the model gives for one tensor."""

    task: Task
    x: AnyArray  #: bfloat16 (R, C)
    y: F32  #: rotated, float32: what MS-EDEN takes
    digits: tuple[U32, U32]  #: (R, C) words that are given: a recipe takes as many of a row as it needs
    quantized: dict[str, Quantized]  #: by case
    words: dict[str, U32]  #: map -> words
    eden: QuantizedTensor  #: of y
    groups: QuantizedTensor  #: of y, whose 128 values correct a scale
    rotated: dict[str, AnyArray]  #: order -> bfloat16
    decided: AnyArray  #: of the exact order


def given(case: Case, digits: tuple[U32, U32]) -> list[U32]:
    """Return the words of a case without a map, one array for each draw of its candidates."""
    columns = digits[0].shape[1] // elements_of(case.recipe)
    return [np.ascontiguousarray(d[:, :columns]) for d in digits[: case.recipe.draws]]


def alone(each: list[Any]) -> Any:
    """Return the only one of a list, or both of two: the form that `quantize` takes."""
    return each[0] if len(each) == 1 else each


def drawn(case: Case, task: Task) -> tuple[Any, ...]:
    """Return the words of a case with a map, as `quantize` takes them."""
    return (case.map, task.seed, task.offset, dict(case.options))


def map_words(name: str, task: Task, options: dict[str, Any]) -> U32:
    """Return a map's words of a tensor."""
    return words(name, task.shape, seed=task.seed, offset=task.offset, **options)


def wanted(task: Task) -> Wanted:
    """Compute the model's side of a tensor."""
    x = make(KINDS[task.number % len(KINDS)], task.shape, task.number, "bfloat16")
    g = np.random.Generator(np.random.Philox(task.number))
    first, second = (g.integers(0, 1 << 32, task.shape, dtype=np.uint32) for _ in range(2))
    digits = (first, second)
    quantized: dict[str, Quantized] = {}
    for case in CASES:
        own = drawn(case, task) if case.map else alone(given(case, digits))
        q = quantize(x, case.recipe, random_bits=own, engine="numpy")
        assert q.picked4 is not None
        quantized[case.name] = (q.codes, q.block_scales, q.picked4)
    exact = hadamard(x)
    rotated = {o.value: hadamard(x, order=o).y for o in (Order.FWHT, Order.SEQUENTIAL)}
    y = hadamard(x, out="float32").y
    return Wanted(
        task=task,
        x=x,
        y=y,
        digits=digits,
        quantized=quantized,
        words={name: map_words(name, task, {}) for name in OTHER_MAPS},
        eden=quantize(y, EDEN, random_bits=map_words(NOISE, task, {}), engine="numpy"),
        groups=quantize(y, GROUP_EDEN, random_bits=map_words(GROUP_NOISE, task, {}), engine="numpy"),
        rotated={Order.EXACT.value: exact.y, **rotated},
        decided=exact.decided,
    )


def results(tasks: Sequence[Task], jobs: int) -> Iterator[Wanted]:
    """Yield the model's side of each tensor, in order; one job stays in this process."""
    keep_memory()
    if jobs == 1:
        yield from map(wanted, tasks)
        return
    with ProcessPoolExecutor(min(jobs, len(tasks)), get_context("spawn"), initializer=keep_memory) as pool:
        yield from pool.map(wanted, tasks)
