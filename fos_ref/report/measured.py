"""Everything that the report measures on named inputs, in its order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fos_ref.report import dialects
from fos_ref.report.dialects import Matrix
from fos_ref.report.family import optimum
from fos_ref.report.family.measure import family_errors
from fos_ref.report.family.measure import jobs as family_jobs
from fos_ref.report.lineup import Plan
from fos_ref.report.position import profile
from fos_ref.report.published import beside_ours
from fos_ref.report.sweep import Done, sweep, threads
from fos_ref.report.sweep import jobs as sweep_jobs
from fos_ref.report.worked import Worked, worked
from fos_ref.report.wrong_choice import jobs as choice_jobs
from fos_ref.report.wrong_choice import wrong_choices


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured on named inputs."""

    plan: Plan
    worked: Worked
    errors: pd.DataFrame
    family: pd.DataFrame
    optimum: pd.DataFrame
    profile: pd.DataFrame
    published: pd.DataFrame
    matrices: list[Matrix]
    wrong: pd.DataFrame


def measure_report(plan: Plan, engine: str, done: Done) -> Report:
    """Measure everything but real weights; `done` is called after each of `jobs(plan)`."""
    block = worked()
    errors = sweep(plan, engine, done)
    family = family_errors(plan, engine, done)
    return Report(
        plan=plan,
        worked=block,
        errors=errors,
        family=family,
        optimum=optimum.optimum_errors(plan, done),
        profile=profile(plan),
        published=beside_ours(block, errors, family),
        matrices=dialects.matrices(plan, engine, threads(engine), done),
        wrong=wrong_choices(plan, threads(engine), done),
    )


def jobs(plan: Plan) -> int:
    """Return how many jobs `measure_report` has."""
    swept = len(sweep_jobs(plan)) + len(family_jobs(plan)) + len(optimum.jobs(plan))
    return swept + len(dialects.jobs()) + len(choice_jobs())
