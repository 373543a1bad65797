"""A kernel whose codes random bits decide: given words where it takes them, else judged by statistics."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.stochastic.api import check_stochastic
from fos_ref.conformance.kernel import Failure
from fos_ref.conformance.report import Report
from fos_ref.conformance.trials import TENSORS, Trial
from fos_ref.engines.random_bits import elements_of
from fos_ref.errors import FosError
from fos_ref.formats.environment import check_float_environment
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import RandomFeed
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.tensor import QuantizedTensor

BITS = "random_bits"
_FAMILIES = ("normal", "coarse")
_SERVED = 4  #: values of a word where hardware decides which bits each gets


def names_bits(f: Any) -> bool:
    """Return whether a kernel has a parameter `random_bits`."""
    try:
        return BITS in inspect.signature(f).parameters
    except Exception:  # noqa: BLE001 -- a builtin, an object without a signature, or one that objects
        return False


@dataclass(frozen=True, slots=True)
class Called:
    """A kernel, and how it wants to be called."""

    f: Callable[..., Any]
    recipe: Recipe
    to: Callable[[Any], Any] | None
    takes_amax: bool
    scale_layout: str


def draws(k: Called, dtypes: Sequence[str], shapes: Sequence[tuple[int, int]], diagnose: int) -> Report:
    """Try a kernel on whole tensors of the shapes; count each trial, and explain the first that fail."""
    report, nothing = Report(recipe=k.recipe), np.empty((0, 0), dtype=np.uint8)
    for family in _FAMILIES:
        for dtype in dtypes:
            for i, (rows, columns) in enumerate(shapes):
                x = make(family, (rows, -(-columns // k.recipe.group) * k.recipe.group), i, dtype)
                name = f"{TENSORS}: {family} {x.shape[0]}x{x.shape[1]} {dtype}"
                trial = Trial(name=name, group=TENSORS, x=x, amax=None, codes=nothing, block_scales=nothing)
                report.count(TENSORS, (), _tried(k, trial, i, report))
    del report.diagnoses[diagnose:]
    return report


def _tried(k: Called, t: Trial, seed: int, report: Report) -> Failure | None:
    """Return what is wrong with one call; None where nothing is."""
    words = _words(k.recipe, t.x.shape, seed) if names_bits(k.f) else None
    given: dict[str, Any] = {} if words is None else {BITS: words.copy()}
    if k.takes_amax:
        given["amax"] = np.float32(np.abs(t.x.astype(np.float32)).max())
    x = t.x.copy()
    try:
        out = k.f(x if k.to is None else k.to(x), **given)
        codes, scales = (out.codes, out.block_scales) if isinstance(out, QuantizedTensor) else out
    except Exception as e:  # noqa: BLE001 -- whatever a kernel raises or returns is a finding about it
        return Failure(trial=t, what=f"it raised {type(e).__name__}: {e}", error=e)
    check_float_environment("after the kernel's call this thread")
    try:
        found = check_stochastic(t.x, codes, scales, k.recipe, words, scale_layout=k.scale_layout)
    except FosError as e:
        return Failure(trial=t, what=str(e))
    if found.equal:
        return None
    report.diagnoses.append((t.name, found))
    return Failure(trial=t, what=str(found).splitlines()[0])


def _words(r: Recipe, shape: tuple[int, int], seed: int) -> Any:
    """Return the words of one trial; those of two draws in one array."""
    serves = _SERVED if r.random_feed is RandomFeed.HARDWARE_DECIDES else elements_of(r)
    rng = np.random.default_rng(seed)
    width = 32 if r.rounds_elements else r.random_width  # of the number of a block scale
    each = rng.integers(0, 1 << width, (r.draws, shape[0], shape[1] // serves), dtype=np.uint32)
    return each if r.draws > 1 else each[0]
