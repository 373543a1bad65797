"""The blocks of docs/divergences.md, given to the peers' own programs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.docs.divergences_document import Row, ROWS

from .peers.catalog import PEER_OF
from .test_divergences import text
from .test_peers import loaded

pytestmark = pytest.mark.peer


def presets(row: Row) -> list[str]:
    """Return the presets of a row that a peer answers for, as its released program is."""
    names = [r.name for r in row.recipes if r.name in PEER_OF and "+" not in " ".join(row.patterns)]
    return [n for n in names if n not in PEER_OF[n].releases]


PAIRS = [
    pytest.param(row, preset, id=f"{row.block}: {preset}")
    for row in ROWS
    if not np.isnan(row.x.astype(np.float32)).any()  # the codes of a NaN are test_peer_edges' business
    for preset in presets(row)
]


@pytest.mark.parametrize(("row", "preset"), PAIRS)
def test_the_peer_s_bytes_are_those_of_the_document(row: Row, preset: str) -> None:
    recipe = next(r for r in row.recipes if r.name == preset)
    q = loaded(preset).run(preset, row.x, row.amax_for(recipe))
    assert text(q) == row.output
