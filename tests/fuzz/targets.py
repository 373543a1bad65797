"""What is fuzzed: the valid files of each target, the doors that read them, and the commands that do.

A new reader is a row here, or in of_models.py: its samples (corpus.py, model_files.py), a kind of mutation
(mutate.py), its doors and commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import fos_ref
from fos_gpu.proof.command import other_figures as other_on_device
from fos_ref.commands.prove import _known, _other_figures
from fos_ref.commands.recipe_diff import difference
from fos_ref.dialects.evidence import read_status
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.export.document import documents
from fos_ref.export.source import load
from fos_ref.inspect.api import inspect
from fos_ref.outside.json import read_json_file
from fos_ref.outside.npy import read_npy
from fos_ref.outside.npz import read_npz
from fos_ref.proof.known import read_known
from fos_ref.proof.result import document, Finding, Proof
from fos_ref.recipes import PRESETS, Recipe
from fos_ref.report.status import status_markdown
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.gguf_blocks import BLOCK_FORMS
from fos_ref.storage.gguf_read import GgufFile, READ_DTYPES
from fos_ref.storage.shards import Shards
from fos_ref.vectors import bulk, chain, layout
from fos_ref.vectors.distinguishing.check import read, read_mutants, VECTORS
from fos_ref.vectors.lint import lint
from fos_ref.vectors.npz import read_npz as read_canonical
from fos_ref.vectors.on_disk import read_written, strangers
from fos_ref.vectors.verify import verify
from tests.fuzz import corpus
from tests.fuzz.of_models import OF_MODELS
from tests.fuzz.target import Target

COMMAND_SHARE = 24  #: one input in so many goes through `fos`, where a target has commands
OUTPUTS = ("out", "out.safetensors", "page.md")  #: what a door or a command may write, when it succeeds


def _quantize(folder: Path) -> object:
    return quantize_checkpoint(folder / "in.safetensors", folder / "out.safetensors", "4over6")


def _quantize_model(folder: Path) -> object:
    index, out = folder / "model.safetensors.index.json", folder / "out"
    done = quantize_checkpoint(index, out, "4over6", convention="compressed-tensors", share="fused")
    with QuantizedCheckpoint(out) as found:
        return done, [fos_ref.dequantize(found.tensor(name)) for name in found.names]


def _inspect(folder: Path) -> object:
    return inspect(folder / "q.safetensors").to_dict()


def _inspect_beside(folder: Path) -> object:
    return inspect(folder / "q.safetensors", folder / "in.safetensors", blocks=2).to_dict()


def _inspect_both(folder: Path) -> object:
    return inspect(folder / "q.safetensors", folder / "q.safetensors", recipe="nvfp4").to_dict()


def _read_back(folder: Path) -> object:
    with QuantizedCheckpoint(folder / "q.safetensors", None) as found:
        return [fos_ref.dequantize(found.tensor(name)) for name in found.names]


def _read_named(folder: Path) -> object:
    with QuantizedCheckpoint(folder / "q.safetensors", "nvfp4") as found:
        return [found.tensor(name) for name in found.names]


def _index(folder: Path) -> object:
    return inspect(folder / "q.safetensors.index.json").to_dict()


def _configuration(folder: Path) -> object:
    with Shards(folder / "q.safetensors") as found:
        return found.configuration()


def _ggml(folder: Path) -> object:
    with GgufFile(folder / "m.gguf") as f:
        found = {n: f.read_bytes(n, 0, t.nbytes) for n, t in f.tensors.items()}
        for name, data in found.items():
            form, shape = BLOCK_FORMS.get(f.info(name).dtype), f.info(name).shape
            if form is not None:
                form.split(data.reshape(*shape[:-1], shape[-1] // form.values * form.nbytes))
            elif f.info(name).dtype in READ_DTYPES:
                f.read(name)
        return found


def _inspect_ggml(folder: Path) -> object:
    return inspect(folder / "m.gguf").to_dict()


def _arrays(folder: Path) -> object:
    return [read_npy(folder / f"{n}.npy") for n in ("x", "codes", "scales")]


def _check(folder: Path) -> object:
    x, codes, scales = (read_npy(folder / f"{n}.npy") for n in ("x", "codes", "scales"))
    return fos_ref.verify.check(x, codes, scales, recipe="nvfp4")


def _diff(folder: Path, name: str = "x.npy") -> object:
    return difference(PRESETS["nvfp4"], PRESETS["te-nvfp4"], folder / name, None)


def _diff_safetensors(folder: Path) -> object:
    return _diff(folder, "in.safetensors")


def _archive(folder: Path) -> object:
    return read_npz((folder / "a.npz").read_bytes(), "a.npz")


def _canonical_archive(folder: Path) -> object:
    return read_canonical((folder / "a.npz").read_bytes(), "a.npz")


def _verify(folder: Path) -> object:
    return verify(read_written(folder), "numpy", steps=0)


def _lint(folder: Path) -> object:
    found = read_written(folder)
    return lint(found, strangers(folder, found))


def _export(folder: Path) -> object:
    return [documents(form, load(read_written(folder))) for form in ("json", "npz", "c", "memh")]


def _maps(folder: Path) -> object:
    files = read_written(folder)
    readers = {layout.NAME: layout.failures, chain.NAME: chain.read, VECTORS: read}
    found = [reader(files[name]) for name, reader in readers.items() if name in files]
    if VECTORS in files:
        read_mutants(files[VECTORS])
    if bulk.INDEX in files:
        bulk.read(files | dict.fromkeys(bulk.INDICES, files[bulk.INDEX]) | {bulk.INPUTS: b""})
    return found


def _recipe(folder: Path) -> object:
    return Recipe.from_dict(read_json_file(folder / "r.json")).fingerprint()


def _evidence(folder: Path) -> object:
    return status_markdown(read_status(folder / "e.json"))


_FOUND = Finding(compared=12, unexplained=0, figures={"a": 1, "b": {"c": "d"}})
_PROOF = Proof(name="good", claim="A claim.", run=lambda *_: _FOUND, minutes=0)


def _prove(folder: Path) -> object:
    return _other_figures(_PROOF, _FOUND, _known(folder / "proof-good.json"))


def _prove_device(folder: Path) -> object:
    path = folder / "proof-good.json"
    return other_on_device(document(_PROOF, _FOUND, 0), read_known(path), path)


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "safetensors, quantize": Target(
            corpus.checkpoints,
            (_quantize,),
            (
                "quantize {0}/in.safetensors {0}/out.safetensors",
                "quantize {0}/in.safetensors {0}/out.safetensors --convention compressed-tensors --json",
            ),
        ),
        "model, quantize": Target(
            corpus.models,
            (_quantize_model,),
            ("quantize {0}/model.safetensors.index.json {0}/out --share fused --padding",),
        ),
        "safetensors, inspect": Target(
            corpus.to_inspect,
            (_inspect, _read_back, _read_named),
            ("inspect {0}/q.safetensors", "inspect {0}/q.safetensors --json"),
        ),
        "safetensors, inspect --against": Target(
            corpus.to_inspect,
            (_inspect_beside,),
            ("inspect {0}/q.safetensors --against {0}/in.safetensors --blocks 2",),
        ),
        "conventions, inspect": Target(
            corpus.conventions,
            (_inspect, _inspect_beside, _inspect_both),
            (
                "inspect {0}/q.safetensors --recipe nvfp4 --strict",
                "inspect {0}/q.safetensors --against {0}/in.safetensors --map m.=t. --blocks 2 --json",
            ),
        ),
        "safetensors, recipes diff": Target(
            corpus.checkpoints,
            (_diff_safetensors,),
            ("recipes diff nvfp4 te-nvfp4 --on {0}/in.safetensors",),
        ),
        "index.json": Target(corpus.shards, (_index,), ("inspect {0}/q.safetensors.index.json",)),
        "config.json": Target(
            corpus.configurations, (_configuration, _configuration, _inspect), ("inspect {0}/q.safetensors",)
        ),
        "gguf": Target(corpus.ggml_files, (_ggml,)),
        "gguf, inspect": Target(
            corpus.ggml_quantized,
            (_inspect_ggml,),
            ("inspect {0}/m.gguf", "inspect {0}/m.gguf --json"),
        ),
        "npy": Target(corpus.arrays, (_arrays,), ("recipes diff nvfp4 te-nvfp4 --on {0}/x.npy --json",)),
        "npy, check": Target(
            corpus.arrays,
            (_check, _diff),
            ("check {0}/x.npy {0}/codes.npy {0}/scales.npy --recipe nvfp4",),
        ),
        "npz": Target(corpus.archives, (_archive, _canonical_archive)),
        "golden vectors": Target(
            corpus.golden,
            (_verify, _export, _lint),
            (
                "golden verify --dir {0} --steps 0",
                "golden lint --dir {0}",
                "golden export --dir {0} --format c -o {0}/out",
            ),
        ),
        "golden manifest": Target(
            corpus.manifests, (_verify, _lint), ("golden lint --dir {0} --json", "golden verify --dir {0}")
        ),
        "golden, other files": Target(corpus.other_golden, (_maps,), ("golden lint --dir {0}",)),
        "recipe JSON": Target(corpus.recipes, (_recipe,)),
        "evidence": Target(
            corpus.evidence,
            (_evidence,),
            ("evidence --from {0}/e.json", "evidence --from {0}/e.json --write {0}/page.md --json"),
        ),
        "proof --against": Target(corpus.findings, (_prove, _prove_device)),
        **OF_MODELS,
    }
)


def without_commands(t: Target) -> Target:
    """Return a target whose inputs go to its doors only."""
    return replace(t, commands=())
