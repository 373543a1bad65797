"""Published numbers, as data, each beside the figure of this package.

Only anchors that can be checked here: numbers that depend on a model or a data set are left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fos_ref.formats import decode, encode, UE4M3
from fos_ref.report.family.measure import INT_SHARE
from fos_ref.report.lineup import BASELINE
from fos_ref.report.worked import Worked

READ = "read in the source"
NOTES = "second-hand: independent reading notes on the paper agree"

FOS = "Four Over Six, arXiv 2512.02010"
QUARTET = "Quartet II, arXiv 2601.22813v2, table 1"
IF4 = "IF4 (Adaptive Block-Scaled Data Types), arXiv 2603.28765, table 1"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A published number. `ours` is the key of our figure; `printed` has the digits that were printed."""

    quantity: str
    printed: str
    source: str
    how_read: str
    ours: str


_N01 = "N(0, 1), MSE x 1e-3"

ANCHORS = (
    Anchor("worked block, MSE, NVFP4", "4.33", f"{FOS}, table 1", NOTES, "worked nvfp4"),
    Anchor("worked block, MSE, 4/6", "0", f"{FOS}, table 1", NOTES, "worked 4over6"),
    Anchor(
        "N(0, 1), MSE all to 4 / all to 6",
        "> 1",
        f"{FOS}, table 3 (as perplexity)",
        NOTES,
        "ratio fouroversix-static4",
    ),
    Anchor("map-to-4, largest scale, bound 256", "384", FOS, NOTES, "e4m3 256"),
    Anchor(f"{_N01}: NVFP4", "9.0", QUARTET, READ, "normal nvfp4"),
    Anchor(f"{_N01}: NVFP4", "9.0", IF4, NOTES, "normal nvfp4"),
    Anchor(f"{_N01}: 4/6", "7.6", QUARTET, READ, "normal 4over6"),
    Anchor(f"{_N01}: 4/6", "7.5", IF4, NOTES, "normal 4over6"),
    Anchor(f"{_N01}: NVINT4", "7.4", IF4, NOTES, "normal fouroversix-nvint4"),
    Anchor(f"{_N01}: IF4", "6.2", IF4, NOTES, "normal fouroversix-if4-mse"),
    Anchor(f"{_N01}: MXFP4", "13.2", IF4, NOTES, "normal ocp-mxfp4"),
    Anchor("N(0, 1), blocks of IF4 that choose INT4, %", "63.8", IF4, NOTES, "int fouroversix-if4-mse"),
    Anchor(f"{_N01}: NVFP4 16x16", "12.4", QUARTET, READ, "normal te-nvfp4-16x16"),
    Anchor(f"{_N01}: 4/6 16x16", "12.4", QUARTET, READ, "normal 4over6-16x16"),
)


def beside_ours(worked: Worked, errors: pd.DataFrame, family: pd.DataFrame) -> pd.DataFrame:
    """Return the anchors with our figure, the deviation in % and whether it agrees in the printed digits."""
    ours = _ours(worked, errors, family)
    return pd.DataFrame([_row(a, ours[a.ours]) for a in ANCHORS])


def _ours(worked: Worked, errors: pd.DataFrame, family: pd.DataFrame) -> Mapping[str, float]:
    """Return our figures by key; what both tables have is of the larger one, the errors by distribution."""
    normal = [t[t["distribution"] == "normal"].set_index("recipe") for t in (family, errors)]
    figures = {f"normal {recipe}": float(v) for t in normal for recipe, v in t["mse_e3"].items()}
    figures |= {f"int {recipe}": float(v) for recipe, v in normal[0][INT_SHARE].items()}
    static4 = "fouroversix-static4"
    figures |= {f"ratio {static4}": figures[f"normal {static4}"] / figures[f"normal {BASELINE}"]}
    figures |= {f"worked {recipe}": v for recipe, v in worked.mse.items()}
    return figures | {"e4m3 256": float(decode(encode(np.array([256 * 1.5]), UE4M3), UE4M3)[0])}


def _row(a: Anchor, ours: float) -> dict[str, object]:
    deviation, agrees = _compare(a.printed, ours)
    return {
        "quantity": a.quantity,
        "published": a.printed,
        "ours": ours,
        "deviation_pct": deviation,
        "agrees": agrees,
        "source": a.source,
        "how_read": a.how_read,
    }


def _compare(printed: str, ours: float) -> tuple[float, bool]:
    """Return the deviation in % (NaN beside a bound) and whether the printed digits agree."""
    if printed.startswith(">"):
        return math.nan, ours > float(printed[1:])
    published = float(printed)
    decimals = len(printed.partition(".")[2])
    if published == 0:
        return (0.0 if ours == 0 else math.inf), ours == 0
    return 100 * (ours - published) / published, f"{ours:.{decimals}f}" == printed
