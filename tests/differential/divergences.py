"""Blocks on which public implementations part, with the bytes of each: scale, then 8 bytes of codes, in hex.

The numbers follow the list of divergences in the specification of the dialects. Every row is checked twice:
against our model (always), and against the peer's own program (in the peers' suite).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Its map-to-6 scale rounds down to 2**-9, so that the scaled value is above 7.
SUBNORMAL_DOWN = float.fromhex("0x1.4cp-17")
SUBNORMAL_DOWN_448 = float.fromhex("0x1.7cp-18")
ORDER_HALVES = {4: 0.0703125, 6: -0.3125, 8: 0.0390625, 10: -0.34375, 11: -0.1015625, 14: -0.0859375}
ORDER_TORCH = {1: 2.0**-7, 4: 0.3125, 5: -0.25, 6: 0.3125, 13: 0.4375, 14: 0.0546875}
FUSED = {1: -0.03515625, 9: 0.00439453125, 11: 0.0234375, 12: -0.078125, 14: 0.03125}
DECODE_FORM = {1: -0.0390625, 5: -0.013671875, 6: -0.009765625, 9: -0.01953125} | {
    10: -0.0010986328125,
    12: -0.00537109375,
    15: -0.005859375,
}
EXACT_TIE = dict(
    enumerate(
        (
            *(0.21875, 0.4375, -0.5, 0.625, -0.15625, -0.3125, -0.0546875, 1.25),
            *(0.875, 0.625, 0.0390625, -1.5, 0.3125, -0.875, -0.125, -0.09375),
        )
    )
)
ASSOCIATION = {7: 0.04296875, 10: 0.015625, 15: 0.0546875}
ASSOCIATION_PICK = {0: -0.049072265625, 1: -0.04541015625, 7: -0.439453125} | {
    10: -0.37109375,
    11: 0.08642578125,
    14: -0.25390625,
}


@dataclass(frozen=True)
class Divergence:
    item: str
    amax: float
    values: dict[int, float]
    outputs: dict[str, str]  #: preset -> "scale codes"

    @property
    def x(self) -> np.ndarray:
        """The block, alone in a tensor (1, 16), float32; every value of the table is one exactly."""
        x = np.zeros((1, 16), dtype=np.float32)
        x[0, list(self.values)] = list(self.values.values())
        return x


DIVERGENCES = (
    Divergence(
        "1 a subnormal scale that rounds down overflows the codes to 8",
        1.0,
        {0: SUBNORMAL_DOWN, 1: -SUBNORMAL_DOWN},
        {
            "fouroversix-mse": "01 8800000000000000",
            "fouroversix-mae": "01 8800000000000000",
            "fouroversix-absmax": "01 8800000000000000",
            "te-mse-256": "02 e600000000000000",
            "te-mae-256": "02 e600000000000000",
            "flashinfer-mse-256": "02 e600000000000000",
            "4over6": "02 e600000000000000",
        },
    ),
    Divergence(
        "1 the same without a choice",
        1.0,
        {0: SUBNORMAL_DOWN_448, 1: -SUBNORMAL_DOWN_448},
        {"fouroversix-static6": "01 8800000000000000", "te-nvfp4": "01 f700000000000000"},
    ),
    Divergence(
        "2 a scale of zero under values that are not",
        1.0,
        {0: 1e-7, 1: -1e-7},
        {
            "fouroversix-mse": "00 0000000000000000",
            "fouroversix-static6": "00 0000000000000000",
            "te-mse-256": "00 f700000000000000",
            "te-nvfp4": "00 f700000000000000",
            "flashinfer-mae-256": "00 f700000000000000",
            "4over6": "00 0000000000000000",
        },
    ),
    Divergence(
        "3 fused multiply-add would pick 4F; un-fused sums tie",
        4.0,
        FUSED,
        {
            "te-mse-256": "4a d000000010400f04",
            "fouroversix-mse": "4a d000000010400f04",
            "flashinfer-mse-256": "4a d000000010400f04",
        },
    ),
    Divergence(
        "4 torch.sum's order against the sequential one",
        4.0,
        ORDER_TORCH,
        {
            "fouroversix-mse": "5e 0000d60600007001",
            "te-mse-256": "62 0000c50500006001",
            "4over6": "62 0000c50500006001",
        },
    ),
    Divergence(
        "5 sums by halves would pick 60",
        4.0,
        ORDER_HALVES,
        {"flashinfer-mae-256": "5b 0000020f01cf000b", "te-mae-256": "5b 0000020f01cf000b"},
    ),
    Divergence(
        "6 the error by the decode scale against the one by the amax",
        4.0,
        DECODE_FORM,
        {
            "flashinfer-mse-256": "47 e000b00ac0080990",
            "flashinfer-mse-256-row": "42 f000c00bd0080aa0",
            "te-mse-256": "42 f000c00bd0080aa0",
        },
    ),
    Divergence(
        "7 an exact tie of the input's domain, none of the scaled one",
        4.5,
        EXACT_TIE,
        {
            "te-mae-256": "6b 324ca96845f0d299",
            "te-mae-256-fast": "70 213ba95834e0c289",
            "flashinfer-mae-256-fast": "70 213ba95834e0c289",
        },
    ),
    Divergence(
        "9 (b/6)*S on the edge of two codes",
        4.0,
        ASSOCIATION,
        {"te-mse-256": "4a 0000005000020060", "te-mae-256": "46 0000006000030070"},
    ),
    Divergence(
        "9 (b/6)*S where b*(S/6) picks the other candidate",
        4.5,
        ASSOCIATION_PICK,
        {"te-mse-256": "5c 990000f0002f000e"},
    ),
    Divergence(
        "13 a zero that is negative, and a negative value that rounds to zero",
        4.0,
        {0: 4.0, 1: -0.0, 2: -0.0001},
        {
            "te-mse-256": "78 0708000000000000",
            "te-nvfp4": "7e 0708000000000000",
            "flashinfer-mse-256": "78 0708000000000000",
            "fouroversix-mse": "78 0708000000000000",
            "4over6": "78 8708000000000000",
        },
    ),
    Divergence(
        "17 an amax that is too small: codes above 7 wrap, and above 15 spill into the neighbour",
        1.0,
        {0: 4.0, 1: 1.0, 2: 100.0, 3: -1.0, 4: 10000.0},
        {
            "fouroversix-static6": "7e 7bf4210000000000",
            "fouroversix-mse": "7e 59d2200000000000",
            "te-nvfp4": "7e 77f7070000000000",
        },
    ),
)
