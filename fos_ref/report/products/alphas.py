"""How often programs' forms of alpha have another float32 than the exact ratio, and than one another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import F32
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.recipes import recipe
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import BLOCK, Recipe
from fos_ref.report.products.plan import Plan, RECIPE
from fos_ref.storage.tensor import QuantizedTensor

_SEED = 11


def form_shares(plan: Plan) -> pd.DataFrame:
    """Return a row for each pair of forms: pairs of tensor amaxes for which their float32 differs, %.

    The amaxes are log-normal(0, 1), `plan.amaxes` on each side, every one of a with every one of b.
    """
    rng = np.random.default_rng(_SEED)
    by_row = replace(recipe(RECIPE), name=f"{RECIPE}-row", amax_scope=AmaxScope.ROW)
    a, b = (_of_amaxes(rng.lognormal(size=plan.amaxes).astype(np.float32), by_row) for _ in range(2))
    found = {name: form(a, b) for name, form in ALPHAS.items()}
    return pd.DataFrame(
        {
            "form": left,
            "other": right,
            "pairs": plan.amaxes**2,
            "differ_pct": 100 * float(np.mean(found[left] != found[right])),
        }
        for left in ALPHAS
        for right in ALPHAS
    )


def _of_amaxes(amaxes: F32, by_row: Recipe) -> QuantizedTensor:
    """Return a tensor whose rows have these amaxes."""
    return quantize(np.repeat(amaxes[:, None], BLOCK, axis=1), by_row, engine="numpy")
