"""The errors of the package: each says what was wrong, what was given and what is allowed."""

from __future__ import annotations


class FosError(Exception):
    """Base of every error this package raises on purpose."""


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
    """Two results that must be equal bit for bit are not."""


class ToolchainError(FosError, RuntimeError):
    """A compiler, driver, device or optional package that this call needs is missing."""
