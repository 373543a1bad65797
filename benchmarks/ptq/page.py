"""The tables and the page of the matrix. Every figure is of the run; a difference not resolved is marked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.models.paired import Difference, difference
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import Targets

NAME = "models-ptq"
_PLAIN, _RTN = "nvfp4", "rtn"


def joined(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return several runs of one setting as one: the methods of each, and what each compared."""
    first = runs[0]
    same = ("model", "windows", "length", "calibration_windows", "phases", "ran_on")
    for other in runs[1:]:
        apart = [k for k in same if other[k] != first[k]]
        if apart:
            msg = f"runs differ in {', '.join(apart)}: runs of one setting are allowed"
            raise ValueError(msg)
    losses = {method: rows for run in runs for method, rows in run["losses"].items()}
    compared = {name: counts for run in runs for name, counts in run["block_scales"].items()}
    return {**first, "losses": losses, "block_scales": compared}


def write(folder: Path, run: dict[str, Any], *, windows: bool = True) -> str:
    """Write models-ptq.json, .csv and .md; return the page.

    windows: models-ptq-windows.json too, the loss of each window, which `joined` needs (megabytes)
    """
    text = page(run)
    summary = {**run, "losses": _means(run)}
    files = {
        f"{NAME}.json": (json.dumps(summary, indent=1) + "\n").encode(),
        f"{NAME}.csv": _csv(run).encode(),
        f"{NAME}.md": text.encode(),
    }
    if windows:
        files[f"{NAME}-windows.json"] = json.dumps(run).encode()
    write_all(Targets(folder, list(files)), files)
    return text


def _counts(run: dict[str, Any]) -> Any:
    return np.full(run["windows"], run["length"] - 1)


def _means(run: dict[str, Any]) -> Any:
    """Return the mean loss of each draw."""
    total = float(_counts(run).sum())
    return {
        m: {r: [float(np.sum(d)) / total for d in ds] for r, ds in rows.items()}
        for m, rows in run["losses"].items()
    }


def _csv(run: dict[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["method", "recipe", "draw", "phase", "nats_per_token"])
    for method, rows in _means(run).items():
        for name, draws in rows.items():
            for n, loss in enumerate(draws):
                writer.writerow([method, name, n, run["phases"][n], f"{loss:.6f}"])
    return out.getvalue()


def _against(run: dict[str, Any], one: tuple[str, str], other: tuple[str, str]) -> Difference:
    a, b = (np.asarray(run["losses"][m][r]) for m, r in (one, other))
    return difference(a, b, _counts(run))


def _cell(d: Difference) -> str:
    return f"{d.mean:+.4f} +- {d.half:.4f}{'' if d.resolved else ' ?'}"


def page(run: dict[str, Any]) -> str:
    """Return the page."""
    losses = run["losses"]
    methods = [m for m in losses if m != "float32"]
    names = list(dict.fromkeys(n for m in methods for n in losses[m]))
    tokens, base = int(_counts(run).sum()), _means(run)["float32"]["float32"][0]
    lines = [
        "# Methods, recipes and draws: weights in 4 bits, activations as they are",
        "",
        *_setting(run, tokens, base),
        "",
        "Nats a token above float32; +- is half of a 95 % interval over draws and windows together",
        "(`fos_ref/models/paired.py`). A `?` marks a difference whose interval holds 0.",
        "",
        *_table(run, names, methods, lambda _m, _n: ("float32", "float32")),
        "Each recipe minus nvfp4, within a method:",
        "",
        *_table(run, [n for n in names if n != _PLAIN], methods, lambda m, _n: (m, _PLAIN)),
    ]
    others = [m for m in methods if m != _RTN]
    if _RTN in methods and others:
        lines += ["Each method minus RTN, within a recipe:", ""]
        lines += _table(run, list(losses[_RTN]), others, lambda _m, n: (_RTN, n))
    compared = list(run["block_scales"].values())
    count, apart = (sum(c[k] for c in compared) for k in ("compared", "different"))
    lines += [
        f"Bits: {count:,} block scales of a layer were compared with `fos_ref.quantize`,",
        f"over {len(compared)} recipes; {apart:,} differ.",
    ]
    return "\n".join(lines) + "\n"


def _table(
    run: dict[str, Any], names: list[str], methods: list[str], other: Callable[[str, str], tuple[str, str]]
) -> list[str]:
    """Return a table of recipes and methods: each cell minus the cell that `other` gives."""
    lines = [f"| recipe | {' | '.join(methods)} |", f"|---|{'---:|' * len(methods)}"]
    for n in names:
        cells = [
            _cell(_against(run, (m, n), other(m, n))) if n in run["losses"][m] else "not run" for m in methods
        ]
        lines.append(f"| {n} | {' | '.join(cells)} |")
    return [*lines, ""]


def _setting(run: dict[str, Any], tokens: int, base: float) -> list[str]:
    """Return what was run on what."""
    ran, draws = run["ran_on"], len(run["phases"])
    return [
        f"SmolLM2-135M, {tokens:,} scored tokens in {run['windows']} windows of {run['length']},",
        f"calibrated on {run['calibration_windows']} others; {draws} draws a cell (phases of the amax).",
        f"float32: {base:.4f} nats a token, perplexity {np.exp(base):.3f}. Run on {ran['device']}, torch",
        f"{ran['torch']}; TF32 in the scored forward: {'yes' if ran['tf32'] else 'no'}.",
    ]
