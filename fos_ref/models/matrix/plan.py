"""Which arms the matrix has, in the order in which they are run: a run that is cut has whole draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fos_ref.models.arms import Arm
from fos_ref.models.draws import phases
from fos_ref.recipes.axes import TensorScale
from fos_ref.recipes.catalog import recipe

BASELINE, PLAIN = "float32", "nvfp4"
RECIPES = (
    PLAIN,
    "4over6",
    "4over6-mae",
    "4over6-absmax",
    "te-mse-448",
    "te-mae-448",
    "fpquant-4over6-mse",
    "fouroversix-if4-mse",
    "ocp-mxfp4",
)
BOTH, WEIGHTS, ACTIVATIONS = "W4A4", "weights", "activations"
SLOW_DRAWS = 3  #: of W4A4 for a recipe whose inputs have to pass the host


@dataclass(frozen=True)
class Cell:
    """What a row of the page is about; its draws are arms."""

    recipe: str
    operands: str
    scope: str

    @property
    def name(self) -> str:
        """The cell's name in the files: "4over6 W4A4 tensor"."""
        return " ".join(filter(None, (self.recipe, self.operands, self.scope)))


def cell_arm(cell: Cell, phase: float = 1.0) -> Arm:
    """Return the arm of a cell in a draw."""
    if cell.recipe == BASELINE:
        return Arm()
    r = recipe(cell.recipe)
    weights = None if cell.operands == ACTIVATIONS else r
    activations = None if cell.operands == WEIGHTS else r
    return Arm(weights, activations, cell.scope or "tensor", "dynamic", phase)


def plan(recipes: Sequence[str] = RECIPES, draws: int = 10) -> list[tuple[Cell, int, Arm]]:
    """Return (cell, draw, arm) in order: the baseline; inputs alone; by draw weights alone and both.

    Inputs are many draws by themselves, so they have one arm. A recipe without a tensor scale has no amax,
    so it has one scope only.
    """
    found = [(Cell(BASELINE, "", ""), 0, 1.0)]
    scaled = [n for n in recipes if recipe(n).tensor_scale is not TensorScale.NONE]
    unscaled = [n for n in recipes if n not in scaled]
    found += [(Cell(n, ACTIVATIONS, "tensor"), 0, 1.0) for n in recipes]
    found += [(Cell(n, ACTIVATIONS, "row"), 0, 1.0) for n in scaled]
    for d, phase in enumerate(phases(draws)):
        found += [(Cell(n, WEIGHTS, ""), d, phase) for n in recipes]
        found += [(Cell(n, BOTH, "tensor"), d, phase) for n in scaled]
        found += [(Cell(n, BOTH, "tensor"), d, phase) for n in unscaled if d < SLOW_DRAWS]
    found += [(Cell(n, BOTH, "row"), d, p) for d, p in enumerate(phases(draws)) for n in scaled]
    return [(c, d, replace(cell_arm(c), phase=p)) for c, d, p in found]
