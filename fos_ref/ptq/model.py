"""A model's weights quantized by a method under a recipe, by llm-compressor, into a checkpoint."""

from __future__ import annotations

import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from datasets import Dataset
from llmcompressor import oneshot
from llmcompressor.pipelines.cache import IntermediatesCache

from fos_ref.errors import InputError
from fos_ref.foreign import foreign
from fos_ref.formats.environment import check_float_environment
from fos_ref.ptq.asked import Asked
from fos_ref.ptq.calibration import rows
from fos_ref.ptq.methods import AT_ONCE, modifiers, SEQUENTIAL
from fos_ref.ptq.settle import answers, settle
from fos_ref.publish.publication import Publication
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.select import Selection
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.storage.tensor_info import TensorInfo

_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
_PEER = "what transformers and llm-compressor take is allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """What became of a model."""

    recipe: Recipe
    method: str
    layers: dict[str, QuantizedTensor]  #: what the recipe made of each weight; GPTQ keeps its scales only
    left: dict[str, str]  #: linear layers that were left, and why
    files: tuple[str, ...]


def quantize_model(asked: Asked) -> Quantized:
    """Quantize the linear layers of a causal language model; write a checkpoint of compressed-tensors.

    The model is what transformers loads from the folder; its files alone are read, no code of it runs. The
    checkpoint appears whole or not at all.
    Bits:     "rtn": codes, block scales and tensor scales of `fos quantize --share fused`. "smoothquant" and
              "awq": the same of the weights that they made. "gptq": block scales and tensor scales of the
              recipe for the weight before the walk; codes of the walk.
    Raises:   InputError for what transformers or llm-compressor refuses, OSError.
    """
    check_float_environment()
    _quiet()
    with foreign(f"model {asked.source}", _PEER, InputError):
        load = transformers.AutoModelForCausalLM.from_pretrained
        model = load(asked.source, dtype="auto", local_files_only=True)
    left = why_left(model, asked.recipe)
    names = [n for n in linear(model) if n not in left]
    if not names:
        msg = f"{asked.source}: no linear layer of whole blocks of recipe {asked.recipe.name!r}"
        raise InputError(msg)
    with foreign(f"{asked.method} of {asked.source}", _PEER, InputError):
        data, steps = _data(asked, model), modifiers(asked.method, asked.recipe, asked.named, names)
        _unpinned()
        oneshot(model=model, recipe=steps, log_dir=None, **data)
    if asked.method != "gptq":
        settle(model)
    made = {name: q for name, _, q in answers(model)}
    files = _publish(model, asked)
    return Quantized(recipe=asked.recipe, method=asked.method, layers=made, left=left, files=files)


def linear(model: torch.nn.Module) -> dict[str, torch.nn.Linear]:
    """Return the linear layers of a model by name."""
    return {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)}


def why_left(model: torch.nn.Module, r: Recipe) -> dict[str, str]:
    """Return the linear layers that are left as they are, by the rules of `fos quantize`, and why."""
    found = {}
    for name, module in linear(model).items():
        shape = tuple(module.weight.shape)
        info = TensorInfo.of(f"{name}.weight", _DTYPES.get(module.weight.dtype, "other"), shape)
        if (reason := Selection().why_left(info, r)) is not None:
            found[name] = reason
    return found


def _data(asked: Asked, model: Any) -> dict[str, Any]:
    """Return what `oneshot` is told of the calibration."""
    text = asked.text
    if text is None:
        return {"pipeline": AT_ONCE}
    tokenizer = transformers.AutoTokenizer.from_pretrained(asked.source, local_files_only=True)
    ids = rows(text, tokenizer)
    if (most := int(np.max(ids))) >= model.config.vocab_size:
        msg = (
            f"{asked.source}: its tokenizer gives {most}, and the model has {model.config.vocab_size} tokens"
        )
        raise InputError(msg)
    held = Dataset.from_dict({"input_ids": ids, "attention_mask": [[1] * text.length] * len(ids)})
    return {
        "processor": tokenizer,
        "dataset": held,
        "num_calibration_samples": len(ids),
        "max_seq_length": text.length,
        "shuffle_calibration_samples": False,
        "pipeline": SEQUENTIAL,
    }


def _publish(model: Any, asked: Asked) -> tuple[str, ...]:
    """Write the checkpoint and the tokenizer's files; return their names."""
    with tempfile.TemporaryDirectory() as folder, Publication(asked.targets) as out:
        model.save_pretrained(folder, save_compressed=True)
        made = sorted(p for p in Path(folder).iterdir() if p.is_file() and p.name != "recipe.yaml")
        beside = [p for p in sorted(asked.source.iterdir()) if p.is_file() and p.name.startswith("tokenizer")]
        for path in [*made, *beside]:
            out.write(path.name, path.read_bytes())
    return tuple(p.name for p in [*made, *beside])


def _unpinned() -> None:
    """Let AWQ run where there is no accelerator: it pins memory for one, which changes no value."""
    if not torch.accelerator.is_available():
        IntermediatesCache.pin_memory = lambda *_: None


def _quiet() -> None:
    """Let the peers say nothing but what is wrong."""
    from loguru import logger  # noqa: PLC0415 -- comes with llm-compressor

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logger.remove()
    warnings.simplefilter("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
