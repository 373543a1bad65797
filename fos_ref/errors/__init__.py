"""The errors of the package: each says what was wrong, what was given and what is allowed.

text   how a name from outside is shown, and how long a message may be
guard  what a program answers to any error: the line and the exit code
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

from fos_ref.errors.text import line, lines


class Remedy(NamedTuple):
    """An argument of a Python call that lets through what was refused, and what it does."""

    argument: str  #: as a caller writes it: overwrite=True
    does: str


class FosError(Exception):
    """Base of every error this package raises on purpose.

    said:   what was wrong, what was given and what is allowed, in words that hold for a call and a command
    remedy: the argument that helps, or None. str() names it; `fos` names its option for it, if it has one.

    What was given may come from anybody. So `said` and str() are one line of printable characters, shorter
    than 1,000, whatever stands in it: the rest is escaped, and the middle of a longer text is left out.
    """

    def __init__(self, said: str = "", *, remedy: Remedy | None = None) -> None:
        self.said = self._form(str(said))
        self.remedy = remedy
        super().__init__(self.said)

    @staticmethod
    def _form(said: str) -> str:
        return line(said)

    def __str__(self) -> str:
        return f"{self.said} ({self.remedy.argument} {self.remedy.does})" if self.remedy else self.said


class ShapeError(FosError, ValueError):
    """An array has the wrong rank or an axis that does not fit the block shape."""


class DtypeError(FosError, TypeError):
    """An array or tensor has a dtype that is not taken; nothing is ever cast silently."""


class InputError(FosError, ValueError):
    """A value is out of its domain: a NaN where the recipe says RAISE, a negative amax, ..."""


class RecipeError(FosError, ValueError):
    """An unknown preset, an illegal combination of axes, or recipe JSON that does not parse."""


class CheckpointError(FosError, ValueError):
    """A safetensors file is truncated, corrupt, hostile, or not in the convention asked for."""


class GoldenFormatError(FosError, ValueError):
    """A golden file breaks its schema, its manifest or its canonical form."""


class BitMismatch(FosError, AssertionError):  # noqa: N818 -- the name is part of the public face
    """Two results that must be equal bit for bit are not. It may have several lines, each as above."""

    @staticmethod
    def _form(said: str) -> str:
        return lines(said)


class ToolchainError(FosError, RuntimeError):
    """A compiler, driver, device or optional package that this call needs is missing."""


class EngineWarning(UserWarning):
    """The fast engine cannot be used here: the engine "auto" takes the NumPy model, for the same bits."""


_LONGEST_NAME = 100  #: none of ours is longer; the search takes the square of it


def near(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` of the `known` names that `name` may mean, in other case or as their beginning.

    It raises no error: a name that is too long to be one of ours is near none.
    """
    if len(name) > _LONGEST_NAME:
        return []
    folded = {k.casefold(): k for k in known}
    wanted = name.casefold()
    close = difflib.get_close_matches(wanted, folded, n=count, cutoff=0.5)
    return [folded[k] for k in close or [k for k in folded if wanted and k.startswith(wanted)][:count]]
