"""Targets of the rooms that work on language models: configs, resumes, losses by token, a Llama's header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.models.evaluate import Evaluation
from fos_ref.models.matrix.run import read_state
from fos_ref.models.matrix.text import documents
from fos_ref.models.results import continued
from fos_ref.models.shape import number, shape_of
from fos_ref.models.summary import pairs, rows
from fos_ref.models.text import text_of_file
from fos_ref.models.tokenizer import encoder_of_gguf
from fos_ref.pretrain.config import read_config
from fos_ref.pretrain.results import gaps, read_results
from fos_ref.pretrain.state import state_of
from fos_ref.pretrain.text import text_of
from fos_ref.ptq.asked import Asked
from fos_ref.ptq.calibration import Calibration
from fos_ref.ptq.calibration import rows as rows_of
from fos_ref.storage.gguf_read import GgufFile
from tests.fuzz import model_files
from tests.fuzz.target import Target


def _config(folder: Path) -> object:
    return read_config(folder / "c.json").document()


def _pretraining(folder: Path) -> object:
    from fos_ref.report.pretrain import tables, text  # noqa: PLC0415 -- pandas takes half a second

    found = read_results(folder / "pretraining.json", model_files.config(), {})
    return [
        text.page(found, None),
        tables.runs(found),
        tables.paired(found),
        gaps(found.runs),
        found.document(),
    ]


def _state(folder: Path) -> object:
    path, config = folder / "state.safetensors", model_files.config()
    with state_of(path, model_files.RUN, config, model_files.SIZES) as found:
        return found.steps, {name: found.values(name) for name in model_files.SIZES}


def _evaluation(folder: Path) -> object:
    found = continued(folder / "e.npz", model_files.SETTINGS, model_files.BOUNDS)
    with np.errstate(all="ignore"):  # what is not scored yet is a NaN
        e = Evaluation(found, {"float32": [0], "nvfp4": [1]}, model_files.BOUNDS, ())
        return [r.to_dict() for r in rows(e)], pairs(e)


def _matrix(folder: Path) -> object:
    return documents(read_state(folder / "m.json", None))


def _model(folder: Path) -> object:
    return Asked.checked(folder / "model", folder / "out", "4over6", "rtn", None)


def _calibration(folder: Path) -> object:
    text = Calibration(path=folder / "t.txt", windows=2, length=4)
    asked = Asked.checked(folder / "model", folder / "out", "nvfp4", "gptq", text)
    return asked, rows_of(text, _words)


def _words(text: str, **_: Any) -> dict[str, list[int]]:
    return {"input_ids": [len(word) for word in text.split()]}


def _text(folder: Path) -> object:
    return text_of_file(folder / "t.txt").sha256, text_of(str(folder / "t.txt"))


def _llama(folder: Path) -> object:
    with GgufFile(folder / "m.gguf") as file:
        shape = shape_of(file)
        bos = number(file, "tokenizer.ggml.bos_token_id", 0, shape.vocabulary - 1)
        return shape, bos, number(file, "llama.context_length"), encoder_of_gguf(file)


#: By name, as in targets.py.
OF_MODELS: Mapping[str, Target] = MappingProxyType(
    {
        "pretraining, config": Target(model_files.configs, (_config,)),
        "pretraining, results": Target(model_files.pretraining, (_pretraining,)),
        "pretraining, state": Target(model_files.states, (_state,)),
        "evaluation": Target(model_files.evaluations, (_evaluation,)),
        "models' matrix": Target(model_files.matrices, (_matrix,)),
        "model to calibrate": Target(model_files.models, (_model, _calibration, _text)),
        "gguf, Llama": Target(model_files.llamas, (_llama,)),
    }
)
