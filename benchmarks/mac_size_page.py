"""The page of benchmarks/mac_size.py."""

from __future__ import annotations

from typing import Any

UNITS = {
    "lanes": {"multiply stage, 16 lanes": 1, "float32 adder": 24},
    "folded": {"folded: whole sum of 16 lanes": 1, "folded: value of a block": 1, "float32 adder": 1},
}
_HEAD = """# The size of the multiply-accumulate units

Written by `python -m benchmarks.mac_size`, which needs yosys: {program}. Each part is flattened and mapped to
NAND, NOR and inverters. The figures are cells / depth; depth: how many cells stand one behind the other.
quick: `{quick}`. thorough: `{thorough}`, where it ends in {seconds:g} s. The
designs are those of `fos matmul segments`.

"""
_FOOT = """
By sum, quick: {sums}.

With open tools: IF4 adds logic in the scale product and in every lane's multiplier, and leaves the adders as
they are. Whether the cycle gets longer depends on which stage is the longest: the adder, or IF4's multiply
stage. No cell library is used, so nothing is said in nanoseconds, in square micrometres or in percent of
latency: the published +4.7 % latency and +66.6 % area are neither confirmed nor refuted.
"""


def page(sizes: dict[str, Any]) -> str:
    """Return the tables and the sentence."""
    scripts = sizes["scripts"]
    lines = [
        "| part | NVFP4, quick | IF4, quick | NVFP4, thorough | IF4, thorough |",
        "|---|---|---|---|---|",
    ]
    for part, found in sizes["parts"].items():
        cells = [_cell(found[s][u]) for s in ("quick", "thorough") for u in ("nvfp4", "if4")]
        lines.append(f"| {part} | {' | '.join(cells)} |")
    flops = [
        f"| flip-flops, {name} | {found['nvfp4']:,} | {found['if4']:,} | | |"
        for name, found in sizes["flip_flops"].items()
    ]
    head = _HEAD.format(program=sizes["program"], seconds=sizes["seconds"], **scripts)
    return head + "\n".join([*lines, *flops, ""]) + _FOOT.format(sums=sums(sizes))


def sums(sizes: dict[str, Any]) -> str:
    """Return the cells of each unit by sum of its parts."""
    found = []
    for name, parts in UNITS.items():
        for unit in ("nvfp4", "if4"):
            each = [(sizes["parts"][p]["quick"][unit], n) for p, n in parts.items()]
            if all(size for size, _ in each):
                found.append(f"{unit} with {name} {sum(size['cells'] * n for size, n in each):,} cells")
    return "; ".join(found)


def _cell(size: dict[str, int] | None) -> str:
    return "did not end" if size is None else f"{size['cells']:,} / {size['depth']}"
