"""The reader's own inputs: a distribution by name or as a function, an array, or the tensors of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.engines.inputs import as_numpy
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import DTYPES, FAMILIES, make
from fos_ref.outside.functions import load_function
from fos_ref.outside.npy import read_npy
from fos_ref.recipes.recipe import BLOCK
from fos_ref.report.lineup import DISTRIBUTION_LABELS, Plan
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import unfit

ALLOWED = (
    "the name of a distribution, MODULE:FUNCTION, a .npy or .safetensors file, an array, or a function of "
    "(shape, seed) is allowed"
)
_MATRIX = 2
Named = Iterator[tuple[str, AnyArray]]


@dataclass(frozen=True)
class Input:
    """One input by its label.

    tensors: gives (name, matrix) one by one, for the plan's seeds and shape where they are drawn
    drawn:   whether each tensor is a draw of its own; else they are the parts of one thing
    left:    of a file, tensor -> why it is not measured; filled while `tensors` is read
    """

    label: str
    tensors: Callable[[Plan], Named]
    drawn: bool
    left: dict[str, str] = field(default_factory=dict)


def inputs_of(given: Any) -> list[Input]:
    """Return the inputs of `table(inputs=...)`: a mapping of labels, a sequence, or a single one.

    Raises: InputError for what is none of the allowed, for two of one label and for none at all.
    """
    if issubclass(type(given), Mapping):
        found = [input_of(value, str(label)) for label, value in given.items()]
    else:
        several = issubclass(type(given), Sequence) and not issubclass(type(given), str)
        found = [input_of(value) for value in (given if several else [given])]
    labels = [i.label for i in found]
    twice = next((n for n in labels if labels.count(n) > 1), None)
    if not found or twice is not None:
        what = "no input" if twice is None else f"two inputs are called {shown(twice)}"
        msg = f"{what}: inputs of different labels are allowed, as {{label: input}}"
        raise InputError(msg)
    return found


def input_of(given: Any, label: str | None = None) -> Input:
    """Return one input. Raises: OSError, InputError, ShapeError, DtypeError."""
    kind = type(given)
    if issubclass(kind, str) and given in FAMILIES:
        return _drawn(lambda s, seed: make(given, s, seed), label or DISTRIBUTION_LABELS.get(given, given))
    if issubclass(kind, (str, os.PathLike)):
        return _named(str(given), label)
    if callable(given):
        name = label or str(getattr(given, "__name__", "function"))
        return _drawn(lambda shape, seed: _called(given, name, shape, seed), name)
    name = label or "array"
    x = matrix(given, name)
    return Input(name, lambda _: iter([(name, x)]), drawn=False)


def _named(text: str, label: str | None) -> Input:
    """Return the input that a text names: a file by its ending, or a function after a colon."""
    path = Path(text)
    if text.endswith(".npy"):
        x = matrix(read_npy(path), text)
        return Input(label or path.name, lambda _: iter([(path.name, x)]), drawn=False)
    if text.endswith(".safetensors"):
        left: dict[str, str] = {}
        if not _any(path):
            msg = f"{path}: no tensor to measure: 2-D float32, float16 or bfloat16 of whole blocks is allowed"
            raise InputError(msg)
        return Input(label or path.name, lambda _: _of_file(path, left), drawn=False, left=left)
    if ":" in text:
        f = load_function(text)
        return _drawn(lambda shape, seed: _called(f, text, shape, seed), label or text)
    msg = f"input {shown(text)}: {ALLOWED}; distributions: {', '.join(FAMILIES)}"
    raise InputError(msg)


def _drawn(draw: Callable[[tuple[int, int], int], AnyArray], label: str) -> Input:
    def tensors(plan: Plan) -> Named:
        return ((f"seed {seed}", draw(plan.shape, seed)) for seed in range(plan.seeds))

    return Input(label, tensors, drawn=True)


def _called(f: Callable[..., Any], name: str, shape: tuple[int, int], seed: int) -> AnyArray:
    """Return what a function of (shape, seed) gives. Raises: InputError for what it raises, ShapeError."""
    what, allowed = f"{shown(name)} of ({shape}, {seed})", "a float array of that shape is allowed"
    with foreign(what, allowed):
        given = f(shape, seed)
    x = matrix(given, what)
    if x.shape != shape:
        msg = f"{what}: shape {x.shape}: {allowed}"
        raise ShapeError(msg)
    return x


def matrix(given: Any, name: str) -> AnyArray:
    """Return an array (..., C) as (R, C), C whole blocks. Raises: DtypeError, ShapeError, InputError."""
    x = as_numpy(given)
    if x.dtype not in DTYPES.values():
        msg = f"{shown(name)}: dtype {x.dtype}: {', '.join(DTYPES)} is allowed"
        raise DtypeError(msg)
    if x.ndim < _MATRIX or not x.size or x.shape[-1] % BLOCK:
        msg = f"{shown(name)}: shape {x.shape}: 2 axes or more are allowed, the last a multiple of {BLOCK}"
        raise ShapeError(msg)
    flat = x.reshape(-1, x.shape[-1])
    why = _unusable(flat)
    if why is not None:
        msg = f"{shown(name)}: {why}: finite values, not all 0, are allowed"
        raise InputError(msg)
    return flat


def _unusable(x: AnyArray) -> str | None:
    """Return why a tensor has no relative error."""
    if not np.isfinite(x).all():
        return "it holds a NaN or an infinity"
    return None if np.any(x) else "every value is 0"


def _any(path: Path) -> bool:
    with SafetensorsFile(path) as file:
        return any(unfit(i, 1, BLOCK) is None for i in file.tensors.values())


def _of_file(path: Path, left: dict[str, str]) -> Named:
    """Yield the tensors of a file that can be measured; the others go to `left` with the reason."""
    with SafetensorsFile(path) as file:
        for name, info in file.tensors.items():
            reason = unfit(info, 1, BLOCK)
            if reason is None:
                x = file.read_values(name, 0, int(np.prod(info.shape))).reshape(info.shape)
                reason = _unusable(x)
                if reason is None:
                    yield name, x
            if reason is not None:
                left[name] = reason
