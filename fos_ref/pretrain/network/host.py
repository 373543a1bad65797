"""The quantizer of tensors in host memory: the engines of `fos_ref`."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import torch

from fos_ref.engines.front import dequantize, quantize
from fos_ref.formats.arrays import AnyArray
from fos_ref.pretrain.network.made import Largest, Made
from fos_ref.pretrain.places import bits, Places, signs
from fos_ref.training import Rotation
from fos_ref.training.operands import rotated

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Host:
    """Codes by `fos_ref.quantize`, words by `fos_ref.pretrain.places`."""

    def begin(self, places: Places, seed: int, step: int) -> None:
        """Take the words of a step: they are drawn where they are asked for."""
        self._at = (seed, step)
        self._places = places

    def bits(self, layer: int, operand: str, part: tuple[slice, slice]) -> list[Any]:
        """Return a part of each draw's words."""
        return [w[part] for w in bits(self._places, layer, operand, *self._at)]

    def rotate(self, values: Any, rotation: Rotation, layer: int) -> Any:
        """Return rotated values: `fos_ref.rotate`, in the program's order."""
        drawn = signs(self._places, layer, *self._at)[: rotation.size] if rotation.signs is None else None
        return tensor(rotated(array(values), rotation, drawn)[0])

    def quantize(self, values: Any, recipe: str, bits: list[Any], largest: Largest | None) -> Made:
        """Return the operand; the amax of all processes first, where there are several."""
        x = array(values)
        given: dict[str, Any] = {"random_bits": bits[0] if len(bits) == 1 else bits} if bits else {}
        q = quantize(x, recipe, **given)
        if largest is not None:
            own = torch.from_numpy(np.asarray(q.tensor_amax, dtype=np.float32).reshape(1).copy())
            largest(own)
            q = quantize(x, recipe, amax=own.numpy()[0], **given)
        codes, scales = torch.from_numpy(q.codes), torch.from_numpy(q.block_scales)
        amax = torch.from_numpy(np.asarray(q.tensor_amax, dtype=np.float32).reshape(1).copy())
        return Made(tensor(dequantize(q, _BFLOAT16)), codes, scales, amax)


def array(own: Any) -> AnyArray:
    """Return a tensor's values as a NumPy array of the same dtype."""
    own = own.detach().cpu().contiguous()
    if own.dtype == torch.bfloat16:
        words: AnyArray = own.view(torch.int16).numpy()
        return words.view(_BFLOAT16)
    found: AnyArray = own.numpy()
    return found


def tensor(values: AnyArray) -> Any:
    """Return a NumPy array as a torch tensor of the same dtype."""
    values = np.ascontiguousarray(values)
    if values.dtype == _BFLOAT16:
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)
