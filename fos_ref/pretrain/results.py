"""What the runs of a config found, as one JSON document; and paired gaps between arms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fos_ref.errors import InputError
from fos_ref.outside.json import read_json_file
from fos_ref.pretrain.arms import BASELINE
from fos_ref.pretrain.config import Config, config_of

DOCUMENT = "pretraining.json"
LAYER = (
    "pretraining-layer.safetensors"  #: x, w and g of one layer, as `fos report --training --weights` reads
)
#: What `fos model train` writes besides.
TABLES = ("pretraining-runs.csv", "pretraining-gaps.csv", "pretraining-replay.csv")
PAGE, FIGURE, GRADIENTS = "pretraining.md", "pretraining-loss.png", "pretraining-gradients.csv"
FILES = (DOCUMENT, PAGE, FIGURE, *TABLES)
_WHICH = ("models", "arms", "seeds")
_OF_A_RUN = {"model", "arm", "seed", "held_out", "train", "curve", "seconds", "steps"}


@dataclass(slots=True)
class Results:
    """All that was found so far."""

    config: Config
    machine: dict[str, str]  #: of this call
    made_on: list[dict[str, str]] = field(default_factory=list)  #: the machines of the runs
    runs: list[dict[str, Any]] = field(default_factory=list)
    replays: list[dict[str, Any]] = field(default_factory=list)
    restarts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, run: dict[str, Any]) -> None:
        """Take a run that this machine made."""
        self.runs.append(run)
        if self.machine not in self.made_on:
            self.made_on.append(self.machine)

    def has(self, model: str, arm: str, seed: int) -> bool:
        """Return whether a run has been made."""
        return any((r["model"], r["arm"], r["seed"]) == (model, arm, seed) for r in self.runs)

    def document(self) -> bytes:
        """Return the JSON document."""
        parts = {
            "config": self.config.document(),
            "made_on": self.made_on,
            "runs": self.runs,
            "replays": self.replays,
            "restarts": self.restarts,
        }
        return (json.dumps(parts, indent=1) + "\n").encode()


def read_results(path: Path, config: Config, machine: dict[str, str]) -> Results:
    """Return what an earlier call found; nothing where there is no file.

    Raises: OSError; InputError for a document of another form, and for results of other sizes or steps.
    """
    if not path.exists():
        return Results(config, machine)
    given = read_json_file(path)
    if not isinstance(given, dict) or not isinstance(given.get("config"), dict):
        msg = f"{path}: not a document of pretraining: one that this command wrote is allowed"
        raise InputError(msg)
    before = config_of(given["config"], f"{path}: config")
    if _sizes(before) != _sizes(config):
        odd = [k for k, v in _sizes(before).items() if v != _sizes(config)[k]]
        msg = (
            f"{path}: results under another {', '.join(odd)}: the same config is allowed (or another folder)"
        )
        raise InputError(msg)
    parts: list[Any] = [given.get(name) for name in ("made_on", "runs", "replays", "restarts")]
    if any(not isinstance(p, list) or not all(isinstance(r, dict) for r in p) for p in parts):
        msg = f"{path}: made_on, runs, replays and restarts: lists of objects are allowed"
        raise InputError(msg)
    made_on, runs, replays, restarts = parts
    if not all({"device", "torch"} <= m.keys() for m in made_on):
        msg = f"{path}: made_on without device or torch: both are needed of a machine"
        raise InputError(msg)
    if any(not r.keys() >= _OF_A_RUN for r in runs):
        msg = f"{path}: a run without one of {', '.join(sorted(_OF_A_RUN))}: whole runs are allowed"
        raise InputError(msg)
    return Results(config, machine, made_on, runs, replays, restarts)


def _sizes(config: Config) -> dict[str, Any]:
    return {k: v for k, v in config.document().items() if k not in _WHICH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The differences of two arms of one model, seed by seed."""

    model: str
    arm: str
    against: str
    seeds: list[int]
    differences: list[float]  #: of held-out losses, in nats: positive where `arm` is worse

    @property
    def mean(self) -> float:
        """Return the mean difference."""
        return sum(self.differences) / len(self.differences)


def gaps(runs: Iterable[dict[str, Any]], against: str = BASELINE) -> list[Gap]:
    """Return, for each model and arm, its differences to another arm over the seeds that both have."""
    by_arm: dict[tuple[str, str], dict[int, float]] = {}
    for r in runs:
        by_arm.setdefault((r["model"], r["arm"]), {})[r["seed"]] = r["held_out"]
    found = []
    for (model, arm), own in by_arm.items():
        other = by_arm.get((model, against), {})
        both = sorted(own.keys() & other.keys())
        if arm != against and both:
            differences = [own[s] - other[s] for s in both]
            found.append(Gap(model=model, arm=arm, against=against, seeds=both, differences=differences))
    return found
