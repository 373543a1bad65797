"""From a recipe to the constants of its kernels: -DFOS_AXIS=member for each axis, and what it lacks.

The header's enums are the list of what is carried out: they are read from its text, there is no second list.
"""

from __future__ import annotations

import re
from dataclasses import fields
from enum import Enum
from functools import cache
from importlib.resources import files

import numpy as np

from fos_ref.fast.admit import filter_holds
from fos_ref.formats.catalog import Negatives, UE4M3, UE5M3
from fos_ref.recipes.axes import ScaleFormat
from fos_ref.recipes.elements import Codes
from fos_ref.recipes.recipe import Recipe

HEADER = "fos_numerics.h"
FILTER = "fos_filter.h"
FILTER_WORDS = "fos_filter_words.h"  #: what it includes
INPUTS = ("float32", "bfloat16", "float16")
_INCLUDE = re.compile(r'#include "([^"]+)"')
_ENUM = re.compile(r"enum class (\w+) \{([^}]*)\}")


@cache
def source(name: str) -> str:
    """Return the text of a file of csrc."""
    return (files("fos_gpu") / "csrc" / name).read_text(encoding="utf-8")


@cache
def numerics() -> dict[str, str]:
    """Return the header and its parts by name: every text of which it is made."""
    text = source(HEADER)
    return {HEADER: text} | {name: source(name) for name in _INCLUDE.findall(text)}


@cache
def members() -> dict[str, frozenset[str]]:
    """Return the members of each enum of the header, by the enum's name without capitals."""
    found = _ENUM.findall("".join(numerics().values()))
    return {kind.lower(): frozenset(m.strip() for m in body.split(",")) for kind, body in found}


@cache
def axes() -> tuple[str, ...]:
    """Return the axes that the header has an enum of: those that decide a bit of the kernels."""
    return tuple(f.name for f in fields(Recipe) if f.name.replace("_", "") in members())


def member_name(value: Enum | None) -> str:
    """Return what an axis value is called in the header."""
    return "unset" if value is None else value.name.lower()


def unsupported(r: Recipe) -> str | None:
    """Return why the header cannot carry out a recipe, None if it can: the first axis value it lacks."""
    if r.stochastic:
        return "no kernel rounds stochastically"
    if r.search is not None and r.block_rows > 1:
        return "no kernel searches in tiles"
    for axis in axes():
        value = getattr(r, axis)
        if member_name(value) not in members()[axis.replace("_", "")]:
            return f"no kernel for {axis} {value.value!r}"
    return None


@cache
def admitted(r: Recipe) -> bool:
    """Return whether the fast path of fos_filter.h is proved for a recipe; it tests tensor scales itself."""
    consistent = [np.array(v, dtype=np.float32) for v in (r.range_max, 1, 1)]
    return unsupported(r) is None and r.search is None and bool(filter_holds(r, consistent))


def definitions(r: Recipe) -> tuple[str, ...]:
    """Return the -D options of a recipe; recipes with equal options have equal kernels."""
    named = [f"-DFOS_{axis.upper()}={member_name(getattr(r, axis))}" for axis in axes()]
    numbers = {
        "ELEMENT_MAX": r.element_max,
        "SCALE_MAX": r.scale_max,
        "BOUND": r.bound,
        "RANGE_MAX": r.range_max,
        "BLOCK_COLS": r.block_cols,
    }
    return (*named, *(f"-DFOS_{name}={value}" for name, value in numbers.items()), *grids(r), *tries(r))


@cache
def tries(r: Recipe) -> tuple[str, ...]:
    """Return the -D options of a recipe's search: what is varied, and the numbers that are tried in order."""
    search = r.search
    if search is None:
        return "-DFOS_TRIED=none", "-DFOS_TRIES=0u"
    factors = np.array([f for each in search.factors for f in each], dtype=np.float32).view(np.uint32)
    numbers = ",".join(f"{n}u" for n in (*factors.tolist(), *search.codes))
    return f"-DFOS_TRIED={member_name(search.tried)}", f"-DFOS_TRIES={numbers}"


@cache
def grids(r: Recipe) -> tuple[str, ...]:
    """Return the -D options of a recipe's number formats: fields of Grid in model/grids.h."""
    row = r.element
    scale = Codes(format={ScaleFormat.E5M3: UE5M3}.get(r.scale_format, UE4M3))
    each = {"FIRST": row.first, "SECOND": row.second or row.first, "SCALE": scale}
    exponent = (
        f"-DFOS_ELEMENT_EXPONENT={row.exponent}u" if r.scale_format.of_amax else "-DFOS_ELEMENT_EXPONENT=0u"
    )
    return (*(f"-DFOS_{name}_GRID={_grid(codes)}" for name, codes in each.items()), exponent)


def _grid(codes: Codes) -> str:
    info = codes.format
    nan = info.max_code if info.nan_code is None else info.nan_code
    turned = "true" if info.negatives is Negatives.TWOS_COMPLEMENT else "false"
    whole = (info.bits, info.exponent_bits, info.fraction_bits, info.bias)
    unsigned = (f"{n}u" for n in (info.max_code, nan))
    bits = (f"{n}u" for n in (codes.rescale_bits, codes.unit_bits))
    return ",".join((*map(str, whole), *unsigned, turned, *bits))


def fused(r: Recipe) -> bool:
    """Return whether the recipe itself says fma somewhere; no other kernel may hold one."""
    return "fused" in member_name(r.reduction) or "fused" in member_name(r.error_domain)
