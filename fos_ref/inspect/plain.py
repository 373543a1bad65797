"""Weights without an original: read as shapes, names and the spread of block scales say, and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fos_ref.inspect.findings import Facts, Finding, UNTOLD
from fos_ref.inspect.layout import LayoutVotes
from fos_ref.inspect.reading import form_of, Nibbles, Reading, usual_nibbles
from fos_ref.inspect.tally import Tally, tally_rows
from fos_ref.inspect.weight import WeightFound
from fos_ref.storage.held import BlockFormat, Held, ScaleLayout
from fos_ref.storage.held_bytes import code_chunks, linear, Readable, scales_of, tensor_scale_of

_GGML = "as ggml has it"


def votes_of(file: Readable, weights: Sequence[Held]) -> LayoutVotes:
    """Let the block scales of weights vote on their layout."""
    votes = LayoutVotes()
    for held in weights:
        votes.add(scales_of(file, held), held)
    return votes


def read_plainly(
    file: Readable, held: Held, votes: LayoutVotes, advance: Callable[[int], None]
) -> WeightFound:
    """Return a weight read by what its file says alone."""
    raw, stored = scales_of(file, held), tensor_scale_of(file, held)
    form = held.family.form if stored is not None else None
    reading = Reading(_layout(held, votes), usual_nibbles(held), form)
    tally, scales = Tally(), linear(raw, held, reading.layout)
    for rows, packed in code_chunks(file, held):
        tally_rows(tally, packed, scales[rows])
        advance(packed.nbytes)
    facts = Facts.of(tally, held.format)
    return WeightFound(
        held=held,
        stored=stored,
        reading=reading,
        read=_findings(held, stored, facts, votes),
        facts=facts,
    )


def _layout(held: Held, votes: LayoutVotes) -> ScaleLayout:
    """Return the layout to count in: what the shape says, what stands out, else linear."""
    winner = votes.winner()
    return held.layout or (winner if winner in held.layouts else None) or ScaleLayout.LINEAR


def _findings(held: Held, stored: np.float32 | None, facts: Facts, votes: LayoutVotes) -> dict[str, Finding]:
    nibbles = f"{UNTOLD}; {held.family.name} puts the first code into the low nibble"
    form = form_of(stored, facts.product, held.family.form)
    if stored is None and held.format is BlockFormat.MXFP4:
        form = Finding(None, "MXFP4 has no tensor scale")
    return {
        "tensor_scale": form,
        "nibble_order": Finding(Nibbles.HALVES.value, _GGML) if held.interleaved else Finding(None, nibbles),
        "scale_layout": _layout_finding(held, votes),
    }


def _layout_finding(held: Held, votes: LayoutVotes) -> Finding:
    if held.interleaved:
        return Finding(ScaleLayout.LINEAR.value, "each block of ggml has its scales before its codes")
    if held.layout is not None:
        size = f"block scales {list(held.block_scales.shape)} for {list(held.scale_shape)} blocks"
        return Finding(held.layout.value, size)
    winner = votes.winner()
    shares = ", ".join(f"{k.value} {v:.1%}" for k, v in votes.shares().items())
    if winner is None or winner not in held.layouts:
        return Finding(None, f"{UNTOLD}: rows and columns do not stand out; the names say linear")
    return Finding(winner.value, f"rows and columns explain most of the block scales so: {shares}")
