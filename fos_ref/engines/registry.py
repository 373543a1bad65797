"""Who computes it? Engines by name. Every engine gives the same bits; they differ in speed and needs."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Protocol

from fos_ref.errors import InputError, ToolchainError
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import Recipe

KNOWN = ("numpy", "numba", "cuda")


class Engine(Protocol):
    """What an engine offers. x is (R, C) float32, float16 or bfloat16, shapes already checked."""

    name: str

    def refuses(self, recipe: Recipe) -> str | None:
        """Return why this engine cannot run `recipe` here, None if it can."""

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,)."""

    def quantize(self, x: AnyArray, scales: Scales, recipe: Recipe) -> tuple[U8, U8, Bool]:
        """Return packed codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16)."""


def engines() -> dict[str, Engine]:
    """Return the installed engines, fastest last: the NumPy model and the entry points `fos.engines`."""
    from fos_ref.engines.numpy_engine import NumpyEngine  # noqa: PLC0415 -- the registry is the lower file

    found: dict[str, Engine] = {"numpy": NumpyEngine()}
    for point in entry_points(group="fos.engines"):
        found[point.name] = point.load()()
    return found


def get_engine(name: str, recipe: Recipe) -> Engine:
    """Return the engine called `name` for `recipe`; "auto" takes the fastest installed that has the recipe.

    Raises: InputError for an unknown name, ToolchainError when the engine cannot run here (with the reason).
    """
    if name not in ("auto", *KNOWN):
        msg = f"engine {name!r}: one of auto, {', '.join(KNOWN)} is allowed"
        raise InputError(msg)
    found = engines()
    if name == "auto":
        return [e for e in found.values() if e.refuses(recipe) is None][-1]
    if name not in found:
        msg = f"engine {name!r} is not part of this installation; installed: {', '.join(found)}"
        raise ToolchainError(msg)
    reason = found[name].refuses(recipe)
    if reason is not None:
        msg = f"engine {name!r} cannot run recipe {recipe.name!r}: {reason}"
        raise ToolchainError(msg)
    return found[name]
