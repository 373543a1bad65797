"""What a caller asks for: checked before any package of the extra is imported, and before the work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fos_ref.arguments import one_of
from fos_ref.errors import CheckpointError, InputError
from fos_ref.outside.files import read_file
from fos_ref.outside.json import read_json
from fos_ref.ptq.calibration import Calibration
from fos_ref.ptq.storable import storable
from fos_ref.publish.publication import check_targets
from fos_ref.publish.targets import Targets
from fos_ref.recipes.recipe import Recipe

METHODS = ("rtn", "smoothquant", "awq", "gptq")
CONFIG = "config.json"
_MOST_BYTES = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model, where it goes, the method, the recipe and the text. `checked` makes one."""

    source: Path
    targets: Targets
    method: str
    recipe: Recipe
    named: str  #: the recipe as it was given: its name, or the path of its JSON
    text: Calibration | None

    @classmethod
    def checked(cls, source: Path, target: Path, recipe: str, method: str, text: Calibration | None) -> Asked:
        """Return what is asked for.

        Raises: RecipeError for a recipe that cannot be stored; InputError for a method without the text that
        it needs, and for a target that is there; OSError, CheckpointError for what is no folder of a model.
        """
        one_of(method, METHODS, "method")
        r = storable(recipe)
        if (text is None) != (method == "rtn"):
            needs = "takes no text" if method == "rtn" else "needs a text to calibrate on"
            msg = f"method {method} {needs}"
            raise InputError(msg)
        config = read_json(
            read_file(source / CONFIG, _MOST_BYTES, CheckpointError), source / CONFIG, CheckpointError
        )
        if not isinstance(config, dict) or "quantization_config" in config:
            msg = f"{source / CONFIG}: the configuration of a model that is not quantized is allowed"
            raise CheckpointError(msg)
        if text is not None:
            text.read()
        targets = Targets(target, (CONFIG,), inputs=(source / CONFIG,), overwrite=False, whole=True)
        check_targets(targets)
        return cls(source=source, targets=targets, method=method, recipe=r, named=recipe, text=text)
