"""Inspect a quantized checkpoint: convention, reading, bound, rule, special bytes, and the dialect.

Without the original: one pass over the block scales (layout) and one over codes and scales (counts). With it:
one pass over the original for the tensor amaxes, and a sample of blocks compared with every preset that fits.
Memory holds the block scales of one weight, chunks of its codes, and counts.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from fos_ref.arguments import path as a_path
from fos_ref.arguments import whole
from fos_ref.errors import InputError
from fos_ref.errors.text import NAMES, shown
from fos_ref.formats.bits import widen
from fos_ref.formats.environment import check_float_environment
from fos_ref.inspect.agree import allows
from fos_ref.inspect.contenders import contenders
from fos_ref.inspect.dialect import row_groups, Search
from fos_ref.inspect.files import (
    codes_of,
    convention_of,
    manifest_of,
    stored_scale,
    unlike,
    values_of,
)
from fos_ref.inspect.findings import Finding, largest_product, UNTOLD
from fos_ref.inspect.layout import LayoutVotes
from fos_ref.inspect.reading import (
    best_reading,
    errors_of_readings,
    form_of,
    Reading,
    reading_findings,
    swapped,
    usable,
)
from fos_ref.inspect.report import Inspection, WeightFound
from fos_ref.inspect.tally import code_chunks, linear, scales_of, Tally, tally_rows
from fos_ref.storage.held import Held, held_weights, ScaleLayout
from fos_ref.storage.safetensors_read import NUMPY_DTYPES
from fos_ref.storage.shards import Shards

BLOCKS = 1 << 20  #: compared with the presets unless more are asked for
AMAX_VALUES = 1 << 20  #: of the original, read at once
#: Called with (bytes done, bytes in all).
Progress = Callable[[int, int], None]


def inspect(
    path: str | os.PathLike[str],
    against: str | os.PathLike[str] | None = None,
    *,
    blocks: int | None = BLOCKS,
    progress: Progress | None = None,
) -> Inspection:
    """Inspect the quantized checkpoint `path`; return an `Inspection` with a finding for each property.

    path:     a safetensors file, or the index.json of its shards
    against:  the checkpoint of which it was made; its weights are quantized again to name the dialect
    blocks:   how many blocks to compare with every preset, spread over the weights; None: all
    progress: called with (bytes done, bytes in all)
    Raises:   OSError; CheckpointError for a damaged file; InputError for a file without NVFP4 weights, and
              for an original that has none of them.
    """
    check_float_environment()
    blocks = None if blocks is None else whole(blocks, "inspect: blocks", 1)
    path, against = a_path(path, "checkpoint"), None if against is None else a_path(against, "against")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(Shards(path))
        original = None if against is None else stack.enter_context(Shards(against))
        found, unread = held_weights(file.tensors)
        if not found:
            what = (
                _reasons(unread)
                or "U8 codes beside block scales, named as modelopt, compressed-tensors or torchao do"
            )
            msg = f"{file.path}: none of its {len(file.tensors)} tensors is an NVFP4 weight: {what}"
            raise InputError(msg)
        walk = _Walk(file, original, found, blocks, progress)
        return walk.run(unread)


def _reasons(unread: dict[str, str]) -> str:
    """Return the first reasons why tensors are no NVFP4 weight, and how many there are besides."""
    first = [f"{shown(name)}: {why}" for name, why in islice(unread.items(), NAMES)]
    rest = len(unread) - len(first)
    return "; ".join([*first, f"and {rest:,} more tensors"] if rest else first)


@dataclass(slots=True)
class _Walk:
    """One inspection under way."""

    file: Shards
    original: Shards | None
    found: Sequence[Held]
    blocks: int | None
    progress: Progress | None
    done: int = 0
    not_compared: dict[str, str] = field(default_factory=dict)
    votes: LayoutVotes = field(default_factory=LayoutVotes)
    amaxes: dict[str, np.float32] = field(default_factory=dict)

    def run(self, unread: dict[str, str]) -> Inspection:
        """Take all passes."""
        for held in self.found:
            self._prepare(held)
        if self.original is not None and not self.amaxes:
            name, why = next(iter(self.not_compared.items()))
            msg = f"{self.original.path}: no weight can be compared: {shown(name)}: {why}"
            raise InputError(msg)
        parts = {i.name for h in self.found for i in (h.codes, h.block_scales, h.tensor_scale) if i}
        plain = Inspection(
            path=str(self.file.path),
            against=None if self.original is None else str(self.original.path),
            weights=tuple(self._weight(held) for held in self.found),
            convention=convention_of(self.file, self.found),
            unread=unread,
            others=len(set(self.file.tensors) - parts - set(unread)),
            manifest=manifest_of(self.file),
        )
        return plain if self.original is None else self._compare(plain, self.original)

    def _prepare(self, held: Held) -> None:
        """Let the block scales vote on the layout; take the amax of the original."""
        self.votes.add(scales_of(self.file, held), held)
        self._advance(held.block_scales.nbytes)
        if self.original is None:
            return
        why = unlike(held, self.original)
        if why is None:
            amax = self._amax(self.original, held)
            why = None if np.isfinite(amax) else "the original has a NaN or an infinity"
            self.amaxes[held.name] = amax
        if why is not None:
            self.not_compared[held.name] = why
            self.amaxes.pop(held.name, None)

    def _amax(self, original: Shards, held: Held) -> np.float32:
        amax, size = np.float32(0), held.shape[0] * held.shape[1]
        for start in range(0, size, AMAX_VALUES):
            x = original.read_values(held.name, start, min(start + AMAX_VALUES, size))
            amax = np.maximum(amax, np.abs(widen(x)).max())
            self._advance(x.nbytes)
        return np.float32(amax)

    def _weight(self, held: Held) -> WeightFound:
        """Read a weight and count it."""
        raw, stored = scales_of(self.file, held), stored_scale(self.file, held)
        compared = self.original is not None and held.name in self.amaxes
        errors = (
            errors_of_readings(self.file, held, raw, stored, self.original)
            if compared and self.original
            else {}
        )
        reading = best_reading(errors) or Reading(self._layout(held), False, held.convention.form)  # noqa: FBT003
        tally, scales = Tally(), linear(raw, held, reading.layout)
        for rows, packed in code_chunks(self.file, held):
            tally_rows(tally, packed, scales[rows])
            self._advance(packed.nbytes + scales[rows].nbytes)
        read = reading_findings(errors) or self._unaided(held, stored, largest_product(tally.units))
        return WeightFound(held=held, stored=stored, reading=reading, read=read, tally=tally)

    def _layout(self, held: Held) -> ScaleLayout:
        """Return the layout to count in: what the shape says, what stands out, else linear."""
        winner = self.votes.winner()
        return held.layout or (winner if winner in held.layouts else None) or ScaleLayout.LINEAR

    def _unaided(self, held: Held, stored: np.float32 | None, product: float) -> dict[str, Finding]:
        """Return how the bytes are read where no original tells."""
        nibbles = f"{UNTOLD}; {held.convention.name} puts the first code into the low nibble"
        return {
            "tensor_scale": form_of(stored, product, held.convention.form),
            "nibble_order": Finding(None, nibbles),
            "scale_layout": self._layout_finding(held),
        }

    def _layout_finding(self, held: Held) -> Finding:
        if held.layout is not None:
            size = f"block scales {list(held.block_scales.shape)} for {list(held.scale_shape)} blocks"
            return Finding(held.layout.value, size)
        winner = self.votes.winner()
        shares = ", ".join(f"{k.value} {v:.1%}" for k, v in self.votes.shares().items())
        if winner is None or winner not in held.layouts:
            return Finding(None, f"{UNTOLD}: rows and columns do not stand out; the names say linear")
        return Finding(winner.value, f"rows and columns explain most of the block scales so: {shares}")

    def _compare(self, plain: Inspection, original: Shards) -> Inspection:
        """Quantize a sample of the original by every preset that the findings allow."""
        told = plain.rule.at_4 + plain.rule.at_6
        name = plain.weights[0].held.convention.name
        search = Search(contenders(allows(plain.findings, told), name, plain.recipe), self.amaxes)
        weights = [w for w in plain.weights if w.held.name in self.amaxes and usable(w.stored)]
        for w in plain.weights:
            if not usable(w.stored):
                self.not_compared[w.held.name] = f"its tensor scale is {w.stored}"
        total = max(1, sum(w.held.blocks for w in weights))
        fraction = 1.0 if self.blocks is None else min(1.0, self.blocks / total)
        for w in weights:
            self._compare_weight(w, search, original, fraction)
        return replace(
            plain,
            ranked=tuple(search.ranked()) if weights else (),
            compared=tuple(w.held.name for w in weights),
            not_compared=self.not_compared,
        )

    def _compare_weight(self, w: WeightFound, search: Search, original: Shards, fraction: float) -> None:
        held, form = w.held, w.reading.form or w.held.convention.form
        dtype = NUMPY_DTYPES[original.tensors[held.name].dtype]
        part = search.weight(held.name, replace(held.convention, form=form), w.stored, dtype)
        scales = linear(scales_of(self.file, held), held, w.reading.layout)
        for group in row_groups(held.shape, fraction):
            x = np.concatenate([values_of(original, held, rows) for rows in group])
            packed = np.concatenate([codes_of(self.file, held, rows) for rows in group])
            packed = swapped(packed) if w.reading.high_first else packed
            part.compare(x, packed, np.concatenate([scales[rows] for rows in group]))
            search.drop_the_beaten()

    def _advance(self, nbytes: int) -> None:
        self.done += nbytes
        if self.progress is not None:
            total = sum(2 * h.block_scales.nbytes + h.codes.nbytes for h in self.found)
            if self.original is not None:
                total += sum(
                    self.original.tensors[h.name].nbytes
                    for h in self.found
                    if h.name in self.original.tensors
                )
            self.progress(self.done, total)
