"""The engine "host": the kernels' header under g++, for checks of the numerics without a GPU."""

from __future__ import annotations

import sys
from functools import cache

import numpy as np

from fos_gpu.build.compiler import compiler_version
from fos_gpu.build.host import HostKernel
from fos_gpu.build.lower import unsupported
from fos_ref.engines.empty import nothing
from fos_ref.errors import ToolchainError
from fos_ref.formats.arrays import AnyArray, Bool, F32, U8
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe


class HostEngine:
    """The header as an engine. A recipe is compiled when it is first asked for, about a second each."""

    name = "host"

    def refuses(self, recipe: Recipe) -> str | None:
        """Return why this engine cannot run `recipe` here, None if it can."""
        if sys.byteorder != "little":
            return "its words are written for little-endian machines"
        try:
            compiler_version()
        except ToolchainError as e:
            return str(e)
        return unsupported(recipe)

    def amax(self, x: AnyArray, recipe: Recipe) -> F32:
        """Return the tensor amax, () or (R,). N2."""
        by_row = recipe.amax_scope is AmaxScope.ROW
        if x.size == 0:
            return np.zeros((x.shape[0],) if by_row else (), dtype=np.float32)
        return _kernel(recipe).amax(x)

    def quantize(self, x: AnyArray, scales: Scales, recipe: Recipe) -> tuple[U8, U8, Bool]:
        """Return packed codes (R, C/2), block scales (R, C/16) and picked4 (R, C/16). N4 to N13."""
        if x.size == 0:
            return nothing(x, scales, recipe)
        return _kernel(recipe).quantize(x, scales)


@cache
def _kernel(r: Recipe) -> HostKernel:
    """Return a recipe's loops, built and loaded once a process."""
    return HostKernel(r)
