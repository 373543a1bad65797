"""The worked block as steps: from four values to two candidates, their errors, and the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.formats import decode, E2M1
from fos_ref.notebook.grids import drawn, Grid
from fos_ref.report.page.parts import Cells, Table
from fos_ref.report.worked import Mapping, VALUES, Worked

_ELEMENTS = 8  #: E2M1 codes without a sign


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happens, in a sentence, and the numbers."""

    title: str
    says: str
    table: Table


def steps(w: Worked) -> list[Step]:
    """Return the steps of the worked block, in the order of the arithmetic."""
    m = w.mappings
    x = ["x", *(f"{s.x:g}" for s in m[0].steps)]
    amax = max(VALUES)
    best = next(c for c in m if c.chosen)
    return [
        Step(
            "The block",
            f"Four values, twelve zeros after them, tensor scale 1. The largest magnitude is {amax:g}.",
            Table("the values", [x, ["|x| / amax", *(f"{v / amax:g}" for v in VALUES)]]),
        ),
        Step(
            "Two block scales",
            "Map-to-6 puts the largest value on 6, the last value of E2M1; map-to-4 puts it on 4. Both "
            "scales are rounded to E4M3, a byte.",
            _scales(m),
        ),
        Step("Values over the scale", "Each value is divided by its block scale.", _values(m, x, "scaled")),
        Step(
            "Codes",
            "E2M1 has 0, 0.5, 1, 1.5, 2, 3, 4 and 6. Each quotient takes the nearest; a code is four bits.",
            _values(m, x, "code"),
        ),
        Step(
            "Back, and the errors",
            "A code's value times the block scale comes back. Map-to-6 has nothing between 4 and 6: that is "
            "where its error comes from.",
            _values(m, x, "error"),
        ),
        Step(
            "The choice",
            f"4/6 keeps the candidate with the smaller error: {best.name}, {best.mse:.10g} in place of "
            f"{max(c.mse for c in m):.10g}.",
            Table(
                "mean squared error over the four values",
                [["candidate", "MSE", "kept"], *([c.name, f"{c.mse:.10g}", _yes(c)] for c in m)],
            ),
        ),
    ]


def picture(w: Worked) -> str:
    """Return the block drawn on the grids of both candidates."""
    magnitudes = [float(v) for v in decode(np.arange(_ELEMENTS, dtype=np.uint8), E2M1)]
    grids = [
        Grid(m.name, tuple(v * m.scale for v in magnitudes), tuple(s.dequantized for s in m.steps), m.chosen)
        for m in w.mappings
    ]
    return drawn(VALUES, grids, "The block 10, 20, 30, 40 on the grids of map-to-6 and map-to-4")


def _yes(m: Mapping) -> str:
    return "yes" if m.chosen else "no"


def _scales(m: tuple[Mapping, ...]) -> Table:
    body = [[c.name, f"{c.raw_scale:.6g}", f"0x{c.scale_code:02X}", f"{c.scale:g}"] for c in m]
    return Table("block scales", [["candidate", "amax / 6 or 4", "byte", "E4M3 value"], *body])


def _values(m: tuple[Mapping, ...], x: list[str], what: str) -> Table:
    rows: Cells = [x]
    for c in m:
        match what:
            case "scaled":
                rows.append([f"{c.name}: x / {c.scale:g}", *(f"{s.scaled:.6g}" for s in c.steps)])
            case "code":
                rows.append([c.name, *(f"{s.element:g} (0x{s.code:X})" for s in c.steps)])
            case _:
                rows.append([f"{c.name}: back", *(f"{s.dequantized:g}" for s in c.steps)])
                rows.append([f"{c.name}: error", *(f"{s.error:g}" for s in c.steps)])
    return Table(what, rows)
