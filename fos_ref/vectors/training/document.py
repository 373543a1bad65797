"""The file: every step's vectors, read back, and computed once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from fos_ref.errors import GoldenFormatError, InputError, ShapeError
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.bits import Json
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.distinguishing.check import Failure
from fos_ref.vectors.schema import check
from fos_ref.vectors.training import chain, counters, rotations, rounding, tensors

NAME = "v1/training.json"
KIND = "training"
_COMMENT = (
    "Random words are given, so every bit follows. wrong: what a mistake gives where it shows; its name "
    "begins with the flag. docs/vectors.md says what each step's fields are."
)
Computed = Callable[[Json], Json]
#: step -> its inputs, and what they give.
STEPS: Mapping[str, tuple[Callable[[], Iterator[Json]], Computed]] = MappingProxyType(
    {
        counters.PHILOX: (counters.philox_given, counters.philox_computed),
        counters.WORDS: (counters.words_given, counters.words_computed),
        rounding.STEP: (rounding.given, rounding.computed),
        rotations.STEP: (rotations.given, rotations.computed),
        tensors.STEP: (tensors.given, tensors.computed),
        chain.STEP: (chain.given, chain.computed),
    }
)
#: The steps that an engine runs; the others have one implementation.
_ENGINE: Mapping[str, Callable[[Json, str], Json]] = MappingProxyType(
    {tensors.STEP: tensors.computed, chain.STEP: chain.computed}
)


def document() -> Json:
    """Return the whole file."""
    vectors = [v | computed(v) for given, computed in STEPS.values() for v in given()]
    return {"format": FORMAT, "kind": KIND, "comment": _COMMENT, "vectors": vectors}


def read(data: bytes, name: str = NAME) -> list[Json]:
    """Return the vectors; GoldenFormatError for a file of another form, or a recipe that is another."""
    found = parse(data, name)
    check(found, KIND, name)
    vectors: list[Json] = found["vectors"]
    if len({v["id"] for v in vectors}) < len(vectors):
        msg = f"{name}: an id stands there twice"
        raise GoldenFormatError(msg)
    for v in vectors:
        known = STOCHASTIC.get(v.get("recipe", ""))
        if "recipe" in v and (known is None or known.fingerprint() != v["fingerprint"]):
            msg = f"{name}: {v['id']}: the fingerprint of a stochastic recipe is allowed"
            raise GoldenFormatError(msg)
    return vectors


def recipe_of(v: Json) -> Recipe | None:
    """Return the recipe that an engine has to run for a vector."""
    return STOCHASTIC[v["recipe"]] if "recipe" in v else None


def failures(v: Json, engine: str) -> list[Failure]:
    """Return what one vector's input gives that is not as committed.

    Raises: GoldenFormatError where the input itself does not fit together.
    """
    step = v["step"]
    try:
        got = _ENGINE[step](v, engine) if step in _ENGINE else STEPS[step][1](v)
    except (InputError, ShapeError, ValueError, IndexError) as e:
        msg = f"{NAME}: {v['id']}: {e}"
        raise GoldenFormatError(msg) from e
    return [Failure(v["id"], -1, k, value, v[k]) for k, value in got.items() if value != v[k]]


__all__ = ["KIND", "NAME", "STEPS", "document", "failures", "read", "recipe_of"]
