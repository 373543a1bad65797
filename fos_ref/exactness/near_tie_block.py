"""A near tie as a value, and as text: what float32 saw, what is true, which orders choose otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fos_ref.formats.bits import f32_hex
from fos_ref.recipes.axes import Candidates, ErrorDomain, Reduction, Tie
from fos_ref.recipes.recipe import Recipe

_SHOWN = 32  #: values of a block that the text lists; a tile has 256


@dataclass(frozen=True, slots=True)
class Order:
    """One order of operations on one block: the bits of both errors, and the candidate that it keeps."""

    error_domain: ErrorDomain
    reduction: Reduction | None
    bits4: int
    bits6: int
    picked4: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One candidate of a near tie."""

    scale_code: int
    scale: float
    codes: tuple[int, ...]
    error: float  #: as float32 has it
    bits: int  #: of that float32
    exact: Fraction  #: the error with no rounding after the codes


@dataclass(frozen=True, slots=True)
class NearTie:
    """A block whose choice depends on the last bits. In IF4 recipes map4 is the INT4 candidate.

    `print` shows it in full: values, both candidates with exact errors, and the choice of every legal order.
    """

    recipe: Recipe
    place: tuple[int, int]  #: row and column of the block
    x: tuple[int, ...]  #: float32 bits of the values
    block_amax: float
    tensor_amax: float
    map6: Side
    map4: Side
    picked4: bool
    orders: tuple[Order, ...]  #: the recipe's own first

    @property
    def ulps(self) -> int:
        """How many float32 steps lie between the errors."""
        return abs(self.map4.bits - self.map6.bits)

    @property
    def margin(self) -> Fraction:
        """The exact err4 - err6: below 0 where map-to-4 is better."""
        return self.map4.exact - self.map6.exact

    @property
    def exactly_4(self) -> bool:
        """Whether map-to-4 wins by the exact errors, an exact tie going where the recipe says."""
        return self.margin < 0 or (self.margin == 0 and self.recipe.tie is Tie.FOUR)

    @property
    def flipping(self) -> tuple[Order, ...]:
        """The legal orders that choose the other candidate."""
        return tuple(o for o in self.orders if o.picked4 != self.picked4)

    def __str__(self) -> str:
        """Return the dossier of the block, several lines."""
        return "\n".join(_lines(self))


def _lines(n: NearTie) -> Iterator[str]:
    four, six = ("INT4", "E2M1") if n.recipe.candidates is Candidates.FLOAT_OR_INT else ("map4", "map6")
    kept, other = (four, six) if n.picked4 else (six, four)
    yield f"{n.recipe.name}, block {n.place}: {kept} is kept; {_verdict(n, kept, other)}"
    block, tensor = (f"amax {a!r} ({f32_hex(a)})" for a in (n.block_amax, n.tensor_amax))
    yield f"  block {block}, tensor {tensor}"
    if len(n.x) <= _SHOWN:
        yield f"  x     {' '.join(f'{b:08X}' for b in n.x)}"
    for name, side in ((six, n.map6), (four, n.map4)):
        yield from _side_lines(name, side)
    yield f"  {_comparison(n, four, six)}"
    for order in n.orders:
        yield f"  {_order_line(n, order, four, six)}"


def _verdict(n: NearTie, kept: str, other: str) -> str:
    if n.margin == 0:
        ours = "as the tie rule says" if n.exactly_4 == n.picked4 else "against the tie rule, by rounding"
        return f"an exact tie, {ours}"
    return f"exactly {kept if n.exactly_4 == n.picked4 else other} is better"


def _side_lines(name: str, s: Side) -> Iterator[str]:
    codes = " ".join(f"{c:X}" for c in s.codes) if len(s.codes) <= _SHOWN else "not shown"
    yield f"  {name}  scale {s.scale!r} (byte {s.scale_code:02X}), codes {codes}"
    yield f"        error {np.float32(s.error)} ({s.bits:08X}), exactly {s.exact}"


def _comparison(n: NearTie, four: str, six: str) -> str:
    """Return both differences: in float32 steps, and exactly."""
    steps = n.map4.bits - n.map6.bits
    return f"{four} - {six}: {steps:+d} ulp in float32, exactly {_about(n.margin)}"


def _about(v: Fraction) -> str:
    """Return a rational number and, where it is not whole, three digits of it."""
    return f"{v} (about {float(v):.3g})" if v.denominator > 1 else str(v)


def _order_line(n: NearTie, o: Order, four: str, six: str) -> str:
    order = o.reduction.value if o.reduction else "no order"
    choice = four if o.picked4 else six
    note = "the recipe" if o is n.orders[0] else "flips" if o.picked4 != n.picked4 else "the same"
    return f"{o.error_domain.value:<14} {order:<14} {o.bits4:08X} {o.bits6:08X} {choice}  {note}"
