"""The plug in llm-compressor: an observer whose block scales and tensor scale are a recipe's.

RTN and GPTQ there ask a weight's observer for the scales, once, of the weight as it is then. Elements are
cast by compressed-tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from llmcompressor.observers import MemorylessMinMaxObserver, Observer

from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import F32
from fos_ref.model.dequantize import scale_values
from fos_ref.ptq.storable import storable
from fos_ref.storage.conventions import is_mxfp4
from fos_ref.storage.tensor import QuantizedTensor

NAME = "fos"  #: in the registry of observers
RECIPE = "recipe"  #: the keyword of the observer: the name of a recipe or the path of its JSON
ANSWER = "fos_answer"  #: of a module: what the recipe made of its weight
#: What stands for a block scale of 0 until it is stored as the byte 0: nothing is divided by 0.
NOUGHT = 2.0**-24


class RecipeObserver(MemorylessMinMaxObserver):  # type: ignore[misc] # the peer's class has no types
    """A weight observer of llm-compressor that answers with a recipe's scales.

    The weights that share a tensor scale there (q/k/v, gate/up) share the largest amax of them, as with
    `fos quantize --share fused`.
    """

    def __init__(self, base_name: str, args: Any, **kwargs: Any) -> None:
        super().__init__(base_name, args, **kwargs)
        self.recipe = storable(args.observer_kwargs[RECIPE])

    def attach(self, module: torch.nn.Module) -> None:
        """Keep the module: its weight is what the recipe sees."""
        object.__setattr__(self, "weight_of", module)  # not as a part of this module

    def update_statistics_from_observed(self, observed: torch.Tensor) -> None:
        """Keep the recipe's tensor amax of the weight, in the form of a least and a largest value."""
        del observed  # the same values, cut into blocks
        a = quantize(self.weight_of.weight.detach(), self.recipe).tensor_amax
        self.max_vals = torch.tensor([float(a)], dtype=torch.float32)
        self.min_vals = -self.max_vals

    def amax(self) -> np.float32:
        """Return the largest tensor amax of this weight and of those that share its tensor scale."""
        return np.float32(max(s["max_vals"].item() for s in self.fusion_handler.get_fused_statistics()))

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def get_qparams(self) -> dict[str, Any]:
        """Return the scales of the weight as it is now: float32 on the grid of their format, and S."""
        weight = self.weight_of.weight.detach()
        q = quantize(weight, self.recipe, amax=self.amax())
        self.weight_of.__dict__[ANSWER] = q
        self.delete_statistics()
        scale = torch.from_numpy(stand_in(q)).to(weight.device)
        one = None if is_mxfp4(self.recipe) else torch.tensor([float(q.encode_scale)], dtype=torch.float32)
        return {"scale": scale, "zero_point": torch.zeros_like(scale), "global_scale": one}


def stand_in(q: QuantizedTensor) -> F32:
    """Return the values of block scales (N, B), those of 0 as NOUGHT."""
    values = scale_values(q.block_scales, q.recipe)
    return np.where(values == 0, np.float32(NOUGHT), values)


def register() -> None:
    """Make the observer known to llm-compressor, once."""
    if NAME not in Observer.registered_names():
        Observer.register_value(RecipeObserver, name=NAME)
