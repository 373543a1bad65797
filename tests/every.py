"""One test for many values: cheap checks of every preset are one item of pytest, not a hundred."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest


def every(values: Iterable[Any], name: Callable[[Any], str] = str) -> Callable[[Callable[..., None]], Any]:
    """Make a test of a check whose first argument is a value: it runs on all, and all that fail are named.

    An item of pytest costs a millisecond or two; `pytest.mark.parametrize` is for tests that take longer.
    """
    values = list(values)

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(check)
        def test(**fixtures: Any) -> None:
            wrong = {}
            for v in values:
                try:
                    check(v, **fixtures)
                except (Exception, pytest.fail.Exception) as e:  # noqa: BLE001 -- raised again below
                    kept = e if isinstance(e, Exception) else AssertionError(str(e))
                    kept.add_note(f"with {name(v)}")
                    wrong[name(v)] = kept.with_traceback(e.__traceback__)
            if wrong:
                msg = f"{len(wrong)} of {len(values)}: {', '.join(wrong)}"
                raise ExceptionGroup(msg, list(wrong.values()))

        assert values, check.__name__
        parameters = list(inspect.signature(check).parameters.values())[1:]
        test.__signature__ = inspect.Signature(parameters)
        return test

    return decorate
