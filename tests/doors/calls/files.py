"""Rows of the calls that open files: `inspect`, reading a quantized checkpoint, converting one."""

from __future__ import annotations

from typing import Any

from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import FosError
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.select import Selection
from fos_ref.verify.inspect import inspect
from tests.doors.calls.tensors import NO_BITS
from tests.doors.calls.values import NO_ARRAY, NO_CHOICE, NO_COUNT, NO_RECIPE, without
from tests.doors.kit import checkpoints, ggml
from tests.doors.row import Call, HOSTILE, wrong
from tests.foreign_objects import Rude

_OPENED = (FosError, OSError)
_BAD = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.UNFIT, *checkpoints.MANIFESTS)
_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_FILES: dict[str, Any] = {f"{n}.safetensors": f"{n}.safetensors" for n in (*_BAD, *_ODD)}
_FILES |= {f"{n}.gguf": f"{n}.gguf" for n in (*ggml.LIES, "m")}
_NO_PATH: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "a list": ["q.safetensors"],
    "an object": object(),
    "what answers no question": Rude(),
    "nothing": "",
    "a NUL": "a\0b",
    "a lone surrogate": "\ud800",
}
_UNREAD = without(_FILES, *(f"{m}.safetensors" for m in checkpoints.MANIFESTS))
_NO_LIE: dict[str, Any] = {**without(NO_CHOICE, "None"), "of no stack": "in-out"}
_NO_GLOBS: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "one glob": "*.weight",
    "numbers": [5],
    "bytes": [b"*"],
    "a set": {"*"},
    "a long one": ["*" * 100_000],
}
#: What is no sequence of (old, new): names of the file that begin with old begin with new in the original.
_NO_PAIRS: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "a text": "a=b",
    "bytes": b"a=b",
    "texts": ["a=b"],
    "texts of two letters": ["ab"],
    "one name": [("a",)],
    "three names": [("a", "b", "c")],
    "numbers": [(1, 2)],
    "names in bytes": [(b"a", b"b")],
    "a dict": {"ab": "c"},
    "a set of pairs": {("a", "b")},
    "what answers no question": Rude(),
    "pairs that answer no question": [Rude()],
    "of what answers no question": [("a", Rude())],
    "to a name that is not there": [("a.", "nowhere.")],
    "to a hostile name": [("a.", HOSTILE["an escape sequence"])],
    "to a name without end": [("a.", "a" * 100_000)],
}


def opened(path: Any, recipe: Any = None) -> Any:
    """Open a quantized checkpoint and read its weights."""
    with QuantizedCheckpoint(path, recipe) as c:
        return [c.tensor(name) for name in c.names]


def named(name: Any) -> Any:
    """Read one weight of a good checkpoint."""
    with QuantizedCheckpoint("q.safetensors") as c:
        return c.tensor(name)


ROWS = [
    *wrong("inspect", inspect, "path", {**_NO_PATH, **_UNREAD}, errors=_OPENED),
    *wrong(
        "inspect",
        inspect,
        "against",
        {**without(_NO_PATH, "None"), **_UNREAD},
        "q.safetensors",
        errors=_OPENED,
    ),
    *wrong("inspect", inspect, "blocks", NO_COUNT, "q.safetensors", "w.safetensors"),
    *wrong("inspect", inspect, "recipe", without(NO_RECIPE, "None"), "q.safetensors"),
    *wrong("inspect", inspect, "renames", _NO_PAIRS, "q.safetensors", "w.safetensors"),
    *wrong("QuantizedCheckpoint", opened, "path", {**_NO_PATH, **_FILES}, errors=_OPENED),
    *wrong("QuantizedCheckpoint", opened, "recipe", without(NO_RECIPE, "None"), "q.safetensors"),
    *wrong("QuantizedCheckpoint", opened, "recipe", {"another": "te-mse-256"}, "q.safetensors"),
    *wrong("QuantizedCheckpoint.tensor", named, "name", NO_CHOICE),
    *wrong("quantize_checkpoint", quantize_checkpoint, "source", _NO_PATH, target="o", errors=_OPENED),
    *wrong("quantize_checkpoint", quantize_checkpoint, "target", _NO_PATH, "w.safetensors", errors=_OPENED),
    *wrong("quantize_checkpoint", quantize_checkpoint, "recipe", NO_RECIPE, "w.safetensors", "o"),
    *wrong("quantize_checkpoint", quantize_checkpoint, "convention", NO_CHOICE, "w.safetensors", "o"),
    *wrong("quantize_checkpoint", quantize_checkpoint, "engine", NO_CHOICE, "w.safetensors", "o"),
    *wrong(
        "quantize_checkpoint",
        quantize_checkpoint,
        "selection",
        {"a text": "*", "a number": 5, "a list": ["*"], "what answers no question": Rude()},
        "w.safetensors",
        "o",
    ),
    *wrong("quantize_checkpoint", quantize_checkpoint, "share", NO_CHOICE, "w.safetensors", "o"),
    *wrong("quantize_checkpoint", quantize_checkpoint, "experts", _NO_LIE, "w.safetensors", "o"),
    *wrong(
        "quantize_checkpoint",
        quantize_checkpoint,
        "random_bits",
        {**NO_ARRAY, **NO_BITS},
        "w.safetensors",
        "o",
        "te-train-gradient",
    ),
    *wrong("Selection", Selection, "include", _NO_GLOBS),
    *wrong("Selection", Selection, "exclude", _NO_GLOBS),
    Call(
        "quantize_checkpoint(overwrite)",
        "not set",
        quantize_checkpoint,
        ("w.safetensors", "taken.safetensors"),
        {},
    ),
]
