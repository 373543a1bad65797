"""TransformerEngine's own reference product beside the model of it: every bit."""

from types import SimpleNamespace

import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from tests.differential.peers.base import PeerMissing
from tests.differential.peers.te import TransformerEngine


def qgemm(a, b):
    """Return what NVFP4QuantizerRef.qgemm gives for two tensors of recipe te-nvfp4."""
    import torch  # noqa: PLC0415 -- a peer

    module = TransformerEngine().load()
    owner = SimpleNamespace(
        pow_2_scales=False,
        nvfp4_use_4over6=False,
        nvfp4_e4m3_max=448,
        row_scaled_nvfp4=False,
        quant_tile_shape=(1, 16),
    )
    scales = [torch.from_numpy(q.block_scales.copy()).view(torch.float8_e4m3fn) for q in (a, b)]
    amax = [torch.tensor([float(q.tensor_amax)]) for q in (a, b)]
    held = [SimpleNamespace(global_amax_row=v, global_amax_col=v, row_scaled_nvfp4=False) for v in amax]
    codes = [torch.from_numpy(q.codes.copy()) for q in (a, b)]
    return module.NVFP4QuantizerRef.qgemm(
        owner, *codes, None, torch.float32, *scales, qresult_x=held[0], qresult_w=held[1]
    ).numpy()


@pytest.mark.peer
@pytest.mark.parametrize("k", [64, 512, 2048])
@pytest.mark.parametrize("power", [0, 3])
def test_the_model_te_is_transformer_engine_s_reference(k, power):
    try:
        TransformerEngine().load()
    except PeerMissing as e:
        pytest.skip(str(e))
    rng = np.random.default_rng([60, k, power])
    wide = [np.abs(rng.normal(size=(64, k))) * np.exp(power * rng.normal(size=(64, 1))) for _ in range(2)]
    a, b = (fos_ref.quantize(v.astype(np.float32), "te-nvfp4", engine="numpy") for v in wide)
    got = matmul.run(a, b, "te")
    assert np.array_equal(got.view(np.uint32), qgemm(a, b).view(np.uint32))
    assert np.any(matmul.raw(a, b, "te").total != matmul.exact(a, b)) == (k > 512)
