"""The quantizer of CUDA tensors: the kernels of `fos_gpu`, words in memory, nothing read by the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from fos_gpu import training
from fos_gpu.build.training_units import nearest
from fos_gpu.dequantize import dequantize
from fos_gpu.front import amax as amax_of
from fos_gpu.front import quantize
from fos_gpu.quantized import DeviceQuantized
from fos_gpu.tensors import take
from fos_ref.errors import InputError
from fos_ref.pretrain.network.made import Largest, Made
from fos_ref.pretrain.places import drawn, key_of, MAP, Places, rounds_elements, ROW, SIGN_WORDS
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.rotate import scale
from fos_ref.training import Rotation

_SMALL = 16
_HALF, _LOW = 16, 0xFFFF


class Device:
    """Codes by `fos_gpu`. Words and signs of a step lie in tensors that keep their place, for a graph."""

    def __init__(self, places: Places, device: str) -> None:
        rows = places.words // ROW
        self._places, self._device = places, device
        self._words = torch.zeros((rows, ROW), dtype=torch.int32, device=device)
        self._signs = torch.ones((len(places.layers), 32 * SIGN_WORDS), dtype=torch.float64, device=device)
        self._matrices: dict[int, Any] = {}

    def begin(self, places: Places, seed: int, step: int) -> None:
        """Draw the words of a step on the device, by the map that numbers them in memory order."""
        assert places is self._places
        shape = tuple(self._words.shape)
        words = training.words(MAP, shape, like=self._words, seed=key_of(seed, step))
        self._words.copy_(words.view(torch.int32))
        if places.stack.draws_signs:
            four = drawn(places.signs, SIGN_WORDS * len(places.layers), seed, step)
            ones = four[:, None] >> np.arange(32, dtype=np.uint32) & 1
            signs = 1.0 - 2.0 * ones.reshape(len(places.layers), -1)
            self._signs.copy_(torch.from_numpy(signs))

    def bits(self, layer: int, operand: str, part: tuple[slice, slice]) -> list[Any]:
        """Return a part of each draw's words."""
        found, flat = [], self._words.view(-1)
        for start, rows, groups in self._places.region(layer, operand):
            words = flat[start : start + rows * groups].view(rows, groups)[part].contiguous()
            if words.data_ptr() % _SMALL:
                words = words.clone()
            if not rounds_elements(self._places.stack, operand):
                words = (words >> _HALF) & _LOW
            found.append(words)
        return found

    def rotate(self, values: Any, rotation: Rotation, layer: int) -> Any:
        """Return rotated values in the program's order.

        16 values: `fos_gpu.training.rotate`. More: the sums of float64 are exact where magnitudes of a block
        span less than 2^36, and rounded once to `out`; the replay compares what comes of it.
        Raises: InputError for drawn signs of 16 values, which no arm has.
        """
        n = rotation.size
        if n == _SMALL:
            if rotation.signs is None:
                msg = "a rotation of 16 values with signs of each pass: the signs of its recipe are allowed"
                raise InputError(msg)
            return training.rotate(values, signs=rotation.signs, out=rotation.out)
        signed = values.double().view(-1, n) * self._signs[layer, :n]
        y = torch.matmul(signed, self._matrix(rotation)) * scale(n)
        return y.to(getattr(torch, rotation.out)).view(values.shape)

    def quantize(self, values: Any, recipe: str, bits: list[Any], largest: Largest | None) -> Made:
        """Return the operand: its codes, and what they stand for."""
        r = get_recipe(recipe)
        if r.stochastic and not r.rounds_elements:
            return _eden(values, bits[0], largest)
        more: dict[str, Any] = {}
        if largest is not None:
            more["amax"] = amax_of(values, _plain(r))
            largest(more["amax"])
        if bits:
            q = training.quantize(values, r, random_bits=bits[0] if len(bits) == 1 else bits, **more)
        else:
            q = quantize(values, r, **more)
        return Made(dequantize(q, "bfloat16"), q.codes, q.block_scales, q.tensor_scales[0])

    def _matrix(self, rotation: Rotation) -> Any:
        """Return the matrix of 1 and -1, (n, n), its columns in the program's order."""
        n = rotation.size
        if n not in self._matrices:
            number = np.arange(n)
            odd = np.bitwise_count(number[:, None] & number[None, :]) & 1
            matrix = 1.0 - 2.0 * odd
            order = list(rotation.order or number)
            self._matrices[n] = torch.from_numpy(np.ascontiguousarray(matrix[:, order])).to(self._device)
        return self._matrices[n]


def _plain(r: Any) -> Any:
    """Return a recipe that the amax kernel takes: elements to nearest, the amax is the same."""
    return nearest(r) if r.stochastic else r


def _eden(values: Any, noise: Any, largest: Largest | None) -> Made:
    """Return an operand of MS-EDEN; its amax is the largest corrected scale, 256 tensor scales."""
    e = training.eden(values, noise, largest=largest)
    amax = e.tensor_scale * 256.0
    q = DeviceQuantized(
        codes=e.codes,
        block_scales=e.block_scales,
        picked4=None,
        tensor_scales=torch.stack([amax, torch.zeros_like(amax), e.tensor_scale]),
        linear_scales=e.block_scales,
        recipe=get_recipe("quartet2-eden"),
        shape=tuple(values.shape),
        dtype="float32",
        scale_layout="linear",
        columnwise=False,
        place=take(values).place,
    )
    return Made(dequantize(q, "bfloat16"), e.codes, e.block_scales, amax)
