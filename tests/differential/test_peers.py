"""Every te-*, flashinfer-* and fouroversix-* preset beside the peer's own program: no byte may differ."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.recipes.axes import AmaxScope
from fos_ref.verify.distributions import make

from .cases import cases
from .evidence import Evidence, Figures
from .mismatch import differing, first_mismatch
from .peers.base import PeerMissing
from .peers.catalog import PEER_OF

pytestmark = pytest.mark.peer
PRESETS = sorted(PEER_OF)
MINIMUM_BLOCKS = 100_000
FAMILIES = {"te", "flashinfer", "fouroversix"}
RAGGED = ((1, 16), (2, 48), (7, 80), (130, 16), (129, 112), (33, 1040))


def loaded(preset: str, evidence: Evidence | None = None):
    """Return the preset's peer; skip, and say so in the evidence, where it is not here."""
    try:
        PEER_OF[preset].load()
    except PeerMissing as reason:
        if evidence is not None:
            evidence.not_run[preset] = str(reason)
        pytest.skip(str(reason))
    return PEER_OF[preset]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_byte_is_equal(preset: str, evidence: Evidence) -> None:
    recipe, peer = fos_ref.recipe(preset), loaded(preset, evidence)
    figures = evidence.figures[preset] = Figures(recipe, peer)
    reports = []
    for case in cases(recipe):
        want = peer.run(preset, case.x)
        got = fos_ref.quantize(case.x, recipe, engine="numpy")
        counts = differing(got, want)
        figures.add(case, counts)
        if any(counts.values()):
            reports.append(f"{preset} on {case.label}: {counts}\n{first_mismatch(case.x, got, want)}")
    assert figures.blocks >= MINIMUM_BLOCKS
    assert not reports, "\n".join(reports)


@pytest.mark.parametrize("preset", PRESETS)
def test_ragged_shapes_and_many_amaxes(preset: str) -> None:
    """Shapes that fill no 128x4 tile of scales, each with a tensor amax of its own, in three dtypes."""
    recipe, peer = fos_ref.recipe(preset), loaded(preset)
    rng = np.random.default_rng(7)
    for number, (rows, cols) in enumerate(RAGGED * 3):
        dtype = ("float32", "bfloat16", "float16")[number % 3]
        x = make("normal", (rows * recipe.block_rows, cols), number, "float32")
        x = (x * np.float32(rng.uniform(0.01, 100))).astype(make("normal", (1, 16), 0, dtype).dtype)
        got, want = fos_ref.quantize(x, recipe, engine="numpy"), peer.run(preset, x)
        assert not any(differing(got, want).values()), first_mismatch(x, got, want)


def test_no_preset_of_a_peer_is_left_out() -> None:
    families = {name for name in fos_ref.PRESETS if name.split("-")[0] in FAMILIES}
    assert families == set(PEER_OF)
    assert {n for n in families if fos_ref.PRESETS[n].amax_scope is AmaxScope.ROW} == {
        n for n in PEER_OF if n.endswith("-row")
    }
