"""Inspect a quantized checkpoint: convention, reading, bound, rule, bytes, dialect, and what is wrong.

Without the original: one pass over the block scales (layout) and one over codes and scales (counts). With it
each weight is read, counted and quantized anew in one pass, after a first look at a few rows of some weights.
Memory holds one weight's block scales, chunks of its codes, and numbers for each weight.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from itertools import islice

from fos_ref.arguments import is_a, whole
from fos_ref.arguments import path as a_path
from fos_ref.errors import InputError
from fos_ref.errors.text import NAMES, shown
from fos_ref.foreign import foreign
from fos_ref.foreign import shown as foreign_shown
from fos_ref.formats.environment import check_float_environment
from fos_ref.inspect.job import Job
from fos_ref.inspect.report import Inspection
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held_find import Found, held_weights
from fos_ref.storage.shards import Shards

BLOCKS = 1 << 24  #: compared with the original unless more are asked for: 268 million weights
_PAIR = 2
#: Called with (bytes done, bytes in all).
Progress = Callable[[int, int], None]


def inspect(
    path: str | os.PathLike[str],
    against: str | os.PathLike[str] | None = None,
    *,
    blocks: int | None = BLOCKS,
    recipe: Recipe | str | None = None,
    renames: Sequence[tuple[str, str]] = (),
    progress: Progress | None = None,
) -> Inspection:
    """Inspect the quantized checkpoint `path`; return an `Inspection` with findings and problems.

    path:     a safetensors or GGUF file, the index.json of shards, or a folder that has one of them
    against:  the checkpoint of which it was made, whose weights are quantized again to name the dialect; or
              another quantized one, whose bytes are compared weight by weight
    blocks:   how many blocks to compare, spread over the weights; None: all
    recipe:   what is said to have made the file: takes part among the dialects, and without an original the
              bytes are held against what it can give
    renames:  (old, new): names of `path` that begin with old are looked up in `against` with new instead
    progress: called with (bytes done, bytes in all)
    Raises:   OSError; CheckpointError for a damaged file; InputError for a file without quantized weights,
              and for an original that has none of them; RecipeError for an unknown recipe.
    """
    check_float_environment()
    blocks = None if blocks is None else whole(blocks, "inspect: blocks", 1)
    path, against = a_path(path, "checkpoint"), None if against is None else a_path(against, "against")
    asked = None if recipe is None else get_recipe(recipe)
    pairs = _renames(renames)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(Shards(path))
        original = None if against is None else stack.enter_context(Shards(against))
        found = held_weights(file.tensors)
        if not found.weights:
            raise _nothing(file, found)
        return Job(file, original, found, blocks, asked, pairs, progress).run()


def _renames(renames: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the renamings; InputError for anything but pairs of texts."""
    what, allowed = f"inspect: renames {foreign_shown(renames)}", "pairs of texts (old, new) are allowed"
    with foreign(what, allowed):
        pairs = [tuple(p) if is_a(p, (tuple, list)) else () for p in renames]
    texts = all(len(p) == _PAIR and all(is_a(t, str) for t in p) for p in pairs)
    if not texts or is_a(renames, (str, bytes, set, frozenset, dict)):  # they hold no pairs, or no order
        msg = f"{what}: {allowed}"
        raise InputError(msg)
    return [(str(old), str(new)) for old, new in pairs]


def _nothing(file: Shards, found: Found) -> InputError:
    """Return the error for a file without a weight that can be read."""
    what = _reasons(found.unread) or (
        "U8 codes beside block scales, named as modelopt, compressed-tensors, gpt-oss, torchao or MLX do, or "
        "GGUF of type NVFP4 or MXFP4"
    )
    halves = [g.parameter for g in found.groups if g.parameter not in found.unread]
    if halves and not found.unread:
        what = f"only parts of some are there, as of {shown(halves[0])}"
    msg = f"{file.path}: none of its {len(file.tensors)} tensors is an NVFP4 or MXFP4 weight: {what}"
    return InputError(msg)


def _reasons(unread: dict[str, str]) -> str:
    """Return the first reasons why tensors are no quantized weight, and how many there are besides."""
    first = [f"{shown(name)}: {why}" for name, why in islice(unread.items(), NAMES)]
    rest = len(unread) - len(first)
    return "; ".join([*first, f"and {rest:,} more tensors"] if rest else first)
