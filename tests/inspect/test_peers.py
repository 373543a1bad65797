"""Checkpoints that the peers' own programs pack and name: compressed-tensors, ModelOpt, torchao."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import pytest

from fos_ref.inspect.api import inspect
from tests.differential.peers.base import installed, PeerMissing, to_torch
from tests.differential.peers.compressed_tensors import CompressedTensors
from tests.differential.peers.modelopt import ModelOpt
from tests.differential.peers.torchao import TorchAO
from tests.inspect.checkpoints import save, trained

pytestmark = pytest.mark.peer
WEIGHTS = {"a": trained(256, 512), "b": trained(128, 256, seed=6).astype(ml_dtypes.bfloat16)}


def loaded(peer: Any) -> Any:
    """Return what the peer loads; skip, with the reason, where it is not here."""
    try:
        return peer.load()
    except PeerMissing as reason:
        pytest.skip(str(reason))


def compressed_tensors(path: Path) -> None:
    """Write each module's state dict as NVFP4PackedCompressor compresses it."""
    loaded(CompressedTensors())
    import torch  # noqa: PLC0415
    from compressed_tensors.compressors.nvfp4.base import NVFP4PackedCompressor  # noqa: PLC0415
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme  # noqa: PLC0415
    from compressed_tensors.quantization.utils.helpers import (  # noqa: PLC0415
        calculate_qparams,
        generate_gparam,
    )
    from safetensors.torch import save_file  # noqa: PLC0415

    scheme, tensors = preset_name_to_scheme("NVFP4A16", ["Linear"]), {}
    for name, x in WEIGHTS.items():
        t = to_torch(x)
        g = generate_gparam(t.min(), t.max())
        groups = t.unflatten(-1, (-1, 16))
        scale, _ = calculate_qparams(groups.amin(-1), groups.amax(-1), scheme.weights, global_scale=g)
        state = {"weight": t, "weight_scale": scale, "weight_global_scale": g}
        made = NVFP4PackedCompressor.compress(state, scheme)
        assert set(made) == set(NVFP4PackedCompressor.compression_param_names(scheme))
        tensors |= {
            f"{name}.{k}": v.to(torch.float8_e4m3fn) if k == "weight_scale" else v for k, v in made.items()
        }
    save_file(tensors, str(path))


def modelopt(path: Path) -> None:
    """Write what NVFP4QTensor.quantize packs, under the names of its exporter."""
    quantizer = loaded(ModelOpt()).NVFP4QTensor
    from safetensors.torch import save_file  # noqa: PLC0415

    tensors = {}
    for name, x in WEIGHTS.items():
        t = to_torch(x)
        q, scale, scale_2 = quantizer.quantize(
            t, 16, weights_scaling_factor_2=quantizer.get_weights_scaling_factor_2(t)
        )
        tensors |= {
            f"{name}.weight": q._quantized_data,
            f"{name}.weight_scale": scale,
            f"{name}.weight_scale_2": scale_2,
        }
    save_file(tensors, str(path))


def torchao(path: Path, *, swizzled: bool = False) -> None:
    """Write NVFP4Tensors as torchao's own safetensors support flattens them, metadata included."""
    module = loaded(TorchAO())
    installed("torchao", "0.18.0")
    from safetensors.torch import save_file  # noqa: PLC0415
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict  # noqa: PLC0415

    state = {}
    for name, x in WEIGHTS.items():
        t = to_torch(x)
        scale = module.per_tensor_amax_to_scale(t.abs().max())
        state[f"{name}.weight"] = module.NVFP4Tensor.to_nvfp4(
            t, per_tensor_scale=scale, is_swizzled_scales=swizzled
        )
    tensors, metadata = flatten_tensor_state_dict(state)
    save_file({k: v.contiguous() for k, v in tensors.items()}, str(path), metadata=metadata)


def torchao_swizzled(path: Path) -> None:
    """Write torchao's scales in the layout of Blackwell's block-scaled MMA."""
    torchao(path, swizzled=True)


#: Exporter -> what its file is: convention, tensor scale, layout, dialect.
EXPORTS: dict[Callable[[Path], None], tuple[str, str, str, str]] = {
    compressed_tensors: ("compressed-tensors", "divisor", "linear", "compressed-tensors-nvfp4"),
    modelopt: ("modelopt", "multiplier", "linear", "modelopt-nvfp4"),
    torchao: ("torchao", "multiplier", "linear", "torchao-nvfp4"),
    torchao_swizzled: ("torchao", "multiplier", "swizzled", "torchao-nvfp4"),
}


@pytest.mark.parametrize("export", EXPORTS, ids=lambda f: f.__name__)
def test_what_an_exporter_wrote_is_named(export, tmp_path):
    convention, form, layout, dialect = EXPORTS[export]
    source = save({f"{n}.weight": x for n, x in WEIGHTS.items()}, tmp_path / "original.safetensors")
    export(tmp_path / "q.safetensors")
    alone = {k: f.value for k, f in inspect(tmp_path / "q.safetensors").findings.items()}
    assert (alone["convention"], alone["tensor_scale"], alone["scale_layout"]) == (convention, form, layout)
    assert (alone["bound"], alone["rule"], alone["block_shape"]) == ("448", "6", "1x16")
    assert (alone["nibble_order"], alone["dialect"]) == (None, None)
    found = inspect(tmp_path / "q.safetensors", source)
    beside = {k: f.value for k, f in found.findings.items()}
    assert (beside["tensor_scale"], beside["scale_layout"]) == (form, layout)
    assert (beside["nibble_order"], beside["dialect"]) == ("low nibble first", dialect)
    assert found.best[0].exact
    assert found.best[0].blocks == sum(x.size for x in WEIGHTS.values()) // 16
    assert found.best[0].own_tensor_scales == len(WEIGHTS)
    assert found.manifest is None


@pytest.mark.parametrize("export", [compressed_tensors, modelopt], ids=lambda f: f.__name__)
def test_one_flipped_bit_is_one_block(export, tmp_path):
    """The comparison can fail: equality above is not of nothing."""
    source = save({f"{n}.weight": x for n, x in WEIGHTS.items()}, tmp_path / "original.safetensors")
    path = tmp_path / "q.safetensors"
    export(path)
    data = bytearray(path.read_bytes())
    data[-3] ^= 1  # the last tensor of the file holds bytes of codes or block scales
    path.write_bytes(data)
    best = inspect(path, source).best[0]
    assert best.blocks - best.equal == 1
