"""Programs that give something else than they were asked for, on the vectors of docs/divergences.md."""

from __future__ import annotations

import pytest

import fos_ref

from .fallbacks import Fallback, FALLBACKS
from .peers.base import PeerMissing
from .test_divergences import text

BY_LABEL = pytest.mark.parametrize("fallback", FALLBACKS, ids=lambda f: f"{f.entry}, {f.asked}")


@BY_LABEL
def test_the_preset_gives_what_was_asked_for(fallback: Fallback) -> None:
    assert text(fos_ref.quantize(fallback.x, fallback.asked, engine="numpy")) == fallback.ours
    assert fallback.gives != fallback.ours


@pytest.mark.peer
@BY_LABEL
def test_the_program_gives_something_else(fallback: Fallback) -> None:
    try:
        q = fallback.run(fallback.x)
    except PeerMissing as reason:
        pytest.skip(str(reason))
    assert text(q) == fallback.gives
