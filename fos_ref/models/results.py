"""The file of an evaluation, an .npz: every token's loss in every arm. A stopped run continues from it.

settings: JSON in bytes: sha256 of model and text, the windows, each arm with its recipes' fingerprints
done:     int64 (A,): how many tokens of each arm are scored
nll:      float32 (A, N), nats; NaN where an arm is not done
layers:   JSON in bytes: arm -> layer -> [share of the weight's blocks at 4, of the inputs', output error]
It holds no token and no text: CC BY-SA 4.0 asks for names where an excerpt is shown.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.outside.closed import closed, items, NUMBER, optional, table
from fos_ref.outside.files import read_file
from fos_ref.outside.form import problem, validator
from fos_ref.outside.json import read_json
from fos_ref.outside.npz import read_npz
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import one_file

MOST_BYTES = 1 << 32
_PARTS = {"settings": "u1", "done": "i8", "nll": "f4", "layers": "u1"}
_MATRIX = 2


@dataclass
class Results:
    """What a run has so far; `nll` and `done` are filled in place."""

    settings: dict[str, Any]
    done: AnyArray
    nll: AnyArray
    layers: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether every token of every arm is scored."""
        return bool((self.done == self.nll.shape[1]).all())


def fresh(settings: dict[str, Any], tokens: int) -> Results:
    """Return the results of a run that has not begun."""
    arms = len(settings["arms"])
    nll = np.full((arms, tokens), np.nan, dtype=np.float32)
    return Results(settings, np.zeros(arms, dtype=np.int64), nll)


def save(path: Path, r: Results) -> None:
    """Write the file, whole or not at all. Raises: OSError; InputError for a target that is no file."""
    out = io.BytesIO()
    texts = {
        k: json.dumps(v, sort_keys=True).encode() for k, v in (("settings", r.settings), ("layers", r.layers))
    }
    words = {k: np.frombuffer(v, dtype=np.uint8) for k, v in texts.items()}
    arrays: dict[str, Any] = {"done": r.done, "nll": r.nll, **words}
    np.savez(out, **arrays)
    write_all(one_file(path), {path.name: out.getvalue()})


def read(path: Path) -> Results:
    """Return the results of a file. Raises: OSError; InputError for another file."""
    arrays = read_npz(read_file(path, MOST_BYTES, InputError), str(path))
    kinds = {k: a.dtype.str[1:] for k, a in arrays.items()}
    wrong = _wrong_arrays(arrays) if kinds == _PARTS else f"arrays {listed(sorted(kinds))}"
    if wrong is None:
        texts = {k: arrays[k].tobytes() for k in ("settings", "layers")}
        words = {k: read_json(text, path, infinite=k == "layers") for k, text in texts.items()}
        wrong = problem(_checker(), words)
    if wrong is not None:
        msg = f"{path}: not the results of an evaluation: {wrong}: what `fos model eval -o` wrote is allowed"
        raise InputError(msg)
    return Results(words["settings"], arrays["done"].copy(), arrays["nll"].copy(), words["layers"])


def _wrong_arrays(arrays: dict[str, AnyArray]) -> str | None:
    """Return what is wrong with the numbers; None where nothing is."""
    done, nll = arrays["done"], arrays["nll"]
    if nll.ndim != _MATRIX or done.shape != nll.shape[:1]:
        return f"nll of shape {nll.shape}, done of shape {done.shape}"
    if np.any((done < 0) | (done > nll.shape[1])):
        return f"done {shown(done.tolist())} of {nll.shape[1]:,} tokens"
    return None


@cache
def _checker() -> Any:
    """Return what checks the two texts together."""
    shares = items(optional(NUMBER), 3, 3)
    return validator(closed({"settings": {"type": "object"}, "layers": table(table(shares))}))


def continued(path: Path | None, settings: dict[str, Any], bounds: AnyArray) -> Results:
    """Return what the file has of this run; fresh results where there is none.

    bounds: int64 (W + 1,), of the windows among the scored tokens: a run stops between two of them
    Raises: InputError where the file is of a run with other settings: which differ is said; and where it
            stopped within a window.
    """
    tokens = int(bounds[-1])
    if path is None or not path.exists():
        return fresh(settings, tokens)
    found = read(path)
    other = sorted(k for k in {*settings, *found.settings} if settings.get(k) != found.settings.get(k))
    if other or found.nll.shape != (len(settings["arms"]), tokens):
        what = listed(other) or "the number of tokens"
        msg = f"{path} is of another run: {what} differ; another file is needed"
        raise InputError(msg)
    if not np.isin(found.done, bounds).all():
        done, ends = shown(found.done.tolist()), shown(bounds.tolist())
        msg = f"{path}: done {done}: whole windows, of {ends}, are allowed"
        raise InputError(msg)
    return found
