"""Text to token numbers: the vocabulary of a GGUF file, or what transformers loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fos_ref.errors import CheckpointError
from fos_ref.foreign import foreign
from fos_ref.models.needs import need
from fos_ref.storage.gguf_read import GgufFile

Encode = Callable[[str], list[int]]
_MADE: dict[object, Any] = {}
_TOKENS, _MERGES = "tokenizer.ggml.tokens", "tokenizer.ggml.merges"


def encoder_of_gguf(file: GgufFile) -> Encode:
    """Return the tokenizer of a GGUF file whose `pre` is "smollm": single digits, then bytes, then merges.

    Raises: CheckpointError for another kind of tokenizer; ToolchainError where `tokenizers` is missing.
    """
    kind = tuple(file.metadata.get(f"tokenizer.ggml.{k}", "") for k in ("model", "pre"))
    if kind != ("gpt2", "smollm"):
        msg = f"{file.path}: a tokenizer of model and pre {kind}: gpt2 and smollm are allowed"
        raise CheckpointError(msg)
    lists, name = file.texts(_TOKENS, _MERGES), file.path

    def encode(text: str) -> list[int]:
        return list(_built(lists, name).encode(text, add_special_tokens=False).ids)

    return encode


def _built(lists: dict[str, list[str]], name: object) -> Any:
    """Return the tokenizer; it is built when a text comes, in a second."""
    if name not in _MADE:
        t: Any = need("tokenizers")
        with foreign(
            f"{name}: its vocabulary", "tokens and merges of a gpt2 tokenizer are allowed", CheckpointError
        ):
            vocabulary = {token: n for n, token in enumerate(lists[_TOKENS])}
            merges = [tuple(m.split(" ", 1)) for m in lists[_MERGES]]
            made = t.Tokenizer(t.models.BPE(vocab=vocabulary, merges=merges, fuse_unk=False))
            digits, in_bytes = t.pre_tokenizers.Digits, t.pre_tokenizers.ByteLevel
            steps = [digits(individual_digits=True), in_bytes(add_prefix_space=False)]
            made.pre_tokenizer = t.pre_tokenizers.Sequence(steps)
        _MADE[name] = made
    return _MADE[name]


def encoder_of_transformers(tokenizer: Any) -> Encode:
    """Return a tokenizer of transformers, without the tokens that it would put around a text."""

    def encode(text: str) -> list[int]:
        with foreign("the model's tokenizer", "a tokenizer that takes any text is allowed"):
            return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    return encode
