"""From the findings of weights to those of a file."""

from __future__ import annotations

from collections.abc import Iterable

from fos_ref.inspect.findings import Finding

MIXED = "mixed"
FEW = 64  #: blocks of a weight that have to tell before its rule counts against the others'


def agreed(findings: Iterable[Finding]) -> Finding:
    """Return one finding for many: what those that tell agree on, `mixed` where they do not."""
    all_of_them = list(findings)
    told = [f for f in all_of_them if f.value is not None]
    counts = {v: sum(f.value == v for f in told) for v in dict.fromkeys(f.value for f in told)}
    if not told:
        return all_of_them[0]
    if len(counts) > 1:
        return Finding(MIXED, ", ".join(f"{v}: {n} weights" for v, n in counts.items()))
    rest = len(all_of_them) - len(told)
    more = f" ({rest} of {len(all_of_them)} weights do not tell)" if rest else ""
    return Finding(told[0].value, f"{told[0].evidence}{more}")
