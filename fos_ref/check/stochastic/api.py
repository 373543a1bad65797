"""`fos_ref.verify.check_stochastic`: bit by bit with the random words, by statistics without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from fos_ref.arguments import is_a, whole
from fos_ref.check.stochastic.diagnosis import StochasticCause, StochasticDiagnosis
from fos_ref.check.stochastic.given import bad_blocks, best_reading, Given, seen
from fos_ref.check.stochastic.judged import Judged, judged, right_codes
from fos_ref.check.stochastic.scale_draws import judge_scales
from fos_ref.check.stochastic.settings import asked, nearest, other_tensor_scale, others, Setting
from fos_ref.check.subject import Subject, subject
from fos_ref.engines.given import Fixed
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import Bool
from fos_ref.random.judge.statistics import FALSE_ALARM
from fos_ref.recipes.axes import ElementFormat, ScaleRounding
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.corrections import RULES
from fos_ref.recipes.recipe import Recipe
from fos_ref.rotate import signs_of

_SIZE = 16
_LEFT = 0.5  #: of the bad blocks, at most, for a mistake of the setting to be named


def check_stochastic(
    x: Any,
    codes: Any,
    scales: Any,
    recipe: Recipe | str = "te-train-gradient-cvt-rs",
    random_bits: Any = None,
    *,
    amax: Any = None,
    tensor_scale: float | None = None,
    encode_scale: Any = None,
    scale_layout: str = "linear",
    rotate: Any = None,
    false_alarm: float = FALSE_ALARM,
) -> StochasticDiagnosis:
    """Judge codes that random bits decide; name the mistake behind them, the best explanation first.

    Returns a `StochasticDiagnosis`, true if nothing is wrong. With the words every bit is compared, and each
    known mistake is tried. Without them: is each code a neighbour of its value, are the shares of ups right,
    over all and by place and binade, and do values share their noise. A recipe whose feed hardware decides is
    judged under each feed that is stated, and the best counts.

    random_bits: as `quantize` takes them: words, or (map, seed, offset), with which a wrong counter is named
    rotate:      the signs of a rotation of 16 before the quantization, a mask or 16 numbers 1 and -1;
                 x is then what comes before it. None: x is what is quantized
    false_alarm: how often a right kernel with independent bits alarms without words, at most
    Shapes, dtypes, amax, tensor_scale, encode_scale, scale_layout: as in `check`
    Rounding: none; bits are compared, and bounds hold for any number of values. Two candidates are told apart
              by their scale bytes, which depend on the draws: without words only legality is judged there.
    Specials: a value that is NaN under its scale is not judged.
              Of corrected scales (MS-EDEN) the scale bytes are compared with the words, and without them only
              their legality is judged: the programs share words among rows. Approximate reciprocals of a chip
              are taken for true ones.
    Raises:   RecipeError, ShapeError, DtypeError; InputError for a recipe that rounds scales stochastically
              without a correction, or to other elements than E2M1.
    Spec:     docs/training.md, "Judging a kernel"; N7, N9.
    """
    r, fixed = _judgeable(get_recipe(recipe)), Fixed(amax, tensor_scale, encode_scale)
    rate = _rate(false_alarm)
    if r.candidates in RULES:
        _no_rotation(rotate, r)
        return judge_scales(
            x, codes, scales, r, random_bits=random_bits, fixed=fixed, scale_layout=scale_layout
        )
    signs = None if rotate is None else _mask(rotate)
    s = subject(x, codes, scales, recipe=nearest(r), fixed=fixed, scale_layout=scale_layout)
    return _elements(s, r, random_bits, signs=signs, rate=rate)


def _elements(
    s: Subject, r: Recipe, random_bits: Any, *, signs: int | None, rate: float
) -> StochasticDiagnosis:
    """Judge codes of elements that random bits round."""
    given, own, bad = best_reading(s, r, lambda found: asked(s.x, found, r, s.fixed, signs))
    start = _left(given, own, bad, r, random_bits)
    best = own
    if start != (0, 0):
        tried = others(s.x, given.scales, r, own, signs)
        best = _setting((given, own), start, tried, r, random_bits)
        if best is own and not r.chooses:
            best = _setting((given, own), start, other_tensor_scale(own, given.scales, r), r, random_bits)
    found = judged(given, best, r, random_bits, rate)
    named = [*_layout(given), *_of_setting(best), *found.causes]
    away = best.open
    return StochasticDiagnosis(
        recipe=r.name,
        values=given.codes.size,
        scales=given.scales.size,
        wrong_scales=int(((given.scales != own.scales) & ~own.open).sum()),
        wrong_codes=found.wrong,
        illegal=int((~seen(given, best, r, None, 0).legal & ~np.repeat(away, r.block_cols, axis=1)).sum()),
        undecided=int(own.open.sum()),
        feed=found.feed,
        verdict=found.verdict,
        causes=tuple(_unexplained(named, found, given, best)),
    )


def _judgeable(r: Recipe) -> Recipe:
    alone = r.scale_rounding is not ScaleRounding.NEAREST and r.candidates not in RULES
    if alone or r.element_format is not ElementFormat.E2M1:
        msg = (
            f"recipe {r.name!r} is not judged by its draws: E2M1 elements, and scales that no random number "
        )
        msg += "rounds or that are corrected before, are allowed"
        raise InputError(msg)
    return r


def _no_rotation(rotate: Any, r: Recipe) -> None:
    if rotate is not None:
        msg = f"rotate {shown(rotate)} for recipe {r.name!r}: x is what is quantized, after its rotation, so "
        msg += "None is allowed"
        raise InputError(msg)


def _rate(given: Any) -> float:
    if not is_a(given, float) or not 0 < given < 1:
        msg = f"check_stochastic: false_alarm {shown(given)}: a number between 0 and 1 is allowed"
        raise InputError(msg)
    return float(given)


def _mask(rotate: Any) -> int:
    """Return the mask of signs."""
    if is_a(rotate, (int, np.integer)):
        return whole(rotate, "rotate", 0, (1 << _SIZE) - 1)
    signs = signs_of(rotate, _SIZE)
    return sum(1 << i for i, s in enumerate(signs.tolist()) if s < 0)


def _setting(
    own: tuple[Given, Setting],
    first: tuple[int, int],
    tried: Iterator[Setting],
    r: Recipe,
    random_bits: Any,
) -> Setting:
    """Return the recipe's setting, or that of a mistake that fits much better."""
    (given, best), fewest = own, first
    for other in tried:
        if fewest == (0, 0):
            break
        there = _left(given, other, bad_blocks(given, other, r), r, random_bits)
        if there < fewest and (there[0] <= _LEFT * first[0]) and (first[0] or there[1] <= _LEFT * first[1]):
            best, fewest = other, there
    return best


def _left(g: Given, s: Setting, bad: Bool, r: Recipe, random_bits: Any) -> tuple[int, int]:
    """Return how many blocks are bad, and how many codes are not those of the words."""
    if random_bits is None or not r.rounds_elements:
        return int(bad.sum()), 0
    return int(bad.sum()), min(int(wrong.sum()) for _, wrong in right_codes(g, s, r, random_bits))


def _layout(g: Given) -> list[StochasticCause]:
    return [StochasticCause(flag=f, what=g.what or f) for f in g.flags]


def _of_setting(s: Setting) -> list[StochasticCause]:
    return [] if s.flag is None else [StochasticCause(flag=s.flag, what=s.what)]


def _unexplained(
    named: list[StochasticCause], found: Judged, given: Given, s: Setting
) -> list[StochasticCause]:
    """Return the causes; one more where something differs and nothing says why."""
    wrong = int(((given.scales != s.scales) & ~s.open).sum())
    if wrong and s.flag is None:
        what = f"{wrong:,} scale bytes are not the recipe's"
        return [StochasticCause(flag="Unexplained", what=what), *named]
    if not named and found.wrong:
        return [StochasticCause(flag="Unexplained", what="no known mistake gives these codes")]
    return named
