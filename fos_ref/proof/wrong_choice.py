"""How often float32 picks the worse candidate, over millions of blocks of each input, for every 4/6 preset.

The counts are those of fos_ref.exactness.wrong_choice. The oracle tries to refute them: on chosen blocks,
wrong ones first, it quantizes the input's bits in integers and compares exact errors.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import TypeAlias

import numpy as np

from fos_ref.exactness.choice import decode_form
from fos_ref.exactness.choice_groups import families, Group, groups
from fos_ref.exactness.choice_inputs import INPUTS, Shape
from fos_ref.exactness.wrong_choice import Exact, judged, parts, sample, Tally, traces
from fos_ref.formats.arrays import AnyArray
from fos_ref.model.trace import Trace
from fos_ref.oracle.exact import BFLOAT16, FLOAT32, from_bits, Precision
from fos_ref.oracle.exact_error import exact_candidate_error
from fos_ref.oracle.quantize import quantize_block
from fos_ref.oracle.scales import tensor_scales
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.axes import ErrorDomain, Tie
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.recipe import Recipe

SHAPE = (1024, 1024)
SEEDS = 64
RECHECKED_SEEDS = 4  #: of these tensors, some blocks of the first chunk are checked by the oracle
RECHECKED = 3  #: wrong blocks, and as many right ones, per group
COLUMNS = "blocks exact_ties flipped ties_broken by_rationals cost largest_margin"

Task: TypeAlias = tuple[str, Shape, int, bool]
Found: TypeAlias = tuple[list[Tally], int, int]


def wrong_choice(progress: Progress, jobs: int) -> Finding:
    """Count over SEEDS tensors of SHAPE for each input; near ties: over an eighth of that."""
    return measure(progress, jobs, shape=SHAPE, seeds=SEEDS, rechecked=RECHECKED_SEEDS)


def measure(progress: Progress, jobs: int, *, shape: Shape, seeds: int, rechecked: int) -> Finding:
    """Return the counts, and how many blocks the oracle judged otherwise."""
    tasks = [(name, shape, seed, seed < rechecked) for name, seed in product(INPUTS, range(seeds))]
    total = {name: [Tally() for _ in groups()] for name in INPUTS}
    checked = wrong = 0
    for done, ((name, *_), found) in enumerate(zip(tasks, _results(tasks, jobs), strict=True), start=1):
        for whole, part in zip(total[name], found[0], strict=True):
            whole.add(part)
        checked, wrong = checked + found[1], wrong + found[2]
        progress(done, len(tasks))
    return Finding(
        compared=sum(t.blocks for tallies in total.values() for t in tallies),
        unexplained=wrong,
        figures={
            "sample": f"{seeds} tensors of {shape[0]} x {shape[1]} values an input; near-tie: an eighth",
            "checked_by_the_oracle": checked,
            "columns": COLUMNS,
            **{name: _rows(tallies) for name, tallies in total.items()},
            "presets": {g.name: " ".join(g.presets) for g in groups()},
        },
    )


def _rows(tallies: Sequence[Tally]) -> dict[str, str]:
    return {g.name: row(t) for g, t in zip(groups(), tallies, strict=True)}


def row(t: Tally) -> str:
    """Return the figures of COLUMNS, blanks between them."""
    counts = (t.blocks, t.ties, t.flipped, t.broken, t.rational)
    return " ".join([*map(str, counts), t.cost, t.margin_text])


def _results(tasks: Sequence[Task], jobs: int) -> Iterator[Found]:
    """Yield the result of each task in order: float sums are added in one order, whatever the machine."""
    if jobs == 1:
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(work, tasks)


def work(task: Task) -> Found:
    """Return (tallies, blocks checked by the oracle, blocks on which it differs) of one tensor."""
    name, shape, seed, check = task
    tallies = sample(name, shape, seed)
    checked = wrong = 0
    if check:
        for family in families():
            for x, alike in parts(name, shape, seed, family):
                one = recheck(x, alike)
                checked, wrong = checked + one[0], wrong + one[1]
    return tallies, checked, wrong


# --- the oracle's word --------------------------------------------------------------------------------


def recheck(x: AnyArray, family: Sequence[Group]) -> tuple[int, int]:
    """Return (blocks checked, blocks on which the oracle differs) in the first chunk of x.

    Every preset of a group is asked in turn, so that the grouping is checked too.
    """
    t = next(traces(x, family[0].recipe))
    precision = BFLOAT16 if x.dtype.itemsize < np.dtype(np.float32).itemsize else FLOAT32
    checked = differing = 0
    for group, (exact, picked4) in zip(family, judged(t, family), strict=True):
        for n, i in enumerate(_blocks_to_check(exact, picked4, group)):
            preset = PRESETS[group.presets[n % len(group.presets)]]
            verdict = bool(picked4[i]), int(exact.verdict.sign[i])
            differing += verdict != oracle_verdict(t, i, preset, precision)
            checked += 1
    return checked, differing


def _blocks_to_check(exact: Exact, picked4: AnyArray, group: Group) -> list[int]:
    """Return the first RECHECKED wrong blocks and as many right ones, evenly spaced."""
    sign = exact.verdict.sign
    best = sign <= 0 if group.recipe.tie is Tie.FOUR else sign < 0
    wrong, right = np.flatnonzero(picked4 != best), np.flatnonzero(picked4 == best)
    spaced = right[:: max(1, len(right) // RECHECKED)][:RECHECKED]
    return [*wrong[:RECHECKED].tolist(), *spaced.tolist()]


def oracle_verdict(t: Trace, i: int, r: Recipe, precision: Precision) -> tuple[bool, int]:
    """Return (picks map-to-4, sign of the exact err4 - err6) of block i, from the bits of x and of A."""
    picked4, err4, err6 = oracle_errors(t, i, r, precision)
    return picked4, (err4 > err6) - (err4 < err6)


def oracle_errors(t: Trace, i: int, r: Recipe, precision: Precision) -> tuple[bool, Fraction, Fraction]:
    """Return (picks map-to-4, exact err4, exact err6) of block i, from the bits of x and of A."""
    x = t.x.reshape(-1, t.x.shape[-1])[i].view(np.uint32).tolist()
    amax = np.broadcast_to(t.scales.amax, t.block_amax.shape).ravel()[i]
    scales = tensor_scales(from_bits(int(amax.view(np.uint32))), r, precision)
    block = quantize_block(x, scales, r)
    assert block.map4 is not None
    assert block.map6 is not None
    if r.error_domain is ErrorDomain.TRIAL:
        own = {"A/C": ErrorDomain.INPUT_AMAX, "D": ErrorDomain.INPUT_DECODE}[decode_form(r)]
        r = replace(r, error_domain=own)
    err4, err6 = (exact_candidate_error(c, x, scales, r) for c in (block.map4, block.map6))
    return block.picked4, err4, err6


PROOF = Proof(
    name="wrong-choice",
    claim="The number of blocks in which float32 keeps another candidate than exact errors would is exact: "
    "the integer oracle, asked from the input's bits, makes the same two choices on every block it is shown.",
    run=wrong_choice,
    minutes=15,
)
