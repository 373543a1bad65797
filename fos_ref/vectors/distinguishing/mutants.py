"""For each mutant an input on which it differs from the recipe it is shown on.

The search is deterministic, small inputs first: one block, a few blocks, then one block cut out of a large
tensor together with the tensor amax it was seen under.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.errors import GoldenFormatError, InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.mutants.catalogue import Mutant, MUTANTS
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import one_a_byte
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.vectors.bits import input_json, Json, read_input, result, Side
from fos_ref.vectors.bits_text import from_hex, to_hex
from fos_ref.vectors.distinguishing.outcomes import amax_for, Block, Input, inputs

_QUILT = ((1.0, 0.37, 0.11), (0.23, 0.71, 0.053), (0.59, 0.17, 0.83))
_EDGES = 64
_SMALL_SQUARES = range(58, 76, 2)  #: powers of two whose squares, times an error, are subnormal


@dataclass(frozen=True, slots=True)
class MutantVector:
    """A vector read back."""

    name: str  #: mutant: its name
    mutant: str
    flag: str
    input: Input
    sides: tuple[Side]  #: the recipe and what it gives
    wrong: Any  #: what an implementation with the mistake gives

    @property
    def axis(self) -> None:
        """No axis is told apart."""
        return


def mutant_vectors(progress: Callable[[], None], edition: int = 1) -> list[Json]:
    """Search a vector for every mutant of an edition; GoldenFormatError where there is none: no mistake."""
    found = []
    for m in (m for m in MUTANTS.values() if m.edition == edition):
        given = find(m)
        if given is None:
            msg = f"mutant {m.name}: no input tells it from {m.recipe}"
            raise GoldenFormatError(msg)
        found.append(_vector(m, given))
        progress()
    return found


def _vector(m: Mutant, given: Input) -> Json:
    r = PRESETS[m.recipe]
    with m.planted():
        wrong = result(r, given, "numpy")
    return {
        "mutant": m.name,
        "flag": m.flag,
        "recipe": m.recipe,
        "fingerprint": r.fingerprint(),
        **input_json(given),
        "expected": result(r, given, "numpy"),
        "wrong": wrong,
    } | ({} if m.edition == 1 else {"buffer_bits": _buffer_bits(given)})


def _buffer_bits(given: Input) -> list[str] | None:
    """Return the larger array whose upper left corner the input is; None for a tensor of its own."""
    buffer = given.buffer
    return None if buffer is None else to_hex(buffer)


def read_mutant_vector(v: Json) -> MutantVector:
    """Return a vector of a file that fits its schema; GoldenFormatError where it catches nothing."""
    name = f"mutant: {v['mutant']}"
    if v["recipe"] not in PRESETS:
        msg = f"{name}: recipe {shown(v['recipe'])}: the name of a preset is allowed"
        raise GoldenFormatError(msg)
    if v["expected"] == v["wrong"]:
        msg = f"{name}: the mistake gives what is expected, so nothing is caught"
        raise GoldenFormatError(msg)
    side = Side(PRESETS[v["recipe"]], v["fingerprint"], v["expected"])
    given = _in_buffer(read_input(v, name), v, name)
    return MutantVector(name, v["mutant"], v["flag"], given, (side,), v["wrong"])


def _in_buffer(given: Input, v: Json, name: str) -> Input:
    """Return the input as a part of the larger array that the vector may have."""
    bits = v.get("buffer_bits")
    if bits is None:
        return given
    rows, cols = given.x.shape
    shape = (len(bits), len(bits[0].split(" ")) if bits else 0)
    buffer = from_hex(bits, v["dtype"], shape, f"{name}: buffer_bits").copy()
    if shape[0] < rows or shape[1] <= cols or to_hex(buffer[:rows, :cols]) != v["x_bits"]:
        msg = f"{name}: the upper left corner of buffer_bits is not x_bits"
        raise GoldenFormatError(msg)
    return replace(given, x=buffer[:rows, :cols])


def find(m: Mutant) -> Input | None:
    """Return the first input of the search on which a mutant's bytes are not its recipe's; None: nowhere."""
    r = PRESETS[m.recipe]
    block = (r.block_rows, r.block_cols)
    edges = _edges(r) if r.chooses else ()
    for whole, tried in (
        (True, _ordinary(block)),
        (False, edges),
        (True, (*inputs("corners", block), *_tiny(block))),
        (False, (*inputs("common", block), *inputs("rare", block))),
        (True, _of_memory(block)),
    ):
        for tensor in tried:
            given = tensor if whole else _cut(m, r, tensor)
            if given is not None and _differs(m, r, given) is not None:
                return given
    return None


@cache
def _ordinary(block: Block) -> tuple[Input, ...]:
    """Return small inputs: ordinary blocks, their mirror images, a few blocks at once."""
    ramp = _ramp(block)
    quilt = np.block([[ramp * np.float32(f) for f in row] for row in _QUILT])
    column = np.concatenate([ramp * np.float32(1 / n) for n in range(1, block[1] + 1)])
    return (*inputs("ramps", block), *(Input(x=x) for x in (-ramp, ramp[:, ::-1].copy(), quilt, column)))


@cache
def _of_memory(block: Block) -> tuple[Input, ...]:
    """Return four rows of blocks, and a part of a wider tensor: two of its three columns of blocks."""
    ramp = _ramp(block)
    fours = np.block([[ramp * np.float32(f / n) for f in _QUILT[0]] for n in range(1, 5)])
    buffer = np.block([[ramp * np.float32(f) for f in row] for row in _QUILT])
    return (Input(x=fours), Input(x=buffer[:, : 2 * block[1]]))


@cache
def _tiny(block: Block) -> tuple[Input, ...]:
    return tuple(Input(x=_ramp(block) * np.float32(2.0**-power)) for power in _SMALL_SQUARES)


def _ramp(block: Block) -> F32:
    return np.asarray(inputs("ramps", block)[0].x, dtype=np.float32)


@cache
def _edges(r: Recipe) -> tuple[Input]:
    return (Input(x=choice_edges(r, _EDGES, seed=0), amax=np.float32(AMAX)),)


def _cut(m: Mutant, r: Recipe, given: Input) -> Input | None:
    """Return the first block of a large tensor on which the mutant differs, with the tensor's amax."""
    at = _differs(m, r, given)
    right = _right(r, given)
    if at is None or right is None:
        return None
    row, col = at[0] // r.block_rows * r.block_rows, at[1] // r.block_cols * r.block_cols
    x = given.x[row : row + r.block_rows, col : col + r.block_cols].copy()
    amax = right.tensor_amax
    return Input(x=x, amax=np.float32(amax if amax.ndim == 0 else amax[row]))


def _differs(m: Mutant, r: Recipe, given: Input) -> tuple[int, int] | None:
    """Return the first element whose code or block scale is another; (0, 0) where one refuses the input."""
    right, wrong = _right(r, given), _made(given, lambda x, amax: m.quantize(x, r, amax=amax), r)
    if right is None or wrong is None:
        return None if right is wrong else (0, 0)
    different = _elements(right) != _elements(wrong)
    if not different.any():
        return None
    row, col = np.unravel_index(int(np.argmax(different)), different.shape)
    return int(row), int(col)


@cache
def _right(r: Recipe, given: Input) -> QuantizedTensor | None:
    return _made(given, lambda x, amax: quantize(x, r, amax=amax, engine="numpy"), r)


def _made(given: Input, by: Callable[[AnyArray, Any], QuantizedTensor], r: Recipe) -> QuantizedTensor | None:
    try:
        return by(given.x, amax_for(r, given))
    except InputError:
        return None


def _elements(q: QuantizedTensor) -> AnyArray:
    """Return code and block scale of each element in one number (R, C)."""
    scales = np.repeat(q.block_scales, q.recipe.block_cols, axis=1).astype(np.uint16)
    return scales << np.uint16(8) | one_a_byte(q.codes, q.recipe)
