"""How often float32 chooses wrongly: each recipe's rounded choice beside the exact one, and its price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.engines.numpy_engine import row_chunks
from fos_ref.errors import InputError
from fos_ref.exactness.choice import compare, decode_form, Frame, frame, picks_4, UNIT, Verdict
from fos_ref.exactness.choice_groups import families, Group, groups
from fos_ref.exactness.choice_inputs import INPUTS, Shape
from fos_ref.formats.arrays import AnyArray, Bool, F64
from fos_ref.formats.bits import widen
from fos_ref.model.elements import ELEMENT_FORMAT
from fos_ref.model.errors import block_error, ERROR_DOMAIN, PICK_4
from fos_ref.model.quantize import pick, quantize_matrix, tensor_amax, tensor_scales
from fos_ref.model.scales import FLT_MAX
from fos_ref.model.trace import Candidate, Scales, Trace
from fos_ref.recipes.axes import ErrorMetric, Tie
from fos_ref.recipes.recipe import Recipe

_LEAST_DECODE = 2.0**-118  #: with 2^-9, the smallest block scale: 1/(s*D) stays finite
_COST_DIGITS = 3
#: Roundings that a sum of errors has beyond those of its terms: halves of a chunk, chunks, tensors; generous.
_ADDITIONS = 1000


@dataclass(slots=True)
class Tally:
    """What was counted over blocks, and sums of their exact errors in float64."""

    blocks: int = 0
    ties: int = 0  #: the exact errors are equal
    flipped: int = 0  #: they differ, and float32 kept the worse candidate
    broken: int = 0  #: they are equal, and float32 kept the one that loses ties
    rational: int = 0  #: blocks that only rational numbers could decide
    kept: float = 0.0  #: sum over all blocks of the smaller exact error, in units of the input
    lost: float = 0.0  #: sum over flipped blocks of the larger less the smaller one
    blur: float = 0.0  #: the exact `lost` lies within this of `lost`
    margin: float = 0.0  #: over flipped blocks, the largest (larger - smaller) / (larger + smaller)

    def add(self, other: Tally) -> None:
        """Add what was counted over other blocks."""
        for name in ("blocks", "ties", "flipped", "broken", "rational", "kept", "lost", "blur"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.margin = max(self.margin, other.margin)

    @property
    def wrong(self) -> int:
        """Blocks whose float32 choice is not the exact one, ties included."""
        return self.flipped + self.broken

    @property
    def cost(self) -> str:
        """What flipped blocks add to the error, relative to that of the exact choice.

        Three digits, or as many as the bound of the float64 sums proves; "0" where no block is flipped.
        """
        if not self.flipped:
            return "0"
        slack = 2 * _ADDITIONS * UNIT
        if self.kept == 0:
            return "inf"
        low, high = ((self.lost + s * self.blur) / self.kept * (1 + s * slack) for s in (-1, 1))
        return proven(low, high, _COST_DIGITS)

    @property
    def margin_text(self) -> str:
        """`margin` with two digits."""
        slack = _ADDITIONS * UNIT
        return proven(self.margin - slack, self.margin + slack, 2) if self.flipped else "0"


def proven(low: float, high: float, digits: int) -> str:
    """Return a number between low and high to the digits that both ends share, at most `digits`."""
    for n in range(digits - 1, -1, -1):
        if f"{low:.{n}e}" == f"{high:.{n}e}":
            return f"{high:.{n}e}"
    return f"<{high:.0e}"


def sample(name: str, shape: Shape, seed: int) -> list[Tally]:
    """Return the tally of each of `groups()` on one tensor of the input `name`, of `Input.shape`."""
    found: dict[str, Tally] = {}
    for family in families():
        for x, alike in parts(name, shape, seed, family):
            found |= {g.name: t for g, t in zip(alike, tally(x, alike), strict=True)}
    return [found[g.name] for g in groups()]


def parts(
    name: str, shape: Shape, seed: int, family: Sequence[Group]
) -> Iterator[tuple[AnyArray, list[Group]]]:
    """Yield tensors of an input and the groups of a family that choose on them: all, or one metric's."""
    given = INPUTS[name]
    alike = [[g for g in family if g.recipe.error_metric is m] for m in ErrorMetric]
    for some in filter(None, alike) if given.judged else [list(family)]:
        yield given.make(given.shape(shape), seed, some[0].recipe), some


