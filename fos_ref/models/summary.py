"""What an evaluation says: perplexities by name, paired differences, what cannot be ordered, the layers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from fos_ref.models.arms import FULL
from fos_ref.models.evaluate import Evaluation
from fos_ref.models.paired import chunks, Difference, difference, order, sums
from fos_ref.models.perplexity import bits_per_byte, byte_perplexity, token_perplexity, word_perplexity


@dataclass(frozen=True)
class Row:
    """An arm over all its draws.

    nll:     the mean loss of each draw, nats a token
    token, word, byte, bits: perplexities of the mean over draws; None where the convention has none
    base:    minus the model as it is; None for that itself
    first:   minus the first recipe; None for that itself and for the model as it is
    weights4, inputs4, error: means and the median over the layers, of draw 0
    """

    name: str
    nll: list[float]
    token: float
    word: float | None
    byte: float | None
    bits: float | None
    base: Difference | None
    first: Difference | None
    weights4: float | None
    inputs4: float | None
    error: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def rows(e: Evaluation) -> list[Row]:
    """Return the arms in their order."""
    bounds = chunks(e.offsets)
    counts = np.diff(bounds)
    names = list(e.arms)
    by_arm = {n: sums(e.draws(n), bounds) for n in names}
    return [
        _row(e, n, by_arm[n], by_arm[FULL], by_arm[names[1]] if n not in names[:2] else None, counts)
        for n in names
    ]


def unordered(e: Evaluation) -> dict[tuple[str, str], Difference]:
    """Return the pairs of arms that this run cannot order, all intervals at 95 % together."""
    return {pair: d for pair, d in pairs(e).items() if not d.resolved}


def pairs(e: Evaluation) -> dict[tuple[str, str], Difference]:
    """Return every pair of arms, the better one first."""
    bounds = chunks(e.offsets)
    return order({n: sums(e.draws(n), bounds) for n in e.arms}, np.diff(bounds))


def _row(  # noqa: PLR0917
    e: Evaluation, name: str, own: Any, base: Any, first: Any, counts: Any
) -> Row:
    nll = e.draws(name).mean(axis=0, dtype=np.float64)
    word = byte = bits = None
    if e.documents:
        word, byte, bits = (f(nll, e.documents) for f in (word_perplexity, byte_perplexity, bits_per_byte))
    layers = list(e.results.layers.get(str(e.arms[name][0]), {}).values())
    return Row(
        name=name,
        nll=[float(v) for v in own.sum(axis=1) / counts.sum()],
        token=token_perplexity(nll),
        word=word,
        byte=byte,
        bits=bits,
        base=None if name == FULL else difference(own, base, counts),
        first=None if first is None else difference(own, first, counts),
        weights4=_mean([v[0] for v in layers]),
        inputs4=_mean([v[1] for v in layers]),
        error=median(found) if (found := [v[2] for v in layers if v[2] is not None]) else None,
    )


def _mean(values: list[float | None]) -> float | None:
    found = [v for v in values if v is not None and math.isfinite(v)]
    return sum(found) / len(found) if found else None
