"""The first pass: every tensor amax, and the one that fused weights share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from fos_ref.engines.conversion.asked import Asked
from fos_ref.engines.conversion.plan import Plan
from fos_ref.engines.conversion.reading import Reading
from fos_ref.engines.conversion.units import Unit
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.environment import check_float_environment
from fos_ref.storage.conventions import stored_tensor_scale
from fos_ref.storage.fused import fused_groups
from fos_ref.storage.tensor_info import NUMPY_DTYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Amaxes:
    """The tensor amax of each matrix by name: its own, and the one that its tensor scale is made from."""

    own: Mapping[str, np.float32]
    used: Mapping[str, np.float32]
    apart: int  #: groups of fused weights whose tensor scales differ


def take(plan: Plan, reading: Reading) -> Amaxes:
    """Read every weight. Raises: InputError for one whose tensor scale cannot be stored."""
    own: dict[str, np.float32] = {}
    asked = plan.asked
    found = reading.each(_largest(reading, asked), _values(plan, reading))
    units = {u.name: u for u in plan.units}
    for name, parts in groupby(found, lambda p: p[0].name):
        amax = np.float32(0)
        for _, part in parts:
            amax = np.maximum(amax, part)
        own[name] = amax
        _check(units[name], amax, reading, asked)
    groups = fused_groups(own)
    used = dict(own)
    if asked.share == "fused":
        for group in groups:
            used |= dict.fromkeys(group, np.float32(max(own[n] for n in group)))
    stored = {n: _stored(used[n], units[n], asked) for group in groups for n in group}
    apart = sum(len({stored[n] for n in group}) > 1 for group in groups)
    return Amaxes(own=own, used=used, apart=apart)


def of_unit(unit: Unit, reading: Reading, asked: Asked) -> np.float32:
    """Read one matrix and return its amax. Raises: as `take`."""
    amax = np.float32(0)
    values = ((unit, chunk) for chunk in reading.counted(unit.values(reading.shards)))
    for _, part in reading.each(_largest(reading, asked), values):
        amax = np.maximum(amax, part)
    _check(unit, amax, reading, asked)
    return amax


def _values(plan: Plan, reading: Reading) -> Iterator[tuple[Unit, AnyArray]]:
    for unit in plan.units:
        for chunk in reading.counted(unit.values(reading.shards)):
            yield unit, chunk


def _largest(reading: Reading, asked: Asked) -> Callable[[tuple[Unit, AnyArray]], tuple[Unit, np.float32]]:
    def largest(item: tuple[Unit, AnyArray]) -> tuple[Unit, np.float32]:
        check_float_environment()
        return item[0], np.float32(reading.engine.amax(item[1], asked.recipe))

    return largest


def _stored(amax: np.float32, unit: Unit, asked: Asked) -> np.float32 | None:
    """Return the tensor scale that the convention stores; None where it has none."""
    if not asked.convention.tensor_scale:
        return None
    dtype = NUMPY_DTYPES[unit.weight.info.dtype]
    return stored_tensor_scale(amax, asked.recipe, asked.convention, dtype)


def _check(unit: Unit, amax: np.float32, reading: Reading, asked: Asked) -> None:
    """Raise InputError unless a tensor scale can be stored for a weight."""
    parameter = unit.weight.info.name
    try:
        if np.isfinite(amax):
            _stored(amax, unit, asked)
            return
        what = "has a NaN or an infinity"
    except InputError as e:
        what = str(e)
    path = reading.shards.file_of(parameter).path
    msg = f"{path}: {unit.name!r} {what}; --exclude {parameter!r} copies it unchanged"
    raise InputError(msg)
