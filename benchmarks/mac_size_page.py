"""The page of benchmarks/mac_size.py."""

from __future__ import annotations

from typing import Any

_HEAD = """# The size of the multiply-accumulate units

Written by `python -m benchmarks.mac_size`, which needs yosys: {program}. Each part is flattened and mapped to
NAND, NOR and inverters. The figures are cells / depth; depth: how many cells stand one behind the other.
quick: `{quick}`. thorough: `{thorough}`, where it ends in {seconds:g} s.
The designs are those of `fos matmul segments`.

"""
_FOOT = """
Cells by sum, quick, of a unit of 16 lanes without its registers: {sums}.
With lanes: the multiply stage and 24 adders; folded: the whole sum, the value of a block and one adder.

With open tools: IF4 adds logic in the scale product and in every lane's multiplier, and leaves the adders as
they are. Whether the cycle gets longer depends on which stage is the longest: the adder, or IF4's multiply
stage. No cell library is used, so nothing is said in nanoseconds, in square micrometres or in percent of
latency: the published +4.7 % latency and +66.6 % area are neither confirmed nor refuted.
"""


def page(sizes: dict[str, Any]) -> str:
    """Return the table and the sentences."""
    head = _HEAD.format(program=sizes["program"], seconds=sizes["seconds"], **sizes["scripts"])
    return head + table(sizes) + _FOOT.format(sums=sums(sizes))


def table(sizes: dict[str, Any]) -> str:
    """Return the table of parts."""
    lines = [
        "| part | NVFP4, quick | IF4, quick | NVFP4, thorough | IF4, thorough |",
        "|---|---|---|---|---|",
    ]
    for part, found in sizes["parts"].items():
        cells = [_cell(found[s][u]) for s in ("quick", "thorough") for u in ("nvfp4", "if4")]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    return "\n".join([*lines, _further(sizes["parts"]), ""])


def _further(parts: dict[str, Any]) -> str:
    """Return what a second lane adds."""
    one, two = (parts[f"multiply stage, {n}"] for n in ("1 lane", "2 lanes"))
    pairs = [(one[s][u], two[s][u]) for s in ("quick", "thorough") for u in ("nvfp4", "if4")]
    cells = [f"{b['cells'] - a['cells']:,}" if a and b else "did not end" for a, b in pairs]
    return f"| multiply stage, a second lane | {' | '.join(cells)} |"


def sums(sizes: dict[str, Any]) -> str:
    """Return the cells of each unit by sum of its parts."""
    parts = {name: found["quick"] for name, found in sizes["parts"].items()}
    found = []
    for unit in ("NVFP4", "IF4"):
        cells = {name: quick[unit.lower()]["cells"] for name, quick in parts.items() if quick[unit.lower()]}
        lanes = cells["multiply stage, 16 lanes"] + 24 * cells["float32 adder"]
        block = cells["folded: whole sum of 16 lanes"] + cells["folded: value of a block"]
        found.append(f"{unit} {lanes:,} with lanes, {block + cells['float32 adder']:,} folded")
    return "; ".join(found)


def _cell(size: dict[str, int] | None) -> str:
    return "did not end" if size is None else f"{size['cells']:,} / {size['depth']}"
