"""Program: checkpoints loaded by transformers, as values. Arguments: the safetensors file to write for each.

A checkpoint is the folder of the file that is to be written, whose name is no *.safetensors. The file gets
every parameter in the dtype that transformers gives it, and in its metadata whether all logits are finite and
what transformers says about names. That package decompresses compressed-tensors' weights; transformers itself
MXFP4 experts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.differential.checkpoints.models import load, quiet, words


def main(out: Path) -> None:
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415
    from transformers import CompressedTensorsConfig, Mxfp4Config  # noqa: PLC0415

    folder = out.parent
    method = json.loads((folder / "config.json").read_bytes())["quantization_config"]["quant_method"]
    configs = {
        "compressed-tensors": lambda: CompressedTensorsConfig(run_compressed=False),
        "mxfp4": lambda: Mxfp4Config(dequantize=True),
    }
    model, info = load(folder, quantization_config=configs[method](), output_loading_info=True)
    with torch.no_grad():
        finite = bool(torch.isfinite(model.eval()(words()).logits.float()).all())
    values = {n: p.detach().clone().contiguous() for n, p in model.named_parameters()}
    said = {"finite": finite, **{k: sorted(map(str, v)) for k, v in info.items()}}
    save_file(values, out, metadata={"said": json.dumps(said)})


if __name__ == "__main__":
    quiet()
    for argument in sys.argv[1:]:
        main(Path(argument))
