"""From the findings of weights to those of a file, and from those to the recipes that are possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from fos_ref.inspect.findings import Finding
from fos_ref.recipes.axes import BlockShape
from fos_ref.recipes.recipe import Recipe

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


def allows(found: Mapping[str, Finding], telling_blocks: int) -> Callable[[Recipe], bool]:
    """Return which recipes the findings of a file leave possible.

    With few blocks, or over tiles, a 4/6 rule may have chosen 6 everywhere, so it stays possible.
    """

    def possible(r: Recipe) -> bool:
        bound, rule, shape = (found[k].value for k in ("bound", "rule", "block_shape"))
        silent = r.chooses and (telling_blocks < FEW or r.block_shape is BlockShape.TILE_16X16)
        return (
            bound in (None, MIXED, str(r.scale_max))
            and (rule in (None, MIXED, r.candidates.value) or silent)
            and (shape in (None, MIXED, r.block_shape.value) or r.block_shape is BlockShape.ROW_16)
        )

    return possible
