"""Everything that the page on products shows, in its order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fos_ref.report.products import leaking, programs, sums
from fos_ref.report.products.alphas import form_shares
from fos_ref.report.products.leaking import Leaks
from fos_ref.report.products.plan import Done, Plan
from fos_ref.report.products.vectors import accumulators


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Everything that was measured."""

    plan: Plan
    certified: pd.DataFrame
    distances: pd.DataFrame
    programs: pd.DataFrame
    alphas: pd.DataFrame
    accumulators: pd.DataFrame
    leaks: Leaks

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name of their file, without its end."""
        return {
            "products-certified": self.certified,
            "products-distances": self.distances,
            "products-programs": self.programs,
            "products-alphas": self.alphas,
            "products-accumulators": self.accumulators,
            "products-leaks": self.leaks.table,
        }


def jobs(plan: Plan) -> int:
    """Return how often `measure_products` calls its `done`."""
    return len(sums.jobs(plan)) + len(programs.jobs(plan)) + 1 + len(leaking.jobs())


def measure_products(plan: Plan, done: Done) -> Products:
    """Measure everything; `done` is called after each of `jobs(plan)`."""
    certified, distances = sums.measure(plan, done)
    between = programs.disagreements(plan, done)
    alphas = form_shares(plan)
    done()
    return Products(
        plan=plan,
        certified=certified,
        distances=distances,
        programs=between,
        alphas=alphas,
        accumulators=accumulators(),
        leaks=leaking.leak_table(plan, done),
    )
