"""Hypothesis strategies for your own kernel's tests: matrices aimed at what quantizers get wrong.

    from hypothesis import given
    from fos_ref import quantize
    from fos_ref.verify import strategies as fos

    @given(fos.matrices("te-mse-256", dtype="bfloat16"))
    def test_my_kernel(x):
        want = quantize(x, "te-mse-256")
        codes, block_scales = my_kernel(x)
        assert codes.tobytes() == want.codes.tobytes()
        assert block_scales.tobytes() == want.block_scales.tobytes()

Each block of a matrix has one aim (AIMS):
- scaled values on an E2M1 midpoint and one step beside it;
- a block scale on a midpoint of E4M3 and up to two steps beside it;
- subnormal and saturated scales;
- exact ties of both candidates, and blocks one step from the edge of a choice;
- zeros of both signs;
- any finite values.
A step is one of the dtype. Tensor amaxes are ordinary, powers of two times C (where scaling is exact), tiny
and huge.

Needs the package hypothesis, which fos-ref itself does not need; without it the import is an ImportError.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from fos_ref.arguments import function, is_a, one_of, sizes
from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.aim_values import amax_values, nearest
from fos_ref.inputs.aims import Aim, AIMS, block_at, bytes_for
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe

try:
    from hypothesis import strategies as st
except ImportError as e:  # the other modules of the package do without
    _MSG = "fos_ref.verify.strategies needs the package hypothesis: pip install hypothesis"
    raise ImportError(_MSG, name="hypothesis") from e

_FLT_MAX = float(np.finfo(np.float32).max)
RECIPES = tuple(dict.fromkeys(PRESETS.values()))  #: second names left out


def recipes(allowed: Callable[[Recipe], bool] = lambda _: True) -> st.SearchStrategy[Recipe]:
    """Draw a preset for which `allowed` is true, each as likely as another.

    Raises: InputError if it is true for none.
    """
    function(allowed, "strategies.recipes: allowed")
    found = [r for r in RECIPES if allowed(r)]
    if not found:
        msg = "strategies.recipes: no preset is allowed"
        raise InputError(msg)
    return st.sampled_from(found)


def dtypes() -> st.SearchStrategy[str]:
    """Draw the name of an input dtype: "float32", "bfloat16" or "float16"."""
    return st.sampled_from(list(DTYPES))


def amaxes(
    recipe: Recipe | str, *, dtype: str = "float32", ends: bool = True
) -> st.SearchStrategy[np.float32]:
    """Draw a positive tensor amax, a float32 that is a value of `dtype`.

    It is one at which scales are exact, one step beside such a value, or any value from 2^-10 to 2^10. With
    `ends` it may also be one where C/A overflows, where A/C is subnormal, the smallest or the largest value.
    Raises: RecipeError.
    """
    r = get_recipe(recipe)
    exact, extreme = amax_values(r, one_of(dtype, DTYPES, "strategies: dtype"))
    anywhere = st.floats(2.0**-10, 2.0**10, width=32).map(lambda a: nearest(a, dtype))
    return st.sampled_from(exact) | anywhere | (st.sampled_from(extreme) if ends else st.nothing())


def blocks(
    recipe: Recipe | str, amax: float, *, dtype: str = "float32", aim: Aim | None = None
) -> st.SearchStrategy[AnyArray]:
    """Draw one block aimed at a boundary under the tensor amax `amax`, or the float32 nearest to it.

    No magnitude is above `amax`, but `amax` itself need not occur in the block: pass it to `quantize`, or
    draw `matrices`.
    aim:      one of AIMS; None: any that suits the recipe
    Shapes:   (block rows, block columns)
    Dtypes:   `dtype`: "float32", "float16" or "bfloat16"
    Raises:   RecipeError; InputError for an `aim` that does not suit the recipe, and for an amax that is
              no positive finite number.
    """
    r = get_recipe(recipe)
    usable = [a for a in AIMS if a.suits(r)]
    if aim is not None and (not is_a(aim, Aim) or aim not in usable):
        allowed = [a.value for a in usable]
        given = shown(aim.value if is_a(aim, Aim) else aim)
        msg = f"strategies.blocks: recipe {r.name!r} has no {given}: one of {allowed} is allowed"
        raise InputError(msg)
    one_of(dtype, DTYPES, "strategies: dtype")
    return _blocks(r, nearest(_amax(amax), "float32"), dtype, usable if aim is None else [aim])


def _amax(given: Any) -> float:
    """Return a tensor amax that blocks can be aimed under: a positive finite number."""
    if is_a(given, numbers.Real) and not is_a(given, bool) and 0 < given <= _FLT_MAX:
        return float(given)
    msg = f"strategies: amax {shown(given)}: a positive finite number is allowed"
    raise InputError(msg)


@st.composite
def _blocks(draw: st.DrawFn, r: Recipe, amax: np.float32, dtype: str, aims: list[Aim]) -> AnyArray:
    aim = draw(st.sampled_from(aims))
    size = bytes_for(aim, r)
    return block_at(aim, r, amax, dtype, draw(st.binary(min_size=size, max_size=size)))


def matrices(
    recipe: Recipe | str,
    *,
    dtype: str = "float32",
    shape: tuple[int, int] = (1, 2),
    amax: float | None = None,
    ends: bool = True,
) -> st.SearchStrategy[AnyArray]:
    """Draw a matrix of `shape` blocks, each with an aim of its own; its own tensor amax is `amax`.

    amax:     the nearest value of `dtype` is taken; None draws one (see `amaxes`); in row-scaled recipes
              every row has it
    Shapes:   (shape[0] * block rows, shape[1] * block columns)
    Raises:   RecipeError, InputError, ShapeError.
    """
    r, shape = get_recipe(recipe), sizes(shape, "strategies: shape", 1)
    one_of(dtype, DTYPES, "strategies: dtype")
    given = amaxes(r, dtype=dtype, ends=ends) if amax is None else st.just(nearest(_amax(amax), dtype))
    return _matrices(r, dtype, shape, given)


@st.composite
def _matrices(
    draw: st.DrawFn, r: Recipe, dtype: str, shape: tuple[int, int], amax: st.SearchStrategy[np.float32]
) -> AnyArray:
    a = draw(amax)
    rows = [[draw(blocks(r, float(a), dtype=dtype)) for _ in range(shape[1])] for _ in range(shape[0])]
    x: AnyArray = np.block(rows)
    own_rows = range(len(x)) if r.amax_scope is AmaxScope.ROW else [draw(st.integers(0, len(x) - 1))]
    for row in own_rows:
        x[row, draw(st.integers(0, x.shape[1] - 1))] = draw(st.sampled_from([1, -1])) * a
    return x


def cases(
    recipe: Recipe | str, *, dtype: str = "float32", shape: tuple[int, int] = (1, 2)
) -> st.SearchStrategy[tuple[AnyArray, AnyArray | None]]:
    """Draw (x, amax) for `quantize(x, recipe, amax=amax)`.

    amax:     None; or the tensor's own; or one that is too small, so that block scales saturate; or one that
              is too large, so that they are subnormal or zero
    Shapes:   x as in `matrices`; amax (), or (rows,) for row-scaled recipes
    Dtypes:   x as in `matrices`; amax float32
    Raises:   RecipeError, InputError, ShapeError.
    """
    r = get_recipe(recipe)
    return _cases(r, matrices(r, dtype=dtype, shape=shape))


@st.composite
def _cases(
    draw: st.DrawFn, r: Recipe, matrix: st.SearchStrategy[AnyArray]
) -> tuple[AnyArray, AnyArray | None]:
    x = draw(matrix)
    if draw(st.booleans()):
        return x, None
    own = np.float32(np.abs(x.astype(np.float32)).max())
    factor = draw(st.sampled_from([1.0, 1 / 3, 2.0**-7, 3.0, 2.0**13]))
    with np.errstate(over="ignore", under="ignore"):
        given = np.minimum(own * np.float32(factor), np.finfo(np.float32).max)
    return x, np.full(x.shape[:1] if r.amax_scope is AmaxScope.ROW else (), given, dtype=np.float32)
