"""The matrix of methods searches every scale of a block in torch: the bytes are the model's."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref

pytestmark = pytest.mark.peer
RECIPE = fos_ref.PRESETS["scale-optimum"]


def weights() -> np.ndarray:
    """Return blocks of every kind: zeros, tiny values, one value on the grid, ties between scales."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((256, 128)).astype(np.float32)
    x[3], x[5], x[7] = 0, x[5] * np.float32(1e-9), x[7] * np.float32(1e-3)
    x[9] = np.round(x[9] * 4)
    x[11, 1:] = 0
    return x


@pytest.mark.parametrize("phase", [1.0, 1.37])
def test_the_search_in_torch_gives_the_bytes_of_the_model(phase, monkeypatch):
    torch = pytest.importorskip("torch")
    from benchmarks.ptq import optimum  # noqa: PLC0415

    monkeypatch.setattr(optimum, "_VALUES", 700 * 126 * 16)  # several parts, the last one short
    x = weights()
    amax = np.abs(x).max() * np.float32(phase)
    codes, encode = optimum.scale_bytes(torch.from_numpy(x), RECIPE, torch.tensor(amax))
    q = fos_ref.quantize(x, RECIPE, amax=amax, engine="numpy")
    assert np.array_equal(codes.numpy(), q.block_scales)
    assert float(encode) == q.encode_scale
