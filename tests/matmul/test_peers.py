"""Products of peers' programs on a CPU: every bit of TransformerEngine's, certified ones of the others."""

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.verify import check_matmul
from tests.differential.peers.base import PeerMissing
from tests.differential.peers.fouroversix import FourOverSix
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


def element_pair(k):
    """Return two tensors whose values are exact: their tensor scales are powers of two."""
    rng = np.random.default_rng([61, k])
    found = []
    for _ in range(2):
        x = np.clip(rng.normal(size=(128, k)), -5, 5).astype(np.float32)
        x[0, 0] = 5.25  # 2688 * 2^-9
        found.append(x)
    return found


@pytest.mark.peer
@pytest.mark.parametrize("k", [128, 2048])
def test_fouroversix_s_torch_product_is_exact_where_certified(k):
    """Its BLAS has an order of its own: certified outputs are equal, in float32 and in bfloat16."""
    try:
        FourOverSix().load()
    except PeerMissing as e:
        pytest.skip(str(e))
    import torch  # noqa: PLC0415 -- a peer
    from fouroversix import QuantizationConfig, quantize_to_fp4  # noqa: PLC0415
    from fouroversix.matmul.pytorch import PyTorchMatmulBackend  # noqa: PLC0415
    from fouroversix.utils import DataType  # noqa: PLC0415

    xs = element_pair(k)
    config = QuantizationConfig(backend="pytorch", scale_rule="static_6", dtype="nvfp4")
    theirs = [quantize_to_fp4(torch.from_numpy(x), config) for x in xs]
    a, b = (fos_ref.quantize(x, "fouroversix-static6", engine="numpy") for x in xs)
    assert all(np.array_equal(q.codes, t.values.numpy()) for q, t in zip((a, b), theirs, strict=True))
    sure = matmul.certificate(a, b, "element")
    assert sure.mean() > 0.99
    for dtype in (DataType.float32, DataType.bfloat16):
        out = PyTorchMatmulBackend.fp4_matmul(*theirs, out_dtype=dtype).to(torch.float32).numpy()
        want = matmul.run(a, b, "fouroversix-torch", dtype.value).astype(np.float32)
        assert np.count_nonzero((out != want)[sure]) == 0


@pytest.mark.peer
@pytest.mark.parametrize("k", [64, 512, 2048])
@pytest.mark.parametrize("power", [0, 3])
def test_jax_s_scaled_dot_is_exact_where_certified(k, power):
    """jax.lax.scaled_dot on a CPU; jax.nn.scaled_matmul has no lowering for one in this version."""
    jax = pytest.importorskip("jax", reason="jax is not installed: pip install jax==0.10.2")
    if not hasattr(jax.lax, "scaled_dot"):
        pytest.skip(f"jax {jax.__version__} has no lax.scaled_dot: pip install jax==0.10.2")
    rng = np.random.default_rng([62, k, power])
    wide = [np.abs(rng.normal(size=(64, k))) * np.exp(power * rng.normal(size=(64, 1))) for _ in range(2)]
    a, b = (fos_ref.quantize(v.astype(np.float32), "nvfp4", engine="numpy") for v in wide)
    codes, scales = zip(*map(jax_arrays, (a, b)), strict=True)
    out = jax.lax.scaled_dot(
        *codes,
        lhs_scale=scales[0],
        rhs_scale=scales[1],
        dimension_numbers=(((2,), (2,)), ((0,), (0,))),
        preferred_element_type=np.float32,
    )
    got, exact, sure = np.asarray(out)[0], matmul.exact(a, b), matmul.certificate(a, b, "element")
    assert sure.mean() > 0.9
    assert np.count_nonzero((got != exact)[sure]) == 0
    assert check_matmul(got, a, b, alpha=1).verdict != "outside"


def jax_arrays(q):
    """Return codes (1, R, K) and block scales (1, R, B) in the types that JAX has for them."""
    codes = np.stack([q.codes & 15, q.codes >> 4], axis=-1).reshape(1, len(q.codes), -1)
    return codes.view(ml_dtypes.float4_e2m1fn), q.block_scales[None].view(ml_dtypes.float8_e4m3fn)
