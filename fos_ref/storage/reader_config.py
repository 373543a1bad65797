"""What a checkpoint's readers have to be told: the configuration that goes beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

from fos_ref.recipes.recipe import BLOCK
from fos_ref.storage.conventions import COMPRESSED_TENSORS, Convention, GPT_OSS, MODELOPT

CONFIG = "config.json"  #: of the model; its quantization_config is what transformers and vLLM read
MODELOPT_CONFIG = "hf_quant_config.json"
_KEY = "quantization_config"
#: The algorithm of ModelOpt whose activations are not quantized.
_WEIGHT_ONLY = "W4A16_NVFP4"


def quantization_config(c: Convention, left: Collection[str], version: str) -> dict[str, Any]:
    """Return the configuration that the convention's readers look for beside the checkpoint.

    modelopt: the content of hf_quant_config.json, weight-only ("W4A16_NVFP4"). compressed-tensors: the
    `quantization_config` of config.json, weight-only "nvfp4-pack-quantized" or "mxfp4-pack-quantized".
    gpt-oss: the same of transformers' "mxfp4". `left` are the modules whose matrices were not quantized.
    """
    return _CONFIG[c.name](c, sorted(left), version)


def documents(
    c: Convention, config: Mapping[str, Any], model: Mapping[str, Any] | None, *, whole: bool
) -> dict[str, dict[str, Any]]:
    """Return the files that go beside the checkpoint: name -> JSON object.

    config: what `quantization_config` gives
    model:  the original's config.json, None where there is none
    whole:  whether the output is a whole folder, which has a config.json in any case
    """
    own = {MODELOPT_CONFIG: dict(config)} if c.name == MODELOPT.name else {}
    if own and not whole:
        return own
    inner = _in_config_json(config) if own else dict(config)
    return {**own, CONFIG: {**(model or {}), _KEY: inner}}


def file_names(c: Convention) -> tuple[str, ...]:
    """Return the names of the files beside a single checkpoint."""
    return tuple(documents(c, {"quantization": {}}, None, whole=False))


def _in_config_json(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ModelOpt writes into config.json for its own configuration."""
    inner = config["quantization"]
    weights = {"dynamic": False, "num_bits": 4, "type": "float", "group_size": inner.get("group_size", BLOCK)}
    return {
        "config_groups": {"group_0": {"weights": weights, "targets": ["Linear"]}},
        "ignore": inner.get("exclude_modules", []),
        "quant_algo": inner.get("quant_algo"),
        "producer": config.get("producer"),
        "quant_method": "modelopt",
    }


def _modelopt_config(c: Convention, left: list[str], version: str) -> dict[str, Any]:
    return {
        "producer": {"name": "fos-ref", "version": version},
        "quantization": {
            "quant_algo": _WEIGHT_ONLY,
            "kv_cache_quant_algo": None,
            "group_size": c.block,
            "exclude_modules": left,
        },
    }


def _compressed_tensors_config(c: Convention, left: list[str], version: str) -> dict[str, Any]:  # noqa: ARG001
    form, strategy, dtype = ("nvfp4-pack-quantized", "tensor_group", "torch.float8_e4m3fn")
    if c is not COMPRESSED_TENSORS:
        form, strategy, dtype = ("mxfp4-pack-quantized", "group", "torch.uint8")
    weights = {
        "num_bits": 4,
        "type": "float",
        "strategy": strategy,
        "group_size": c.block,
        "symmetric": True,
        "dynamic": False,
        "scale_dtype": dtype,
        "zp_dtype": dtype,
    }
    group = {
        "targets": ["Linear"],
        "weights": weights,
        "input_activations": None,
        "output_activations": None,
        "format": form,
    }
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "quantization_status": "compressed",
        "config_groups": {"group_0": group},
        "ignore": left,
        "kv_cache_scheme": None,
    }


def _gpt_oss_config(c: Convention, left: list[str], version: str) -> dict[str, Any]:  # noqa: ARG001
    return {"quant_method": "mxfp4", "modules_to_not_convert": left}


_CONFIG: Mapping[str, Callable[[Convention, list[str], str], dict[str, Any]]] = MappingProxyType(
    {
        MODELOPT.name: _modelopt_config,
        COMPRESSED_TENSORS.name: _compressed_tensors_config,
        GPT_OSS.name: _gpt_oss_config,
    }
)
