"""Program: a tiny random Llama with a tokenizer of words, and a text of these words. Argument: the folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.differential.checkpoints.models import quiet, save, SIZES


def main(out: Path) -> None:
    import torch  # noqa: PLC0415
    from tokenizers import models, pre_tokenizers, Tokenizer  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    quiet()
    folder = save("llama", out, dtype=torch.float32)
    numbers, unknown = {f"t{i}": i for i in range(SIZES["vocab_size"])}, {"unk_token": "t0"}
    plain = Tokenizer(models.WordLevel(numbers, **unknown))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=plain, **unknown).save_pretrained(folder)
    drawn = np.random.default_rng(1).integers(0, SIZES["vocab_size"], 400)
    (out / "text.txt").write_text(" ".join(f"t{i}" for i in drawn), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
