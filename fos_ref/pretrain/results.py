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
from fos_ref.pretrain.form import checker

DOCUMENT = "pretraining.json"
LAYER = (
    "pretraining-layer.safetensors"  #: x, w and g of one layer, as `fos report --training --weights` reads
)
#: What `fos model train` writes besides.
TABLES = ("pretraining-runs.csv", "pretraining-gaps.csv", "pretraining-replay.csv")
PAGE, FIGURE, GRADIENTS = "pretraining.md", "pretraining-loss.png", "pretraining-gradients.csv"
FILES = (DOCUMENT, PAGE, FIGURE, *TABLES)


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
    from fos_ref.outside.form import problem

    given = read_json_file(path, infinite=True)
    wrong = problem(checker(), given)
    if wrong is not None:
        msg = f"{path}: not a document of pretraining: {wrong}"
        raise InputError(msg)
    before = config_of(given["config"], f"{path}: config")
    if before.sizes() != config.sizes():
        odd = [k for k, v in before.sizes().items() if v != config.sizes()[k]]
        msg = (
            f"{path}: results under another {', '.join(odd)}: the same config is allowed (or another folder)"
        )
        raise InputError(msg)
    if len({len(r["curve"]) for r in given["runs"]}) > 1:
        msg = f"{path}: curves of more than one length: those of runs of one config are allowed"
        raise InputError(msg)
    parts = (given[name] for name in ("made_on", "runs", "replays", "restarts"))
    return Results(config, machine, *parts)


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
