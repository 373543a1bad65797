"""Which recipes the report compares, under which label, and how much it measures."""

from __future__ import annotations

from dataclasses import dataclass

from fos_ref.recipes import Recipe, recipe
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.recipe import BLOCK, MX_BLOCK


@dataclass(frozen=True, slots=True)
class Entry:
    """One recipe of the report."""

    preset: str
    label: str  #: for figures and the terminal
    meaning: str  #: one line for the report

    @property
    def recipe(self) -> Recipe:
        """The recipe itself."""
        return recipe(self.preset)

    @property
    def chooses(self) -> bool:
        """Whether blocks choose between map-to-4 and map-to-6."""
        return self.recipe.candidates is Candidates.FOUR_OVER_SIX


BASELINE = "nvfp4"
METHOD = "4over6"

LINEUP: tuple[Entry, ...] = (
    Entry("nvfp4", "NVFP4", "plain NVFP4: every block to 6, bound 448"),
    Entry("fouroversix-static4", "all to 4", "every block to 4, bound 448"),
    Entry("4over6", "4/6 MSE", "4/6 by squared error, bound 256: the published method"),
    Entry("4over6-mae", "4/6 MAE", "4/6 by absolute error, bound 256"),
    Entry("4over6-absmax", "4/6 AbsMax", "4/6 by the largest error, bound 256"),
    Entry(
        "te-mse-448", "4/6 MSE, 448", "4/6 by squared error, bound 448: map-to-4 scales above 448 saturate"
    ),
    Entry("te-mae-448", "4/6 MAE, 448", "4/6 by absolute error, bound 448"),
    Entry("te-nvfp4-16x16", "NVFP4 16x16", "plain NVFP4 with one scale for each 16x16 tile"),
    Entry("4over6-16x16", "4/6 16x16", "4/6 by squared error, one choice for each 16x16 tile"),
)
BY_PRESET = {e.preset: e for e in LINEUP}
RECIPES = {e.preset: e.recipe for e in LINEUP}
CHOOSERS = tuple(e.preset for e in LINEUP if e.chooses)
ROWS_OF_16 = tuple(e.preset for e in LINEUP if e.recipe.block_rows == 1)
TILES = tuple(e.preset for e in LINEUP if e.recipe.block_rows > 1)

#: What the figures and tables call a distribution.
DISTRIBUTION_LABELS = {
    "normal": "N(0, 1)",
    "laplace": "Laplace",
    "student-t5": "Student t5",
    "student-t3": "Student t3",
    "uniform": "U(-1, 1)",
    "lognormal": "log-normal",
    "outlier-channels": "outlier channels",
    "near-max": "near-max blocks",
    "worst-case": "worst-case blocks",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: `seeds` tensors of `shape` for each distribution."""

    seeds: int
    shape: tuple[int, int]

    @property
    def family(self) -> Plan:
        """How much of it every format of the family is measured on: the first half of the tensors."""
        return Plan(max(self.seeds // 2, _FEWEST), self.shape)

    @property
    def optimum(self) -> Plan:
        """How much the searches are measured on, which try a block a hundred times: smaller tensors."""
        rows, cols = self.shape
        return Plan(self.family.seeds, (max(rows // 4, BLOCK), max(cols // 2, MX_BLOCK)))


_FEWEST = 2  #: tensors: an interval needs a spread
FULL = Plan(seeds=8, shape=(1024, 1024))
QUICK = Plan(seeds=3, shape=(512, 512))
