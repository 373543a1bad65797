"""`fos_ref.verify.conformance`: run a kernel on the inputs that are known to break quantizers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.arguments import function, is_a, one_of, path, sizes, whole, words
from fos_ref.check.evidence.padding import Padding
from fos_ref.conformance.drawn import draw
from fos_ref.conformance.draws import Called, draws
from fos_ref.conformance.kernel import Failure, Kernel, names_amax
from fos_ref.conformance.report import Report
from fos_ref.conformance.stack import Stacks
from fos_ref.conformance.trials import (
    group_names,
    NotRun,
    SHAPES,
    STRATEGIES,
    tensor_trials,
    TENSORS,
    Trial,
    vector_trials,
)
from fos_ref.errors import InputError
from fos_ref.foreign import foreign, shown
from fos_ref.formats.environment import check_float_environment
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import swizzled_shape

PADDING = "padding"  #: the group of trials whose swizzled scales have padding: it has to be zero
_NAN = 0x7F
_MOST_VALUES = 1 << 26  #: of a trial's tensor
_NAN_BLOCKS = ("equal", "any")
_LAYOUTS = ("linear", "swizzled")


def conformance(
    f: Callable[..., Any],
    recipe: Recipe | str = "4over6",
    *,
    to: Callable[[Any], Any] | None = None,
    takes_amax: bool | None = None,
    dtypes: Sequence[str] = ("float32", "bfloat16"),
    scale_layout: str = "linear",
    groups: Sequence[str] | None = None,
    shapes: Sequence[tuple[int, int]] = SHAPES,
    examples: int = 50,
    golden: str | os.PathLike[str] | None = None,
    nan_blocks: str = "equal",
    diagnose: int = 2,
) -> Report:
    """Run the quantizer `f` on the vectors, tensors and strategies of a recipe; return a `Report`.

    f:          f(x) -> (codes, block scales), bytes in any framework's arrays; f(x, amax=...) if it has a
                parameter `amax`. Otherwise a caller's amax is added to x, in a block of its own
    to:         makes the input of f from a NumPy array, such as torch.from_numpy; None: NumPy arrays
    takes_amax: whether f takes `amax`; None: its signature says
    dtypes:     of the inputs; bfloat16 is ml_dtypes' NumPy type
    scale_layout: what f returns: "linear", or "swizzled" (128x4 tiles; the group `padding` wants zeros there)
    groups:     some of `conformance_groups(recipe)`; None: all
    shapes:     (rows, columns) of the whole tensors, rounded up to whole blocks
    examples:   how many Hypothesis draws for each dtype; without Hypothesis none, and the report says so
    golden:     a golden folder whose files give the expected bits; None: the vectors are made here
    nan_blocks: "equal": all bytes count; "any": a block whose scale byte is NaN on both sides counts as equal
    diagnose:   how many tensors of wrong answers the checker explains, about a second each
    Rounding:   none; bytes are compared.
    Raises:     RecipeError; InputError for an unknown group, dtype, layout or nan_blocks, a golden folder
                that is not there, a shape of more than 2^26 values. An exception of f is a finding of the
                report. ToolchainError where this thread flushes subnormals or does not round to nearest,
                before f or after it.
    """
    check_float_environment()
    r = get_recipe(recipe)
    function(f, "conformance: the kernel")
    known = group_names(r)
    chosen = known if groups is None else words(groups, known, "conformance: group")
    dtypes = words(dtypes, DTYPES, "conformance: dtype")
    one_of(scale_layout, _LAYOUTS, "conformance: scale_layout")
    one_of(nan_blocks, _NAN_BLOCKS, "conformance: nan_blocks")
    examples, diagnose = whole(examples, "conformance: examples"), whole(diagnose, "conformance: diagnose")
    shapes = _sizes(shapes)
    takes = _takes(f, to, takes_amax)
    if r.stochastic:  # f(x, random_bits=words), or f(x) judged by statistics
        return draws(Called(f, r, to, takes, scale_layout), dtypes, shapes if chosen else (), diagnose)
    kernel = Kernel(f, r, to, takes, scale_layout, nan_blocks)
    report, folder = Report(recipe=r), None if golden is None else _folder(golden)
    stacks = Stacks(r)
    for group in chosen:
        if group == STRATEGIES:
            _drawn(kernel, report, dtypes, examples)
        elif group == TENSORS:
            _each(kernel, tensor_trials(r, dtypes, shapes), report, stacks)
        else:
            _each(kernel, vector_trials(r, group, dtypes, takes_amax=takes, golden=folder), report, stacks)
    report.diagnoses = [*stacks.diagnoses(diagnose)]
    return report


def _takes(f: Any, to: Any, given: Any) -> bool:
    """Return whether f takes `amax`: as its signature says, or as the caller does."""
    if to is not None:
        function(to, "conformance: to")
    if given is not None and not is_a(given, bool):
        msg = f"conformance: takes_amax {shown(given)}: true or false is allowed"
        raise InputError(msg)
    return names_amax(f) if given is None else bool(given)


def _sizes(shapes: Any) -> tuple[tuple[int, int], ...]:
    with foreign(f"conformance: shapes {shown(shapes)}", "a list of (rows, columns) is allowed"):
        return tuple(map(_size, shapes))


def _size(shape: Any) -> tuple[int, int]:
    rows, columns = sizes(shape, "conformance: shape", 1)
    if rows * columns > _MOST_VALUES:
        msg = f"conformance: shape {shown((rows, columns))}: {_MOST_VALUES:,} values are allowed"
        raise InputError(msg)
    return rows, columns


def _folder(golden: Any) -> Path:
    """Return the golden folder. Raises: InputError where there is none: the vectors would be made instead."""
    found, allowed = path(golden, "conformance: golden"), "a golden folder is allowed"
    with foreign(f"conformance: golden {shown(golden)}", allowed):
        there = found.is_dir()
    if not there:
        msg = f"conformance: golden {shown(golden)}: no such folder: {allowed}"
        raise InputError(msg)
    return found


def _each(kernel: Kernel, trials: Iterable[Trial | NotRun], report: Report, stacks: Stacks) -> None:
    """Try each trial that can be run."""
    for t in trials:
        if isinstance(t, NotRun):
            report.not_run[t.why] += 1
        else:
            _tried(kernel, t, report, stacks)


def _tried(kernel: Kernel, t: Trial, report: Report, stacks: Stacks) -> None:
    """Try one trial, count it, and keep its answer for the checker."""
    found = kernel.failure(t)
    failure = found if isinstance(found, Failure) else None
    report.count(t.group, t.flags, failure, view=not t.x.flags.c_contiguous)
    answer = found.answer if isinstance(found, Failure) else found
    if answer is not None:
        report.decided += answer.decided
        if _padded(kernel, t):
            report.count(PADDING, (), None if answer.padding is None else _unclean(t, answer.padding))
    if answer is not None and _ordinary(t):
        stacks.add(t, answer, 0 if failure is None else failure.blocks, alone=t.group == TENSORS)


def _padded(kernel: Kernel, t: Trial) -> bool:
    """Return whether the scales of a trial have padding between them."""
    rows, columns = t.block_scales.shape
    return kernel.scale_layout == "swizzled" and swizzled_shape(rows, columns) != (rows, columns)


def _unclean(t: Trial, found: Padding) -> Failure:
    return Failure(trial=t, what=str(found))


def _ordinary(t: Trial) -> bool:
    """Return whether neither the input nor the recipe's scales have a NaN: codes beside one mean nothing."""
    return bool(np.all(np.isfinite(t.x.astype(np.float32))) and np.all((t.block_scales & _NAN) != _NAN))


def conformance_groups(recipe: Recipe | str = "4over6") -> tuple[str, ...]:
    """Return the names of the groups of trials that suit a recipe. Raises RecipeError."""
    return group_names(get_recipe(recipe))


def _drawn(kernel: Kernel, report: Report, dtypes: Sequence[str], examples: int) -> None:
    for dtype in dtypes:
        found = draw(kernel, dtype, examples)
        if found.not_run is not None:
            report.not_run[found.not_run] += 1
        if found.examples:
            report.count(STRATEGIES, (), found.failure, trials=found.examples)
