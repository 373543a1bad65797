"""auto-round: `ref_nvfp4_quant` of its installed wheel, whose E2M1 values are read on their way.

It gives dequantized values and block scales. What its `cast_to_fp4` returns on the way becomes codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch
from .flashinfer import codes_of

_ONE_AT_A_TIME = Lock()  #: a function of the module is exchanged while it runs


@contextmanager
def _seen(module: ModuleType) -> Iterator[list[Any]]:
    """Give the list of what `cast_to_fp4` returns."""
    values: list[Any] = []
    cast = module.cast_to_fp4

    def seen(y: Any) -> Any:
        values.append(cast(y))
        return values[-1]

    module.cast_to_fp4 = seen
    try:
        yield values
    finally:
        module.cast_to_fp4 = cast


class AutoRound(Peer):
    name, version = "auto-round", "0.16.1"
    presets = {"auto-round-nvfp4": {"block_size": 16}}  # noqa: RUF012

    def load(self) -> ModuleType:
        needs_torch()
        installed(self.name, self.version)
        from auto_round.data_type import nvfp  # noqa: PLC0415

        return nvfp

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        import torch  # noqa: PLC0415

        module, t = self.load(), to_torch(x)
        given = t if amax is None else to_torch(np.array(amax, dtype=np.float32))
        size = self.presets[preset]["block_size"]
        with _ONE_AT_A_TIME, _seen(module) as values:
            _, scales = module.ref_nvfp4_quant(t.reshape(-1, size), module.calculate_gparam(given), size)
        codes = codes_of(values[-1].reshape(x.shape).numpy())
        stored = scale_bytes(scales.to(torch.float8_e4m3fn)).reshape(len(x), -1)
        return Output(codes[:, ::2] | codes[:, 1::2] << 4, stored, None)
