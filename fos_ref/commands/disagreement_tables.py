"""What `fos recipes diff` prints beside the counts of blocks: a chip's share, values, one line a tensor."""

from __future__ import annotations

from typing import Any

from rich.console import Group

from fos_ref.errors.text import shown
from fos_ref.report.console import table, titled


def counts_lines(d: dict[str, Any], t: dict[str, Any]) -> list[str]:
    """Return the line on the blocks that a chip decides; none where all reciprocals are exact."""
    decided = t["hardware_decides"]
    sides = [side for side in ("a", "b") if decided[side]]
    if not decided["either"]:
        return []
    whose = " and ".join(d[side] for side in sides)
    share = f"{decided['either']:,} of {t['blocks']:,} ({_share(decided['either'], t['blocks'])})"
    why = f"{whose} has approximate reciprocals; all other counts take exact ones"
    return [f"a chip decides up to {share}: {why}"]


def values_table(d: dict[str, Any], t: dict[str, Any]) -> Group:
    """Return how far apart the dequantized values are."""
    v = t["values"]
    made = table(("dequantized values",), ("",))
    made.add_row(
        "that differ", f"{v['differing']:,} of {v['values']:,} ({_share(v['differing'], v['values'])})"
    )
    made.add_row("that the axis dequantize alone changes", f"{v['dequantize_alone']:,}")
    made.add_row("largest difference", _figure(v["largest_difference"]))
    made.add_row("relative error, ||A - B|| / ||A|| (Euclidean)", _figure(v["relative_error"]))
    made.add_row(f"mean squared error of {d['a']} (A)", _figure(v["mse_a"]))
    made.add_row(f"mean squared error of {d['b']} (B)", _figure(v["mse_b"]))
    if v["nonfinite"]:
        made.add_row("not finite, in none of the figures above", f"{v['nonfinite']:,}")
    return Group(made)


def tensors_table(d: dict[str, Any]) -> Group:
    """Return a line for each tensor with a block that differs or that a chip decides."""
    some = [t for t in d["tensors"] if t["differing"] or t["hardware_decides"]["either"]]
    made = table(("tensor",), ("blocks", "differ", "a chip decides", "values differ", "relative error"))
    for t in some:
        v = t["values"]
        shares = [t["differing"], t["hardware_decides"]["either"]]
        made.add_row(
            shown(t["tensor"]),
            f"{t['blocks']:,}",
            *(f"{n:,} ({_share(n, t['blocks'])})" for n in shares),
            f"{v['differing']:,} ({_share(v['differing'], v['values'])})",
            _figure(v["relative_error"]),
        )
    title = f"{len(some)} of {len(d['tensors'])} tensors have a block that differs or that a chip decides"
    return titled(title, made)


def _share(n: int, of: int) -> str:
    return f"{n / of:.2%}" if of else "0.00%"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"
