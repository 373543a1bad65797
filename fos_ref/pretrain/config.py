"""What is trained: a small JSON document, every name of it known, every number within its range."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from fos_ref.arguments import one_of, whole, wholes
from fos_ref.errors import InputError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.outside.json import read_json_file
from fos_ref.pretrain.arms import ARMS

MODELS = ("transformer", "hybrid")
MARKOV = "markov"
_MOST_BYTES = 1 << 16
_WHICH = ("models", "arms", "seeds")
MULTIPLE = 128  #: of tokens, inputs and outputs: what every stack takes
SCALE = 1_000_000  #: learning rates are whole millionths


class _Range(NamedTuple):
    least: int
    most: int


_RANGES = {
    "layers": _Range(1, 64),
    "width": _Range(MULTIPLE, 4096),
    "heads": _Range(1, 64),
    "hidden": _Range(MULTIPLE, 16384),
    "window": _Range(1, 4096),
    "state": _Range(1, 64),
    "sequence": _Range(16, 4096),
    "batch": _Range(1, 4096),
    "steps": _Range(1, 1_000_000),
    "rate": _Range(1, SCALE),
    "warmup": _Range(0, 1_000_000),
    "evaluate": _Range(1, 4096),
    "symbols": _Range(4, 64),
    "language": _Range(0, (1 << 32) - 1),
    "replay": _Range(0, 1_000_000),
    "save": _Range(1, 1_000_000),
}
_SEED = _Range(0, (1 << 32) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What is trained. Every arm of a (model, seed) has the same first weights and the same tokens."""

    models: tuple[str, ...] = MODELS
    arms: tuple[str, ...] = tuple(ARMS)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    data: str = MARKOV  #: "markov", a text of fos_ref.pretrain.text, or the path of a file
    layers: int = 4
    width: int = 256
    heads: int = 4
    hidden: int = 1024
    window: int = 64  #: tokens that sliding-window attention sees
    state: int = 8  #: of the mixer's state space
    sequence: int = 256
    batch: int = 32  #: sequences of a step
    steps: int = 600
    rate: int = 1200  #: the highest learning rate, in millionths
    warmup: int = 60  #: steps
    evaluate: int = 16  #: batches of the held-out loss
    symbols: int = 32  #: of the synthetic language
    language: int = 0  #: its seed
    replay: int = 20  #: the step whose codes are computed once more
    save: int = 200  #: steps between two checkpoints

    @property
    def tokens(self) -> int:
        """Of one step, the whole batch."""
        return self.batch * self.sequence

    def document(self) -> dict[str, Any]:
        """Return what `config_of` takes."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def sizes(self) -> dict[str, Any]:
        """Return what two configs have alike that share results: all but which runs there are."""
        return {k: v for k, v in self.document().items() if k not in _WHICH}


def read_config(path: str | os.PathLike[str]) -> Config:
    """Return the config in a JSON file. Raises: OSError; InputError as `config_of`."""
    return config_of(read_json_file(path, most=_MOST_BYTES), str(path))


def config_of(given: Any, name: str = "config") -> Config:
    """Return a config from a JSON object; what is missing keeps its default.

    Raises: InputError for a name that is unknown, a value out of range, and sizes that do not fit.
    """
    if not isinstance(given, Mapping):
        msg = f"{name}: {shown(given)}: a JSON object is allowed"
        raise InputError(msg)
    known = [f.name for f in fields(Config)]
    taken: dict[str, Any] = {}
    for key, value in given.items():
        one_of(key, known, f"{name}: name")
        taken[key] = _value(key, value, f"{name}: {key}")
    made = Config(**taken)
    _check(made, name)
    return made


def _value(key: str, value: Any, what: str) -> Any:
    if key in _RANGES:
        return whole(value, what, *_RANGES[key])
    if key == "data":
        if not isinstance(value, str) or not value:
            msg = f"{what} {shown(value)}: {MARKOV}, the name of a text or the path of a file is allowed"
            raise InputError(msg)
        return value
    if not isinstance(value, list) or not value:
        msg = f"{what} {shown(value)}: a list is allowed"
        raise InputError(msg)
    if key == "seeds":
        found: tuple[Any, ...] = tuple(wholes(value, what, *_SEED))
    else:
        found = tuple(one_of(v, MODELS if key == "models" else ARMS, what) for v in value)
    if len(set(found)) != len(found):
        msg = f"{what} {shown(value)}: each once is allowed"
        raise InputError(msg)
    return found


def _check(c: Config, name: str) -> None:
    """Raise InputError where numbers do not fit one another."""
    odd = {
        f"width {c.width}": c.width % MULTIPLE,
        f"hidden {c.hidden}": c.hidden % MULTIPLE,
        f"batch {c.batch} of sequence {c.sequence}": c.tokens % MULTIPLE,
    }
    wrong = [what for what, rest in odd.items() if rest]
    if wrong:
        msg = f"{name}: {listed(wrong)}: multiples of {MULTIPLE} are allowed"
        raise InputError(msg)
    if c.width % (2 * c.heads):
        msg = f"{name}: width {c.width} with {c.heads} heads: an even number of channels a head is allowed"
        raise InputError(msg)
    if c.warmup > c.steps or c.replay >= c.steps:
        msg = f"{name}: warmup {c.warmup}, replay {c.replay} of {c.steps} steps: steps of the run are allowed"
        raise InputError(msg)
