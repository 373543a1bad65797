"""FlashInfer's Python reference for 4/6, from a checkout named by FOS_FLASHINFER_REPO.

It lives among the repository's tests, so no wheel has it. Two files are loaded under stand-in parents. Its
element values are floats; they become codes here, the sign of zero included.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from types import ModuleType

import numpy as np

from .base import checkout, needs_torch, Output, Peer, to_torch
from .standins import load_file, stand_ins

VARIABLE = "FOS_FLASHINFER_REPO"
CONFIG = "flashinfer/quantization/nvfp4_quantization_utils.py"
REFERENCE = "tests/test_helpers/utils_fp4.py"
SHA256 = {
    CONFIG: "304081595b184602a295ff15ad5fc09c4bcf133ddc7d0a38520bff45004417b8",
    REFERENCE: "4bef43c5989be5d459458ab8a2e38e7c03f80ab5e17ebc2822c7143799f97e03",
}
MAGNITUDES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
NAN_CODE = 0x7  # a NaN value has no code in this program; its kernels' conversion gives 7


@cache
def _reference(root: Path) -> ModuleType:
    parents = {"flashinfer": {}, "flashinfer.utils": {}, "flashinfer.quantization": {}}
    with stand_ins("flashinfer", parents):
        load_file("flashinfer.quantization.nvfp4_quantization_utils", root / CONFIG)
        return load_file("flashinfer.peer_reference", root / REFERENCE)


def codes_of(values: np.ndarray) -> np.ndarray:
    """Return the E2M1 codes of float values that are all on the grid (or NaN)."""
    nan = np.isnan(values)
    magnitude = np.searchsorted(MAGNITUDES, np.where(nan, 0, np.abs(values)))
    assert np.array_equal(MAGNITUDES[magnitude[~nan]], np.abs(values[~nan])), "a value off the E2M1 grid"
    return np.where(nan, NAN_CODE, magnitude | np.signbit(values) << 3).astype(np.uint8)


class FlashInfer(Peer):
    name, version = "flashinfer", "fb28d7242b3506a2348265962041acc1fb56cca4"
    in_ci = False
    presets = {  # noqa: RUF012
        f"flashinfer-{metric}-{bound}{fast}{row}": {
            "per_token_rowwise": bool(row),
            "config": {"err_mode": metric, "e4m3_max": bound, "err_use_fast_math": bool(fast)},
        }
        for metric, bound, fast, row in product(("mae", "mse"), (256, 448), ("", "-fast"), ("", "-row"))
    }

    def load(self) -> ModuleType:
        needs_torch()
        return _reference(checkout(VARIABLE, self.version, SHA256))

    def run(self, preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
        module, arguments = self.load(), self.presets[preset]
        t = to_torch(x)
        if amax is not None:
            a = to_torch(np.array(amax, dtype=np.float32))
        else:
            a = t.abs().amax(dim=1) if arguments["per_token_rowwise"] else t.abs().max()
        values, scales, _, picked4 = module.ref_fp4_quant_4over6_te(
            t,
            a,
            per_token_rowwise=arguments["per_token_rowwise"],
            nvfp4_4over6_config=module.NVFP44Over6Config(**arguments["config"]),
        )
        codes = codes_of(values.numpy())
        return Output(codes[:, ::2] | codes[:, 1::2] << 4, scales.numpy(), picked4.numpy())
