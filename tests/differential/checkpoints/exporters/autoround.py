"""Program: what AutoRound saves of a tiny Llama, rounded to nearest under its search over scales.

Argument: the folder to write into. Its own format, and its MXFP4, hold tensors of the same names as
compressed-tensors' files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.differential.checkpoints.models import load, quiet, save, SIZES


def main(out: Path) -> None:
    quiet()
    import torch  # noqa: PLC0415
    from auto_round import AutoRound  # noqa: PLC0415

    words = SIZES["vocab_size"]
    rows = [(torch.arange(32)[None] * 7 + i) % words for i in range(4)]
    options = {"iters": 0, "nsamples": len(rows), "seqlen": 32, "dataset": rows, "device_map": "cpu"}
    model = load(save("llama", out / "original"), device_map=None)
    quantizer = AutoRound(model, _tokenizer(words), scheme="NVFP4", **options)
    quantizer.quantize_and_save(out / "made", format="llm_compressor")
    (made,) = (out / "made").iterdir()  # a folder whose name says the scheme
    made.rename(out / "llama")


def _tokenizer(words: int) -> object:
    from tokenizers import models, Tokenizer  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    names = {"unk_token": "t0", "pad_token": "t1"}
    numbers = {f"t{i}": i for i in range(words)}
    plain = Tokenizer(models.WordLevel(numbers, unk_token=names["unk_token"]))
    return PreTrainedTokenizerFast(tokenizer_object=plain, **names)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
