"""A kernel on what Hypothesis draws: matrices aimed at boundaries, shrunk to the simplest that fails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fos_ref.conformance.kernel import Failure, Kernel
from fos_ref.conformance.trials import expected, STRATEGIES
from fos_ref.errors import InputError


@dataclass(slots=True)
class Drawn:
    """What was drawn."""

    examples: int = 0
    failure: Failure | None = None  #: the simplest
    not_run: str | None = None


class _Differs(Exception):  # noqa: N818 -- carries a finding out of Hypothesis
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.what)
        self.failure = failure


def draw(kernel: Kernel, dtype: str, examples: int) -> Drawn:
    """Try a kernel on `examples` drawn matrices; the same ones each time."""
    try:
        from hypothesis import errors, given, HealthCheck, settings, Verbosity  # noqa: PLC0415

        from fos_ref.inputs import strategies  # noqa: PLC0415
    except ImportError as e:
        return Drawn(not_run=str(e))
    r, found = kernel.recipe, Drawn()
    given_cases = strategies.cases(r, dtype=dtype)
    own_cases = strategies.matrices(r, dtype=dtype).map(lambda x: (x, None))

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(given_cases if kernel.takes_amax else own_cases)
    def tried(case: tuple[Any, Any]) -> None:
        found.examples += 1
        x, amax = case
        try:
            trial = expected(f"{STRATEGIES}: {dtype} {x.shape[0]}x{x.shape[1]}", STRATEGIES, x, amax, r)
        except InputError:  # the recipe refuses it
            return
        found_wrong = kernel.failure(trial)
        if isinstance(found_wrong, Failure):
            found.failure = found_wrong
            raise _Differs(found_wrong)

    try:
        tried()
    except _Differs as e:
        found.failure = e.failure
    except errors.Flaky:
        assert found.failure is not None
        found.failure = replace(found.failure, what=f"not the same bytes each time: {found.failure.what}")
    return found
