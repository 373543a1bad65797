"""The inputs of a model's linear layers on one window, as a safetensors file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from fos_ref.formats.arrays import F32
from fos_ref.models.linears import Linear
from fos_ref.models.scoring import score
from fos_ref.models.windows import Window
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import one_file


def write_capture(path: Path, model: Any, layers: Sequence[Linear], windows: Sequence[Window]) -> None:
    """Write the inputs of the linear layers on the first window, of the model as it is.

    The file has a tensor (tokens, inputs) by the name of each layer; layers that share one input (q, k and v)
    have it under the first one's name. float16 and bfloat16 become float32, which is exact.
    `fos report --distribution FILE` takes it.
    Raises: OSError; InputError for a target that is no file, and as `score` does.
    """
    with captured(layers) as seen:
        for _ in score(model, windows[:1]):
            pass
    write_all(one_file(path), {path.name: save(seen)})


@contextmanager
def captured(layers: Sequence[Linear]) -> Iterator[dict[str, F32]]:
    """Return the inputs of each layer while the calls inside run, in the order of the calls."""
    seen: dict[str, F32] = {}
    last: list[Any] = [None]

    def hook_of(name: str) -> Any:
        def hook(_: Any, args: tuple[Any, ...]) -> None:
            if args[0] is not last[0]:
                last[0] = args[0]
                x = args[0].detach().float().cpu().numpy()
                seen[name] = np.ascontiguousarray(x.reshape(-1, x.shape[-1]))

        return hook

    hooks = [x.module.register_forward_pre_hook(hook_of(x.name)) for x in layers if not x.looked_up]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
