"""Which formats the report shows beside NVFP4 and 4/6, in groups, and what a value of each takes."""

from __future__ import annotations

from dataclasses import dataclass

from fos_ref.recipes import Recipe, recipe
from fos_ref.recipes.axes import Candidates
from fos_ref.recipes.elements import element
from fos_ref.report.lineup import BASELINE, METHOD


@dataclass(frozen=True, slots=True)
class Member:
    """One format of the family."""

    preset: str
    label: str
    meaning: str
    group: str  #: what it is drawn and listed with

    @property
    def recipe(self) -> Recipe:
        """The recipe itself."""
        return recipe(self.preset)

    @property
    def bits(self) -> float:
        """Bits a value takes: its code, and its part of the block scale's byte; the tensor scale left out."""
        r = self.recipe
        return element(r.element_format).width + 8 / (r.block_rows * r.block_cols)

    @property
    def mixes(self) -> bool:
        """Whether a block is of floating-point or of integer elements."""
        return self.recipe.candidates is Candidates.FLOAT_OR_INT


_NV, _MX = "4 bits, E4M3 scales", "4 bits, powers of two"
_EIGHT, _SIX, _WIDE, _THREE = "blocks of 8", "6 bits", "8 bits", "3 bits"
_BETTER = "the better of the two for each block, by squared error"
FAMILY: tuple[Member, ...] = (
    Member(BASELINE, "NVFP4", "E2M1, every block to 6", _NV),
    Member(METHOD, "4/6", "E2M1, each block to 4 or to 6, bound 256", _NV),
    Member("fouroversix-nvint4", "NVINT4", "INT4, every block to 7", _NV),
    Member("fouroversix-if4-mse", "IF4", f"E2M1 or INT4: {_BETTER}", _NV),
    Member("fouroversix-if4-mae", "IF4, MAE", "the same by absolute error", _NV),
    Member("fouroversix-if4-absmax", "IF4, AbsMax", "the same by the largest error", _NV),
    Member("ocp-mxfp4", "MXFP4 floor", "E2M1, the exponent of the block amax less 2", _MX),
    Member("torchao-mxfp4-even", "MXFP4 even", "the same, an amax from 1.75 * 2^n on rounded up", _MX),
    Member("torchao-mxfp4-ceil", "MXFP4 ceil", "the same, every amax rounded up: no value above 4", _MX),
    Member("fouroversix-mxfp4-static6", "MXFP4 up", "E2M1, amax / 6 rounded up to a power of two", _MX),
    Member("mlx-metal-mxfp4-nearest", "MXFP4 nearest", "the same to the power nearest as a logarithm", _MX),
    Member("fouroversix-nvfp4-bs8", "NVFP4, blocks of 8", "E2M1, every block to 6", _EIGHT),
    Member("fouroversix-if4-mse-bs8", "IF4, blocks of 8", f"E2M1 or INT4: {_BETTER}", _EIGHT),
    Member("fouroversix-nvfp6-e2m3", "NVFP6 E2M3", "E2M3, every block to 7.5", _SIX),
    Member("fouroversix-nvfp6-e3m2", "NVFP6 E3M2", "E3M2, every block to 28", _SIX),
    Member("fouroversix-nvint6", "NVINT6", "INT6, every block to 31", _SIX),
    Member("fouroversix-if6-e2m3-mse", "IF6 E2M3", f"E2M3 or INT6: {_BETTER}", _SIX),
    Member("fouroversix-if6-e3m2-mse", "IF6 E3M2", f"E3M2 or INT6: {_BETTER}", _SIX),
    Member("ocp-mxfp6-e2m3", "MXFP6 E2M3", "E2M3, the exponent of the block amax less 2", _SIX),
    Member("ocp-mxfp6-e3m2", "MXFP6 E3M2", "E3M2, the exponent of the block amax less 4", _SIX),
    Member("ocp-mxfp8-e4m3", "MXFP8 E4M3", "E4M3, the exponent of the block amax less 8", _WIDE),
    Member("ocp-mxfp8-e5m2", "MXFP8 E5M2", "E5M2, the exponent of the block amax less 15", _WIDE),
    Member("ocp-mxint8", "MXINT8", "INT8 in units of 1/64, the exponent of the block amax", _WIDE),
    Member("fouroversix-nvfp3", "NVFP3", "E2M0, every block to 4", _THREE),
    Member("fouroversix-nvint3", "NVINT3", "INT3, every block to 3", _THREE),
    Member("fouroversix-if3-mse", "IF3", f"E2M0 or INT3: {_BETTER}", _THREE),
)
BY_PRESET = {m.preset: m for m in FAMILY}
RECIPES = {m.preset: m.recipe for m in FAMILY}