def tally(x: AnyArray, family: Sequence[Group]) -> list[Tally]:
    """Return what each group of one family does wrong on x.

    Shapes:   x (R, C), multiples of the block's rows and columns
    Dtypes:   float32, float16, bfloat16
    Rounding: the float32 choice is the model's own; the exact one rounds nothing.
    Raises:   InputError for a NaN or an infinity, and for an amax whose tensor scale is no ordinary number.
    """
    total = [Tally() for _ in family]
    for t in traces(x, family[0].recipe):
        for whole, group, (exact, picked4) in zip(total, family, judged(t, family), strict=True):
            whole.add(count(exact, picked4, group.recipe))
    return total


def traces(x: AnyArray, r: Recipe) -> Iterator[Trace]:
    """Yield the traces of row chunks of x under its own tensor scales. Raises: as `tally`."""
    wide = widen(x)
    if not np.isfinite(wide).all():
        msg = "a NaN or an infinity among the inputs: the exact winner takes finite ones"
        raise InputError(msg)
    scales = ordinary(tensor_scales(tensor_amax(wide, r), r, x.dtype))
    rows, cols = x.shape
    for c in row_chunks(rows, cols, r.block_rows):
        yield quantize_matrix(wide[c], scales.rows(c), r)


def ordinary(t: Scales) -> Scales:
    """Return the tensor scales as they are; InputError where presets of one group may part."""
    fine = (t.amax > 0) & (t.encode > 0) & (t.encode < FLT_MAX) & (t.decode >= _LEAST_DECODE)
    if not np.all(fine):
        amax = float(t.amax[~fine].flat[0])
        msg = f"tensor amax {amax}: above 0, C/amax below FLT_MAX and amax/C from 2^-118 on is allowed"
        raise InputError(msg)
    return t


@dataclass(frozen=True, slots=True)
class Exact:
    """The exact comparison of blocks of n values, and the factor of its errors."""

    verdict: Verdict
    factor: F64
    n: int


def judged(t: Trace, family: Sequence[Group]) -> Iterator[tuple[Exact, Bool]]:
    """Yield, for each group, the exact comparison of a trace's blocks and where float32 picks map-to-4."""
    frames: dict[str, Frame] = {}
    verdicts: dict[tuple[str, ErrorMetric], Verdict] = {}
    for r in (g.recipe for g in family):
        form, metric = decode_form(r), r.error_metric
        assert metric is not None
        if form not in frames:
            frames[form] = frame(t, r)
        if (form, metric) not in verdicts:
            verdicts[form, metric] = compare(frames[form], metric)
        exact = Exact(verdicts[form, metric], frames[form].factor, len(frames[form].y))
        yield exact, rounded_picks_4(t, r).ravel()


def rounded_picks_4(t: Trace, r: Recipe) -> Bool:
    """Return (T, B): where recipe r keeps map-to-4, on a trace of its family's candidates. N10 to N13."""
    if r is t.recipe:
        return pick(t.map6, t.map4, r)
    assert r.tie is not None
    with np.errstate(all="ignore"):
        return PICK_4[r.tie](_rounded_error(t, t.map4, r), _rounded_error(t, t.map6, r))


def _rounded_error(t: Trace, c: Candidate | None, r: Recipe) -> Any:
    assert c is not None
    assert r.error_domain is not None
    unit = ELEMENT_FORMAT[r.element_format][0 if c is t.map6 else 1].unit
    domain = ERROR_DOMAIN[r.error_domain]
    return block_error(domain(c.values, c.scale[..., None], t.x, t.scales.per_element(), unit), r)


def count(exact: Exact, picked4: Bool, r: Recipe) -> Tally:
    """Return the tally of blocks, given the exact comparison and where the recipe keeps map-to-4."""
    v = exact.verdict
    tie = v.sign == 0
    wrong = picked4 != picks_4(v, four_wins_ties=r.tie is Tie.FOUR)
    flipped = wrong & ~tie
    unit = exact.factor**2 if r.error_metric is ErrorMetric.MSE else exact.factor
    four, six = v.err4 / unit, v.err6 / unit
    difference, both = np.abs(four - six)[flipped], (four + six)[flipped]
    return Tally(
        blocks=v.sign.size,
        ties=int(np.count_nonzero(tie)),
        flipped=int(np.count_nonzero(flipped)),
        broken=int(np.count_nonzero(wrong & tie)),
        rational=v.rational,
        kept=in_halves(np.minimum(four, six)),
        lost=in_halves(difference),
        blur=(exact.n + _ADDITIONS) * UNIT * in_halves(both),
        margin=float(np.max(difference / both, initial=0.0)),
    )


def in_halves(terms: F64) -> float:
    """Return the sum of terms (N,) by halves of the next power of two: the same bits on every machine."""
    padded = np.zeros(1 << max(len(terms) - 1, 0).bit_length())
    padded[: len(terms)] = terms
    while len(padded) > 1:
        half = len(padded) // 2
        padded = padded[:half] + padded[half:]
    return float(padded[0])
