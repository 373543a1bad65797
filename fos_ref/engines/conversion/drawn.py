"""The random bits of a conversion: those of the one matrix that is quantized, cut as its values are read."""

from __future__ import annotations

from typing import Any

from fos_ref.engines.conversion.plan import Plan
from fos_ref.engines.inputs import check_shape
from fos_ref.engines.random_bits import elements_of, random_bits_of
from fos_ref.errors import InputError, Remedy
from fos_ref.model.quantize import needs_bits
from fos_ref.model.random_bits import RandomBits
from fos_ref.recipes.axes import RandomFeed
from fos_ref.recipes.recipe import Recipe


def drawn(given: Any, plan: Plan) -> RandomBits | None:
    """Return the words of the matrix that is quantized; None for a recipe that takes none.

    Every call of a program draws words of its own, and nothing says in which order it took the matrices of a
    file. So words go to one matrix alone.

    Raises: InputError for several matrices; what the door of `quantize` raises.
    """
    r, units = plan.asked.recipe, plan.units
    if given is None and r.stochastic and r.random_feed is not RandomFeed.HARDWARE_DECIDES:
        raise InputError(needs_bits(r), remedy=Remedy("random_bits=", "takes them"))
    if given is not None and r.stochastic and len(units) != 1:
        msg = f"random bits for {len(units)} matrices, which would share them: one is allowed, "
        msg += "which --include or a Selection names"
        raise InputError(msg)
    whole = units[0].weight.whole
    if r.stochastic:
        check_shape(whole, r.block_rows, r.group)
    return random_bits_of(given, r, whole)


class Dealer:
    """Deals the words of a matrix out to its chunks, which come in the order of the matrix."""

    def __init__(self, bits: RandomBits, r: Recipe) -> None:
        self._words = bits.words.reshape(bits.words.shape[0], -1)
        self._serves, self._at = elements_of(r), 0

    def next(self, rows: int, cols: int) -> RandomBits:
        """Return the words of the next chunk (rows, cols)."""
        each = cols // self._serves
        start, self._at = self._at, self._at + rows * each
        return RandomBits(self._words[:, start : self._at].reshape(len(self._words), rows, each))
