"""Draws: the same format, another phase of its grid.

Weights are rounded once. Which way each falls is one draw, and one draw moves a small model's loss by 0.01
nat (docs/models.md). A phase p multiplies the tensor amax that the quantizer is given: the block scales move
on the grid of E4M3 by p, so other weights are rounded up. The format and the rule stay as they are.
A recipe without a tensor scale has no amax: there the weights are multiplied by p, and the values divided.
"""

from __future__ import annotations

from fos_ref.errors import InputError

#: Of the first ten draws; draw 0 is the recipe as anybody runs it.
PHASES = (1.0, 1.03, 1.07, 1.12, 1.18, 1.26, 1.35, 1.45, 1.56, 1.68)
MOST = 100
_GOLDEN = 0.6180339887498949


def phases(draws: int) -> tuple[float, ...]:
    """Return the phases of `draws` draws, from 1 on below 2; those after the tenth fill the octave evenly.

    Raises: InputError unless 1 <= draws <= MOST.
    """
    if not 1 <= draws <= MOST:
        msg = f"{draws} draws: 1 to {MOST} are allowed"
        raise InputError(msg)
    more = (round(2.0 ** ((n * _GOLDEN) % 1.0), 4) for n in range(1, draws - len(PHASES) + 1))
    return (*PHASES[:draws], *more)
