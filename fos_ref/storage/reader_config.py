"""What a checkpoint's readers have to be told: the configuration that goes beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import COMPRESSED_TENSORS, Convention, MODELOPT


def quantization_config(c: Convention, left: Collection[str], version: str) -> dict[str, Any]:
    """Return the configuration that the convention's readers look for beside the checkpoint.

    modelopt: the content of hf_quant_config.json, weight-only ("W4A16_NVFP4"). compressed-tensors: the
    `quantization_config` of config.json, weight-only "nvfp4-pack-quantized". `left` are the modules whose
    matrices were not quantized.
    """
    return _CONFIG[c.name](sorted(left), version)


def _modelopt_config(left: list[str], version: str) -> dict[str, Any]:
    return {
        "producer": {"name": "fos-ref", "version": version},
        "quantization": {
            "quant_algo": "W4A16_NVFP4",
            "kv_cache_quant_algo": None,
            "group_size": BLOCK,
            "exclude_modules": left,
        },
    }


def _compressed_tensors_config(left: list[str], version: str) -> dict[str, Any]:  # noqa: ARG001
    weights = {
        "num_bits": 4,
        "type": "float",
        "strategy": "tensor_group",
        "group_size": BLOCK,
        "symmetric": True,
        "dynamic": False,
        "scale_dtype": "torch.float8_e4m3fn",
        "zp_dtype": "torch.float8_e4m3fn",
    }
    group = {
        "targets": ["Linear"],
        "weights": weights,
        "input_activations": None,
        "output_activations": None,
        "format": "nvfp4-pack-quantized",
    }
    return {
        "quant_method": "compressed-tensors",
        "format": "nvfp4-pack-quantized",
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": left,
        "kv_cache_scheme": None,
    }


_CONFIG: Mapping[str, Callable[[list[str], str], dict[str, Any]]] = MappingProxyType(
    {MODELOPT.name: _modelopt_config, COMPRESSED_TENSORS.name: _compressed_tensors_config}
)
