"""The four methods, as modifiers of llm-compressor.

rtn          each weight rounded as it is
smoothquant  ranges of activations moved into the weights, strength 0.5, then rounded
awq          channels scaled by a grid of 20 ratios. Its search rounds by minmax scales, under every recipe
gptq         a column walk with the inputs' products; columns by descending diagonal, blocks as they lie
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compressed_tensors.quantization import preset_name_to_scheme, QuantizationScheme
from llmcompressor.modifiers.gptq import GPTQModifier
from llmcompressor.modifiers.quantization import QuantizationModifier
from llmcompressor.modifiers.transform.awq import AWQModifier
from llmcompressor.modifiers.transform.smoothquant import SmoothQuantModifier

from fos_ref.ptq.observer import NAME, RECIPE, register
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import is_mxfp4

SEQUENTIAL, AT_ONCE = "sequential", "independent"


def scheme(r: Recipe, named: str, modules: list[str]) -> QuantizationScheme:
    """Return the scheme of these modules: weights by the recipe, activations as they are.

    named: what the observer reads the recipe from, its name or the path of its JSON
    """
    made = preset_name_to_scheme("MXFP4A16" if is_mxfp4(r) else "NVFP4A16", modules)
    made.weights.observer = NAME
    made.weights.observer_kwargs = {RECIPE: named}
    return made


def _smoothquant(how: dict[str, Any]) -> list[Any]:
    return [SmoothQuantModifier(smoothing_strength=0.5), QuantizationModifier(**how)]


METHODS: Mapping[str, Callable[[dict[str, Any]], list[Any]]] = {
    "rtn": lambda how: [QuantizationModifier(**how)],
    "smoothquant": _smoothquant,
    "awq": lambda how: [AWQModifier(), QuantizationModifier(**how)],
    "gptq": lambda how: [GPTQModifier(**how)],
}


def modifiers(method: str, r: Recipe, named: str, modules: list[str]) -> list[Any]:
    """Return the modifiers of a method."""
    register()
    return METHODS[method]({"config_groups": {"group_0": scheme(r, named, modules)}})
