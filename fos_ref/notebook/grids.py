"""A block drawn on the grids of its candidates: where its values are, and what each becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fos_ref.notebook.markup import text

_LEFT, _RIGHT, _WIDTH = 84, 16, 640
_ROW, _TOP = 62, 8
_COLOURS = ("#0072b2", "#d55e00")
_FEW = 6  #: different magnitudes that still have room for their figures


@dataclass(frozen=True, slots=True)
class Grid:
    """One candidate of a block.

    points: the magnitudes that it can represent under its scales, from 0 up
    back:   the magnitude that each value of the block takes
    kept:   whether it is the one that the recipe keeps
    """

    name: str
    points: tuple[float, ...]
    back: tuple[float, ...]
    kept: bool


def drawn(values: Sequence[float], grids: Sequence[Grid], title: str) -> str:
    """Return an SVG: a line for each grid, its points as ticks, each |x| above, a line to what it becomes.

    Values that are not finite are left out. The drawing is in float64: it shows the bits, it is not them.
    """
    seen = [abs(v) for v in values if math.isfinite(v)]
    largest = max([v for v in (*seen, *(p for g in grids for p in g.points)) if math.isfinite(v)] or [1.0])
    step = (_WIDTH - _LEFT - _RIGHT) / (largest or 1.0)
    parts = [_row(i, g, values, step, _COLOURS[i % 2]) for i, g in enumerate(grids)]
    height = _TOP + _ROW * len(grids) + 4
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{text(title)}" '
        f'style="max-width:{_WIDTH}px;width:100%;height:auto" font-family="system-ui" font-size="11">'
        f"{''.join(parts)}</svg>"
    )


def _row(place: int, g: Grid, values: Sequence[float], step: float, colour: str) -> str:
    y = _TOP + _ROW * place + 34
    right = _LEFT + max((p for p in g.points if math.isfinite(p)), default=0.0) * step
    kept = ' font-weight="bold"' if g.kept else ""
    parts = [
        f'<text x="0" y="{y + 4}" fill="currentColor"{kept}>{text(g.name)}</text>',
        f'<text x="0" y="{y + 17}" fill="currentColor">kept</text>' if g.kept else "",
        f'<path d="M{_LEFT} {y}H{right:.1f}" stroke="currentColor" stroke-width="0.7"/>',
    ]
    parts += [_tick(_LEFT + p * step, y, p) for p in g.points if math.isfinite(p)]
    parts += _marks(g, values, y, step, colour)
    return "".join(parts)


def _tick(x: float, y: int, value: float) -> str:
    return (
        f'<path d="M{x:.1f} {y - 4}V{y + 4}" stroke="currentColor" stroke-width="1"/>'
        f'<text x="{x:.1f}" y="{y + 16}" fill="currentColor" text-anchor="middle" font-size="9">'
        f"{value:.3g}</text>"
    )


def _marks(g: Grid, values: Sequence[float], y: int, step: float, colour: str) -> list[str]:
    """Return a mark for each different magnitude, and a line from it to the point that it takes."""
    pairs = {
        (abs(v), b) for v, b in zip(values, g.back, strict=True) if math.isfinite(v) and math.isfinite(b)
    }
    found = []
    for v, b in sorted(pairs):
        x, end = _LEFT + v * step, _LEFT + b * step
        found.append(f'<path d="M{x:.1f} {y - 16}L{end:.1f} {y - 4}" stroke="{colour}" stroke-width="1.4"/>')
        found.append(f'<circle cx="{x:.1f}" cy="{y - 16}" r="3.4" fill="{colour}"/>')
        if len(pairs) <= _FEW:
            off = "" if b == v else f" ({b - v:+.3g})"
            at = f'x="{x:.1f}" y="{y - 23}" text-anchor="middle" font-size="9"'
            found.append(f'<text {at} fill="currentColor">{v:.4g}{off}</text>')
    return found
