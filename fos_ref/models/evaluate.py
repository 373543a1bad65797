"""An evaluation: one model, one text, some recipes in some draws, every token's loss."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray, F32
from fos_ref.models.arms import Arm, arm_of
from fos_ref.models.capture import write_capture
from fos_ref.models.draws import phases
from fos_ref.models.linears import applied, check_sizes, Linear, linears, watched
from fos_ref.models.loading import load, Loaded
from fos_ref.models.needs import need
from fos_ref.models.results import continued, Results, save
from fos_ref.models.scoring import score
from fos_ref.models.text import Corpus, ledes, text_of_file
from fos_ref.models.windows import disjoint, offsets, rolling, Window
from fos_ref.outside.json import read_json

CALIBRATION = 8  #: windows, the first ones, of which a static amax is the largest
_SAVE_EVERY = 30.0  #: seconds between two writes of the file


@dataclass(frozen=True)
class Asked:
    """What is asked for; fos_ref/commands/model/evaluate.py says what each is."""

    recipes: tuple[str, ...]
    text: Path | None = None
    tokens: int | None = None
    window: int = 512
    convention: str = "windows"
    draws: int = 1
    weights: str = "same"
    activations: str = "same"
    scope: str = "tensor"
    amax: str = "dynamic"
    head: bool = False
    embeddings: bool = False
    exclude: tuple[str, ...] = ()
    batch: int = 1


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    arms:      name -> the rows of `results.nll` that are its draws; "float32" first
    offsets:   int64 (W + 1,) of the windows among the scored tokens
    documents: the texts whose words and bytes count; () where tokens are left out, so that no word counts
    """

    results: Results
    arms: dict[str, list[int]]
    offsets: AnyArray
    documents: tuple[str, ...]

    def draws(self, name: str) -> AnyArray:
        """Return float32 (D, N), an arm's losses."""
        found: AnyArray = self.results.nll[self.arms[name]]
        return found


def arms_of(asked: Asked) -> list[Arm]:
    """Return the arms in the order in which they run: the model as it is, then each recipe's draws.

    Raises: RecipeError, InputError.
    """
    made = [arm_of(n, asked.weights, asked.activations, asked.scope, asked.amax) for n in asked.recipes]
    names = [a.name for a in made]
    if len(set(names)) < len(names):
        msg = f"recipes {', '.join(asked.recipes)} are not different arms: each is needed once"
        raise InputError(msg)
    drawn = asked.draws if any(a.weights for a in made) else 1
    return [Arm(), *(replace(a, phase=p) for a in made for p in phases(drawn))]


def corpus_of(asked: Asked) -> Corpus:
    """Return the text that is asked for. Raises: OSError, InputError, ToolchainError."""
    return ledes() if asked.text is None else text_of_file(asked.text)


def windows_of(asked: Asked, corpus: Corpus, loaded: Loaded) -> tuple[list[Window], tuple[str, ...]]:
    """Return the windows of a text, and the documents of which every token is scored."""
    if loaded.encode is None:
        msg = f"{loaded.about['model']} has no tokenizer that is known here: gpt2 with smollm's digits is"
        raise InputError(msg)
    if asked.window > loaded.longest:
        msg = f"a window of {asked.window:,} tokens: this model takes {loaded.longest:,} at most"
        raise InputError(msg)
    if asked.convention == "windows":
        return disjoint(loaded.encode(corpus.joined)[: asked.tokens], asked.window), ()
    documents, ids = _within(corpus.documents, loaded.encode, asked.tokens)
    return rolling(ids, asked.window, loaded.prefix), documents


def _within(
    documents: Sequence[str], encode: Callable[[str], list[int]], most: int | None
) -> tuple[tuple[str, ...], list[list[int]]]:
    """Return whole documents of at most `most` tokens together, and their tokens."""
    ids: list[list[int]] = []
    for d in documents:
        made = encode(d)
        if most is not None and sum(map(len, ids)) + len(made) > most:
            break
        ids.append(made)
    if not ids:
        msg = f"no whole document has at most {most:,} tokens: more, or the convention windows, are needed"
        raise InputError(msg)
    return tuple(documents[: len(ids)]), ids


