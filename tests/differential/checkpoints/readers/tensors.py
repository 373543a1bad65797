"""Program: checkpoint files dequantized by the peers' own tensor classes. Arguments: the files.

Beside a file in ModelOpt's names, one called modelopt and one called torchao get float32 values under the
names of the weights; beside one in those of compressed-tensors, one called compressed-tensors gets bfloat16
values, which is what that package decompresses to. Stacks of experts that ModelOpt stores as (E, K, N) come
out as (E, N, K). by-modelopt.json gets what ModelOpt makes of the folder's hf_quant_config.json.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

BLOCK = 16
Reader = Callable[[Any, Any, Any], Any]


def modelopt(codes: Any, scale: Any, scale_2: Any) -> Any:
    from modelopt.torch.quantization.qtensor import NVFP4QTensor  # noqa: PLC0415

    shape = torch.Size((*codes.shape[:-1], codes.shape[-1] * 2))
    held = NVFP4QTensor(shape, torch.float32, codes)
    return held.dequantize(torch.float32, scale=scale, double_scale=scale_2, block_sizes={-1: BLOCK})


def torchao(codes: Any, scale: Any, scale_2: Any) -> Any:
    from torchao.prototype.mx_formats.nvfp4_tensor import NVFP4Tensor  # noqa: PLC0415

    return NVFP4Tensor(codes, scale, BLOCK, torch.float32, per_tensor_scale=scale_2).dequantize()


def compressed_tensors(codes: Any, scale: Any, global_scale: Any) -> Any:
    from compressed_tensors.compressors import BaseCompressor  # noqa: PLC0415
    from compressed_tensors.quantization.quant_scheme import preset_name_to_scheme  # noqa: PLC0415

    form = "mxfp4" if global_scale is None else "nvfp4"
    state = {"weight_packed": codes, "weight_scale": scale}
    state |= {} if global_scale is None else {"weight_global_scale": global_scale}
    compressor = BaseCompressor.get_value_from_registry(f"{form}-pack-quantized")
    return compressor.decompress(state, preset_name_to_scheme(f"{form.upper()}A16", ["Linear"]))["weight"]


#: Convention -> suffixes of codes, block scale and tensor scale, and the readers.
Parts = tuple[str, Any, Any, Any]
READERS: dict[str, tuple[tuple[str, str, str], dict[str, Reader]]] = {
    "modelopt": (("", "_scale", "_scale_2"), {"modelopt": modelopt, "torchao": torchao}),
    "compressed-tensors": (
        ("_packed", "_scale", "_global_scale"),
        {"compressed-tensors": compressed_tensors},
    ),
}


def stacks(tensors: dict[str, Any]) -> Iterator[Parts]:
    """Yield the stacks of ModelOpt's exporter, which have no .weight: codes (E, N, K/2), scales (E, N, K/16).

    One tensor scale for each expert becomes (E, 1, 1), as both classes take it.
    """
    for name, codes in tensors.items():
        if codes.dtype == torch.uint8 and f"{name}_weight_scale" in tensors:
            scales = tensors[f"{name}_weight_scale"].transpose(1, 2).contiguous()
            scale_2 = tensors[f"{name}_weight_scale_2"].reshape(-1, 1, 1)
            yield name, codes.transpose(1, 2).contiguous(), scales, scale_2


def weights(tensors: dict[str, Any], suffixes: tuple[str, str, str]) -> Iterator[Parts]:
    """Yield name, codes, block scales and tensor scale or None of every matrix that has all parts."""
    packed, block_scale, tensor_scale = suffixes
    for name, codes in tensors.items():
        stem = name.removesuffix(packed)
        if name.endswith(packed) and stem + block_scale in tensors and codes.dtype == torch.uint8:
            yield stem, codes, tensors[stem + block_scale], tensors.get(stem + tensor_scale)


def write_config(folder: Path) -> None:
    """Convert the configuration as ModelOpt does for config.json."""
    from modelopt.torch.export.convert_hf_config import convert_hf_quant_config_format  # noqa: PLC0415

    own = json.loads((folder / "hf_quant_config.json").read_bytes())
    (folder / "by-modelopt.json").write_text(json.dumps(convert_hf_quant_config_format(own)))


def main(source: Path) -> None:
    tensors = load_file(source)
    convention = "compressed-tensors" if any(n.endswith("_packed") for n in tensors) else "modelopt"
    suffixes, readers = READERS[convention]
    if convention == "modelopt":
        write_config(source.parent)
    for name, reader in readers.items():
        held = chain(weights(tensors, suffixes), stacks(tensors))
        values = {n: reader(*parts).contiguous() for n, *parts in held}
        save_file(values, source.with_name(name))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    for argument in sys.argv[1:]:
        main(Path(argument))
