"""The assertion for a test of your own: no output of a function depends on a later token."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from fos_ref.attention.detector import leaks
from fos_ref.errors import BitMismatch


def assert_causal(
    f: Callable[..., Any], q: Any, k: Any = None, v: Any = None, *, tokens: Iterable[int] | None = None
) -> None:
    """Raise BitMismatch, with the report as its message, where an output of f depends on a later token.

    Arguments, shapes, dtypes and other errors are those of `fos_ref.attention.leaks`.
    """
    found = leaks(f, q, k, v, tokens=tokens)
    if found:
        raise BitMismatch(str(found))
