"""Program: a weight and a stack of experts, quantized and saved by MLX. Argument: the folder to fill."""

from __future__ import annotations

import sys
from pathlib import Path

import mlx.core as mx

SHAPES = {"a": (64, 128), "m.experts.down_proj": (4, 32, 64)}


def main(out: Path) -> None:
    mx.random.seed(1)
    original = {f"{n}.weight": (0.02 * mx.random.normal(s)).astype(mx.bfloat16) for n, s in SHAPES.items()}
    (out / "original").mkdir(parents=True)
    mx.save_safetensors(str(out / "original" / "model.safetensors"), original)
    for mode in ("nvfp4", "mxfp4"):
        tensors, values = {}, {}
        for name, w in original.items():
            codes, scales = mx.quantize(w, mode=mode)
            tensors |= {name: codes, name.removesuffix("weight") + "scales": scales}
            values[name] = mx.dequantize(codes, scales, mode=mode, dtype=mx.float32)
        for folder in (mode, f"{mode}-values"):
            (out / folder).mkdir()
        mx.save_safetensors(str(out / mode / "model.safetensors"), tensors, {"format": "mlx"})
        mx.save_safetensors(str(out / f"{mode}-values" / "model.safetensors"), values)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
