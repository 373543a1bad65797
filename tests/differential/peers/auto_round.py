"""auto-round: its two reference functions, from the installed wheel; their E2M1 values are read on their way.

It gives dequantized values and block scales. What its `cast_to_fp4` returns on the way becomes codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from types import ModuleType
from typing import Any

import numpy as np

from .base import installed, needs_torch, Output, Peer, scale_bytes, to_torch
from .flashinfer import codes_of

BLOCK = 16
E4M3_LARGEST = 448
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
    presets = {  # noqa: RUF012
        "auto-round-nvfp4": {"function": "ref_nvfp4_quant", "largest": 448, "search": False},
        "auto-round-nvfp4-e5m3": {"function": "ref_fp4_quant", "largest": 114688, "search": False},
        "auto-round-nvfp4-search": {"function": "ref_nvfp4_quant", "largest": 448, "search": True},
    }

    slow = frozenset({"auto-round-nvfp4-search"})

    def load(self) -> ModuleType:
        needs_torch()
        installed(self.name, self.version)
        from auto_round.data_type import nvfp  # noqa: PLC0415

        return nvfp

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        import torch  # noqa: PLC0415

        module, t, told = self.load(), to_torch(x), self.presets[preset]
        given = t if amax is None else to_torch(np.array(amax, dtype=np.float32))
        largest = told["largest"] * module.FLOAT4_E2M1_MAX
        encode = largest * module.get_reciprocal(given.to(torch.float32).abs().max())
        blocks, more = t.reshape(-1, BLOCK), {}
        with _ONE_AT_A_TIME, _seen(module) as values:
            if told["search"]:
                method = partial(module.nv_fp4, global_scale=encode)
                more["scale_coeff"] = module.search_nvfp4_scale(blocks, qw=1.0, quant_func=method)
                values.clear()
            _, scales = getattr(module, told["function"])(blocks, encode, BLOCK, **more)
        codes = codes_of(values[-1].reshape(x.shape).numpy())
        e4m3 = told["largest"] == E4M3_LARGEST
        stored = scales.to(torch.float8_e4m3fn) if e4m3 else module.float_to_e5m3_frexp(scales)
        return Output(codes[:, ::2] | codes[:, 1::2] << 4, scale_bytes(stored).reshape(len(x), -1), None)
