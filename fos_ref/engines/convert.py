"""Quantizing a whole checkpoint: two passes over its weights, chunk by chunk (see stream.py).

The first pass takes every tensor amax, so that whatever cannot be quantized is known before a byte is
written; the second quantizes and writes. It takes every amax once more: the output is what the bytes of the
second pass give, or there is none.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

from fos_ref.arguments import path
from fos_ref.engines.conversion.amaxes import take
from fos_ref.engines.conversion.asked import Asked, Progress
from fos_ref.engines.conversion.drawn import drawn
from fos_ref.engines.conversion.outcome import Conversion, Outcome
from fos_ref.engines.conversion.plan import Plan
from fos_ref.engines.conversion.reading import Reading
from fos_ref.engines.conversion.source import Origin
from fos_ref.engines.conversion.target import metadata, Output
from fos_ref.engines.conversion.writing import Shard, Writing
from fos_ref.engines.registry import Engine, get_engine
from fos_ref.engines.stream import Compiled
from fos_ref.formats.environment import check_float_environment
from fos_ref.model.random_bits import RandomBits
from fos_ref.publish.publication import check_targets, Publication
from fos_ref.publish.targets import Targets
from fos_ref.recipes.catalog import recipe as get_recipe
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.conventions import convention as get_convention
from fos_ref.storage.folders import safetensors_of
from fos_ref.storage.reader_config import quantization_config
from fos_ref.storage.safetensors_write import check_names, SafetensorsWriter
from fos_ref.storage.select import Selection
from fos_ref.storage.shards import Shards
from fos_ref.version import VERSION


def quantize_checkpoint(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    recipe: Recipe | str = "4over6",
    *,
    convention: str = "modelopt",
    selection: Selection | None = None,
    share: str = "none",
    padding: bool = False,
    experts: str | None = None,
    random_bits: Any = None,
    config: bool = False,
    engine: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
    compiling: Callable[[], None] | None = None,
) -> Conversion:
    """Quantize the weights of the checkpoint `source` into `target`; copy the other tensors unchanged.

    source: a safetensors file, an index of shards, or a folder with one of them. An index or a folder becomes
    a new folder: shards of the same names, an index, the configuration, and the small files of the folder.
    Codes and block scales are those of `fos_ref.quantize` on each matrix, bitwise. The target is written
    whole or not at all. Its files keep the metadata of the source and get the recipe manifest.

    convention: "modelopt", "compressed-tensors" or "gpt-oss": the names, and what is stored as the tensor
                scale (storage/conventions.py); the last two hold MXFP4
    selection:  which tensors are weights (storage/select.py); None: the default rules
    share:      "fused": one tensor scale for the weights that runtimes join (storage/fused.py), from the
                largest amax of them; "none"
    padding:    add zeros to rows that are no whole number of blocks; otherwise such a weight is left
    experts:    how each expert of a stack lies: "out-in" is (N, K), "in-out" (K, N), which is turned around;
                None: as the config.json beside the source says
    random_bits: of a stochastic recipe, as `quantize` takes them, for the one matrix that has to be selected.
                Its words are held whole
    config:     write the configuration beside a file, too
    overwrite:  replace a file that exists; a folder has to be new or empty
    progress:   called with (bytes done, bytes in all)
    compiling:  called if the compiled engine has to be compiled first
    Raises:     OSError, CheckpointError, RecipeError, InputError, ToolchainError.
    """
    check_float_environment()
    r = get_recipe(recipe)
    c = get_convention(convention, r)
    asked = Asked.checked(r, c, selection=selection, share=share, padding=padding, experts=experts)
    source, target = path(source, "source"), path(target, "target")
    output = Output(origin=Origin.of(source), path=target, config=bool(config))
    targets = output.targets(asked, overwrite=overwrite)
    check_targets(targets)
    with Shards(output.origin.file) as shards:
        plan = Plan.of(shards, output.origin, asked)
        chosen = _engine(engine, asked, shards, compiling)
        bits = drawn(random_bits, plan)
        reading = Reading(shards=shards, engine=chosen, total=plan.nbytes(), progress=progress)
        parts = [Shard.of(f, plan, shards) for f in safetensors_of(shards)]
        return _convert(plan, parts, reading, output, targets, bits=bits)


def _convert(
    plan: Plan,
    parts: list[Shard],
    reading: Reading,
    output: Output,
    targets: Targets,
    *,
    bits: RandomBits | None,
) -> Conversion:
    """Take both passes and publish what they give."""
    asked = plan.asked
    check_names(output.path, (i for p in parts for i in p.infos(asked)))
    model = output.origin.model_to_write() if output.writes_config else None
    amaxes = take(plan, reading)
    settings = quantization_config(asked.convention, plan.modules_left(), VERSION)
    writing = Writing(plan=plan, amaxes=amaxes, reading=reading, bits=bits)
    with Publication(targets) as out:
        found = [o for p in parts for o in _write(p, writing, output, out, settings)]
        whole = {**output.index(parts, asked), **output.documents(asked, settings, model)}
        for name, data in whole.items():
            out.write(name, data)
        files = [*map(output.name, parts), *whole, *output.copy_side_files(parts, out)]
    order = {name: number for number, name in enumerate(plan.tensors)}
    return Conversion(
        recipe=asked.recipe,
        convention=asked.convention,
        engine=reading.engine.name,
        config=settings,
        outcomes=tuple(sorted(found, key=lambda o: order[o.name])),
        share=asked.share,
        apart=amaxes.apart,
        orientation=plan.orientation,
        files=tuple(files),
    )


def _write(
    part: Shard, writing: Writing, output: Output, out: Publication, settings: dict[str, object]
) -> list[Outcome]:
    """Write one file of weights; return what became of its tensors."""
    about = metadata(part, writing.amaxes, writing.plan.asked, settings)
    infos, place = part.infos(writing.plan.asked), output.place(part)
    with SafetensorsWriter(place, infos, about, within=out) as writer:
        return list(writing.shard(part, writer))


def _engine(name: str, asked: Asked, shards: Shards, compiling: Callable[[], None] | None) -> Engine:
    """Return the engine, and let it say when it compiles."""
    chosen = get_engine(name, asked.recipe, sum(math.prod(i.shape) for i in shards.tensors.values()))
    if compiling is not None and isinstance(chosen, Compiled):
        chosen.when_compiling(compiling)
    return chosen
