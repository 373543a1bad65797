"""Everything that the page on training shows, in its order."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from fos_ref.report.training import cost, layer, sharing
from fos_ref.report.training import curves as repeated
from fos_ref.report.training.layer import Tensors
from fos_ref.report.training.plan import Done, Plan


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Everything that was measured."""

    plan: Plan
    costs: pd.DataFrame
    published: pd.DataFrame
    curves: pd.DataFrame
    plateaus: pd.DataFrame
    shared: pd.DataFrame
    layer: pd.DataFrame
    layer_says: str

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name of their file, without its end."""
        return {
            "training-rounders": self.costs,
            "training-published": self.published,
            "training-curves": self.curves,
            "training-plateaus": self.plateaus,
            "training-shared-noise": self.shared,
            "training-layer": self.layer,
        }


def jobs(plan: Plan) -> int:
    """Return how often `measure_training` calls its `done`."""
    return len(cost.jobs(plan)) + len(repeated.jobs(plan)) + len(sharing.jobs()) + len(layer.jobs(plan))


def measure_training(plan: Plan, tensors: Tensors, done: Done) -> Training:
    """Measure everything; `done` is called after each of `jobs(plan)`."""
    costs = cost.costs(plan, done)
    errors, plateaus = repeated.curves(plan, done)
    return Training(
        plan=plan,
        costs=costs,
        published=cost.beside_ours(costs),
        curves=errors,
        plateaus=plateaus,
        shared=sharing.shared_noise(plan, done),
        layer=layer.layer_errors(tensors, plan, done),
        layer_says=tensors.says,
    )
