"""Who computes it? Engines by name. Every engine gives the same bits; they differ in speed and needs."""

from __future__ import annotations

import contextlib
import warnings
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from fos_ref.arguments import is_a
from fos_ref.engines.memory import keep_memory
from fos_ref.errors import EngineWarning, InputError, ToolchainError
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.random_bits import RandomBits
from fos_ref.model.trace import Scales
from fos_ref.recipes.recipe import Recipe

#: Where each engine lives, the fastest last; imported when it is first asked for.
ENGINES = {
    "numpy": "fos_ref.engines.numpy_engine:NumpyEngine",
    "numba": "fos_ref.fast.engine:NumbaEngine",
    "cuda": "fos_gpu.engine:CudaEngine",
}
#: For checks only: `installed` and "auto" do not know them.
CHECKING = {"host": "fos_gpu.host_engine:HostEngine"}
#: From how many values on "auto" takes the compiled engine: below, loading it costs more than it saves.
COMPILED_FROM = 1 << 20


class Engine(Protocol):
    """What an engine offers. x is (R, C) float32, float16 or bfloat16, shapes already checked."""

    name: str

    def refuses(self, recipe: Recipe) -> str | None:
        """Return why this engine cannot run `recipe` here, None if it can."""

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,)."""

    def quantize(
        self, x: AnyArray, scales: Scales, recipe: Recipe, bits: RandomBits | None = None
    ) -> tuple[U8, U8, Bool]:
        """Return packed codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16)."""


@cache
def load_engine(name: str) -> Engine:
    """Return the engine called `name`. Raises: ToolchainError where it cannot be loaded, whatever fails."""
    keep_memory()
    module, _, kind = {**ENGINES, **CHECKING}[name].partition(":")
    try:
        engine: Engine = getattr(import_module(module), kind)()
    except ToolchainError:
        raise
    except ImportError as e:
        msg = f"engine {name!r} is not part of this installation: {e}"
        raise ToolchainError(msg) from e
    except Exception as e:  # a compiler that is broken, or told nonsense by its environment, fails in any way
        msg = f"engine {name!r} cannot be loaded: {': '.join(filter(None, (type(e).__name__, str(e))))}"
        raise ToolchainError(msg) from e
    return engine


def installed(recipe: Recipe) -> list[str]:
    """Return the names of the engines that can run `recipe` here."""
    found = []
    for name in ENGINES:
        with contextlib.suppress(ToolchainError):
            if load_engine(name).refuses(recipe) is None:
                found.append(name)
    return found


def check_engine(name: Any) -> str:
    """Return the name of an engine; InputError for anything else."""
    if not is_a(name, str) or name not in ("auto", *ENGINES, *CHECKING):
        msg = f"engine {shown(name)}: one of auto, {', '.join(ENGINES)} is allowed"
        raise InputError(msg)
    return str(name)


def get_engine(name: str, recipe: Recipe, values: int) -> Engine:
    """Return the engine called `name` for `recipe` and a tensor of `values` values.

    "auto" takes the compiled engine for large tensors where it can be used and has the recipe, else the
    NumPy model; it gives an EngineWarning, once a process, where it cannot.

    Raises: InputError for an unknown name; ToolchainError, with the reason, for one that cannot run here.
    """
    check_engine(name)
    if name == "auto":
        return _fastest(recipe, values)
    engine = load_engine(name)
    reason = engine.refuses(recipe)
    if reason is not None:
        msg = f"engine {name!r} cannot run recipe {recipe.name!r}: {reason}"
        raise ToolchainError(msg)
    return engine


def _fastest(recipe: Recipe, values: int) -> Engine:
    if values >= COMPILED_FROM:
        try:
            compiled = load_engine("numba")
        except ToolchainError as e:
            say_degraded(e)
        else:
            if compiled.refuses(recipe) is None:
                return compiled
    return load_engine("numpy")


_told: dict[str, object] = {}  #: whether this process was warned


def say_degraded(why: ToolchainError) -> None:
    """Warn once a process that "auto" computes with the NumPy model: the same bits, more slowly."""
    me = object()
    if _told.setdefault("degraded", me) is me:  # one thread of many
        msg = f"{why}; the NumPy model computes the same bits, more slowly"
        warnings.warn(msg, EngineWarning, stacklevel=2)
