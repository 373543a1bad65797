"""Single values to codes beside ml_dtypes, gfloat and NVIDIA's headers: equal, but for what a rule names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from .conversions import Conversion, CONVERSIONS, inputs, Rule
from .evidence import Evidence
from .peers.base import PeerMissing

pytestmark = pytest.mark.peer
BFLOAT16_VALUES = 1 << 16


def count(conversion: Conversion) -> dict[str, int]:
    """Return how many values differ, by rule; `unexplained` are those that no rule allows."""
    x = inputs(conversion.library.name, conversion.takes)
    with np.errstate(all="ignore"):
        ours, theirs = conversion.ours(x), conversion.library.codes(conversion.fmt, x)
        differs = ours != theirs
        found = {
            name: differs & rule.where(x) & rule.allows(ours, theirs)
            for name, rule in conversion.rules.items()
        }
    left = differs & ~np.any([*found.values(), np.zeros_like(differs)], axis=0)
    by_rule = {name: int(np.count_nonzero(mask)) for name, mask in found.items()}
    return {
        "values": x.size,
        "differing": int(np.count_nonzero(differs)),
        "unexplained": int(np.count_nonzero(left)),
        **by_rule,
    }


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=lambda c: c.label)
def test_codes_are_equal_but_for_the_rules(conversion: Conversion, evidence: Evidence) -> None:
    try:
        conversion.library.load()
    except PeerMissing as reason:
        evidence.not_run[conversion.label] = str(reason)
        pytest.skip(str(reason))
    found = count(conversion)
    evidence.conversions[conversion.label] = {"version": conversion.library.version, **found}
    assert found["values"] > BFLOAT16_VALUES
    assert found["unexplained"] == 0
    assert all(found[name] > 0 for name in conversion.rules), "a rule that nothing needs"
    assert sum(found[name] for name in conversion.rules) == found["differing"]


@pytest.mark.parametrize("conversion", [c for c in CONVERSIONS if c.rules], ids=lambda c: c.label)
def test_without_its_rules_a_conversion_fails(conversion: Conversion) -> None:
    try:
        conversion.library.load()
    except PeerMissing as reason:
        pytest.skip(str(reason))
    assert count(replace(conversion, rules={}))["unexplained"] > 0
    wrong = {name: Rule(rule.where, (0x55,)) for name, rule in conversion.rules.items()}
    assert count(replace(conversion, rules=wrong))["unexplained"] > 0
