"""Every preset that is `ran`, beside the peer's own program: no byte may differ."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import make
from fos_ref.recipes.axes import AmaxScope

from .cases import Case, cases
from .evidence import Evidence, Figures
from .mismatch import differing, differing_blocks, first_mismatch
from .peers.base import Output, PeerMissing
from .peers.catalog import PEER_OF

pytestmark = pytest.mark.peer
PRESETS = sorted(PEER_OF)
MINIMUM_BLOCKS = 100_000  #: of a preset
MINIMUM_OF_A_PEER = 1_000_000
MINIMUM_OF_A_SEARCH = 40_000
WHOLE = "FOS_PEERS_WHOLE"  #: in the environment: a search meets a million blocks too, which takes minutes
RAGGED = ((1, 1), (2, 3), (7, 5), (130, 1), (129, 7), (33, 65))  #: rows, blocks; rows are tiles for 16x16
AT_ONCE = 2  #: tensors; NumPy and torch both let go of the interpreter in their loops


def loaded(preset: str, evidence: Evidence | None = None):
    """Return the preset's peer; skip, and say so in the evidence, where it is not here."""
    try:
        PEER_OF[preset].load()
    except PeerMissing as reason:
        if evidence is not None:
            evidence.not_run[preset] = str(reason)
        pytest.skip(str(reason))
    return PEER_OF[preset]


def least_blocks(preset: str) -> int:
    """Return how many blocks a preset has to meet: a million for each peer, few of a slow search."""
    peer = PEER_OF[preset]
    if preset in peer.slow:
        return MINIMUM_OF_A_PEER if os.environ.get(WHOLE) else MINIMUM_OF_A_SEARCH
    return max(MINIMUM_BLOCKS, MINIMUM_OF_A_PEER // len(set(peer.presets) - peer.slow))


@dataclass(frozen=True)
class Compared:
    case: Case
    counts: dict[str, int]
    left_out: int
    report: str  #: "" where no byte differs


def compare(preset: str, case: Case) -> Compared:
    """Compare the preset with its peer on one tensor, but for the blocks that the peer's release names."""
    peer = PEER_OF[preset]
    want = peer.run(preset, case.x)
    got = fos_ref.quantize(case.x, preset, engine="numpy")
    but = left_out(preset, case.x, got, want)
    counts = differing(got, want, but)
    report = f"{preset} on {case.label}: {counts}\n{first_mismatch(case.x, got, want)}"
    return Compared(case, counts, int(but.sum()), report if any(counts.values()) else "")


def left_out(preset: str, x: np.ndarray, got: fos_ref.QuantizedTensor, want: Output) -> np.ndarray:
    """Return (R, B): blocks on which the program is not the preset, after proving what it is there.

    The recipe of a release has to give every byte of the tensor, and the preset all but the blocks that the
    release names. With a library's own arithmetic the preset has to give every byte.
    """
    peer, apart = PEER_OF[preset], differing_blocks(got, want)
    if preset in peer.releases:
        own = fos_ref.quantize(x, peer.released(preset), engine="numpy")
        but = peer.releases[preset].blocks(want)
    elif preset in peer.libraries and apart.any():
        with peer.libraries[preset].arithmetic():
            own = fos_ref.quantize(x, preset, engine="numpy")
        but = apart
    else:
        return np.zeros(want.block_scales.shape, dtype=bool)
    assert not differing_blocks(own, want).any(), f"{preset}, as it is\n{first_mismatch(x, own, want)}"
    assert not (differing_blocks(got, own) & ~but).any()
    return but


@pytest.mark.parametrize("preset", PRESETS)
def test_every_byte_is_equal(preset: str, evidence: Evidence) -> None:
    recipe, peer = fos_ref.recipe(preset), loaded(preset, evidence)
    figures = evidence.figures[preset] = Figures(recipe, peer)
    least = least_blocks(preset)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tensors = cases(
            recipe,
            peer.stated.get(preset, peer.dtypes),
            wide=least > MINIMUM_BLOCKS,
            few=least < MINIMUM_BLOCKS,
        )
        found = list(pool.map(lambda case: compare(preset, case), tensors))
    for c in found:
        figures.add(c.case, c.counts, c.left_out)
    assert figures.blocks >= least
    assert not any(c.report for c in found), "\n".join(c.report for c in found if c.report)


@pytest.mark.parametrize("preset", PRESETS)
def test_ragged_shapes_and_many_amaxes(preset: str) -> None:
    """Shapes that fill no 128x4 tile of scales, each with a tensor amax of its own, in the peer's dtypes."""
    peer, recipe = loaded(preset), fos_ref.recipe(preset)
    rng = np.random.default_rng(7)
    for number, (rows, blocks) in enumerate(RAGGED * 3):
        dtype = peer.dtypes[number % len(peer.dtypes)]
        x = make("normal", (rows * recipe.block_rows, blocks * max(recipe.block_cols, 16)), number, "float32")
        x = (x * np.float32(rng.uniform(0.01, 100))).astype(make("normal", (1, 16), 0, dtype).dtype)
        got, want = fos_ref.quantize(x, recipe, engine="numpy"), peer.run(preset, x)
        assert not any(differing(got, want).values()), first_mismatch(x, got, want)


def test_a_preset_says_ran_exactly_where_ci_runs_its_peer() -> None:
    ran = {name for name, r in fos_ref.PRESETS.items() if r.evidence == "ran"}
    assert ran == {preset for preset, peer in PEER_OF.items() if peer.in_ci}
    assert {n for n in PEER_OF if fos_ref.PRESETS[n].amax_scope is AmaxScope.ROW} == {
        n for n in PEER_OF if n.endswith("-row")
    }
