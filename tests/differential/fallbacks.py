"""What a program gives where it was asked for something else: D21 and D23 to D25 of docs/divergences.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .peers.base import Output, scale_bytes, to_torch
from .peers.fouroversix_checkout import FourOverSixCheckout
from .peers.gptqmodel import GPTQModel
from .peers.llmcompressor import LLMCompressor
from .peers.qwix import Qwix

CHECKOUT, GPTQ, OBSERVER, QWIX = FourOverSixCheckout(), GPTQModel(), LLMCompressor(), Qwix()
#: The reference's formats that it makes NVFP4 of.
UNMADE = ("nvint6", "nvint3", "nvfp3")


@dataclass(frozen=True)
class Fallback:
    entry: str
    asked: str  #: the preset that states what was asked for
    values: tuple[float, ...]
    dtype: type
    gives: str  #: "scale codes", of the program
    ours: str  #: the same, of the preset
    run: Callable[[np.ndarray], Output]

    @property
    def x(self) -> np.ndarray:
        x = np.zeros((1, 16), dtype=self.dtype)
        x[0, : len(self.values)] = self.values
        return x


def reference(fmt: str) -> Callable[[np.ndarray], Output]:
    """Return fouroversix's PyTorch reference, asked for a format."""

    def run(x: np.ndarray) -> Output:
        module = CHECKOUT.load()
        arguments = {"fp4_format": module.DataType(fmt), "scale_rule": module.ScaleRule("static_6")}
        codes, scales, _ = module.quantize(to_torch(x), use_blackwell_scale_layout=False, **arguments)
        return Output(codes.numpy(), scale_bytes(scales).reshape(len(x), -1), None)

    return run


NVFP4 = "7e c722080000000000"  #: of the values of D21
OURS = {
    "nvint6": "7e 1f2c0504210000000000000000000000",
    "nvint3": "7e 03050100000000000000000000000000",
    "nvfp3": "7e 03060101040000000000000000000000",
}
FALLBACKS = (
    *(
        Fallback(
            "D21",
            f"fouroversix-{fmt}",
            (7.5, -3, 1.3, 0.95, -0.3),
            np.float32,
            gives=NVFP4,
            ours=OURS[fmt],
            run=reference(fmt),
        )
        for fmt in UNMADE
    ),
    Fallback(
        "D23",
        "gptqmodel-4over6",
        (3e20, -1.7e20, 1e20),
        np.float32,
        gives="38 0000000000000000",
        ours="7e c603000000000000",
        run=lambda x: GPTQ.run("gptqmodel-4over6", x),
    ),
    Fallback(
        "D24",
        "qwix-nvfp4",
        (2.145, -0.6015625),
        np.float16,
        gives="2b b700000000000000",
        ours="2b c700000000000000",
        run=lambda x: QWIX.run("qwix-nvfp4", x),
    ),
    Fallback(
        "D25",
        "llmcompressor-expanded-mse",
        (1.0733992, -0.26562658, -0.2957301),
        np.float32,
        gives="7e a60a000000000000",
        ours="7e b70b000000000000",
        run=lambda x: OBSERVER.run("llmcompressor-expanded-mse", x),
    ),
)