def evaluate(
    model: str | Loaded,
    asked: Asked,
    out: Path | None = None,
    *,
    device: str = "cpu",
    dtype: str = "float32",
    capture: Path | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:
    """Score a text under each arm; go on with the file `out` where it has a part of this very run.

    model:    as `fos_ref.models.loading.load`, or what it returned
    capture:  where the inputs of the linear layers on the first window go (fos_ref/models/capture.py)
    progress: called with tokens scored and tokens in all
    Rounding: quantized values as `fos_ref.dequantize(fos_ref.quantize(x))`; the rest in torch, in the model's
              dtype. A run that was stopped and goes on gives the bits of one that was not, where torch does.
    Raises:   InputError, RecipeError, CheckpointError, ToolchainError, OSError
    """
    arms, corpus = arms_of(asked), corpus_of(asked)
    loaded = load(model, device=device, dtype=dtype) if isinstance(model, str) else model
    windows, documents = windows_of(asked, corpus, loaded)
    layers = linears(
        loaded.model, loaded.head, with_head=asked.head, embeddings=asked.embeddings, exclude=asked.exclude
    )
    check_sizes(layers, [r for a in arms for r in (a.weights, a.activations)])
    if capture is not None:
        write_capture(capture, loaded.model, layers, windows)
    bounds = offsets(windows)
    settings = _settings(asked, arms, corpus, loaded, windows)
    results = continued(out, settings, bounds)
    static = _static(loaded.model, layers, windows) if asked.amax == "static" else {}
    with _saving(out, results) as scored:
        for n, arm in enumerate(arms):
            for done in _arm(loaded.model, layers, windows, bounds, arm, static, results, n, asked.batch):
                scored()
                progress(done + n * int(bounds[-1]), len(arms) * int(bounds[-1]))
    names: dict[str, list[int]] = {}
    for n, arm in enumerate(arms):
        names.setdefault(arm.name, []).append(n)
    return Evaluation(results, names, bounds, documents)


@contextmanager
def _saving(out: Path | None, results: Results) -> Iterator[Callable[[], None]]:
    """Write the file every half minute, and at the end whatever ends it."""
    last = time.monotonic()

    def scored() -> None:
        nonlocal last
        if out is not None and time.monotonic() - last > _SAVE_EVERY:
            save(out, results)
            last = time.monotonic()

    try:
        yield scored
    finally:
        if out is not None:
            save(out, results)


def _arm(  # noqa: PLR0917 -- what a run has
    model: Any,
    layers: Sequence[Linear],
    windows: Sequence[Window],
    bounds: AnyArray,
    arm: Arm,
    static: dict[str, F32],
    results: Results,
    n: int,
    batch: int,
) -> Iterator[int]:
    """Score the windows of one arm that are not done; yield how many of its tokens are."""
    at = int(results.done[n])
    rest = list(windows)[int(np.searchsorted(bounds, at)) :]
    if not rest:
        yield at
        return
    with applied(layers, arm, static) as held:
        held.look = arm != Arm() and at == 0 and arm.phase == 1.0
        for part in score(model, rest, batch):
            if held.look:
                shares = held.shares.items()
                results.layers[str(n)] = {k: [s.weights4, s.inputs4, s.error] for k, s in shares}
                held.look = False
            held.forget()
            results.nll[n, at : at + part.size] = part
            at = results.done[n] = at + part.size
            yield at


def _static(model: Any, layers: Sequence[Linear], windows: Sequence[Window]) -> dict[str, F32]:
    """Return the largest magnitude of each layer's inputs over the first windows, without quantization."""
    with watched(layers) as seen:
        for _ in score(model, windows[:CALIBRATION]):
            pass
    return seen


def _settings(
    asked: Asked, arms: Sequence[Arm], corpus: Corpus, loaded: Loaded, windows: Sequence[Window]
) -> dict[str, Any]:
    """Return what makes two runs the same one, as JSON has it."""
    torch: Any = need("torch")
    made = {
        "model": loaded.about,
        "text": {"name": corpus.name, "sha256": corpus.sha256},
        "convention": asked.convention,
        "window": asked.window,
        "windows": len(windows),
        "tokens": sum(len(w.tokens) for w in windows),
        "head": asked.head,
        "embeddings": asked.embeddings,
        "exclude": list(asked.exclude),
        "batch": asked.batch,
        "arms": [a.key() for a in arms],
        "torch": torch.__version__,
        "device": next(loaded.model.parameters()).device.type,
    }
    found: dict[str, Any] = read_json(json.dumps(made), "settings")
    return found
