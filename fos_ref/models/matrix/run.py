"""The run of the matrix: arm by arm, until the time is over; the next run goes on where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.models.arms import Arm
from fos_ref.models.linears import applied, Linear, linears
from fos_ref.models.loading import Loaded
from fos_ref.models.matrix.form import wrong_state
from fos_ref.models.matrix.plan import Cell
from fos_ref.models.needs import need
from fos_ref.models.scoring import score
from fos_ref.models.windows import offsets, Window
from fos_ref.outside.json import read_json_file
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import one_file

BATCH = 16  #: windows of a call
_SAVE_EVERY = 30.0  #: seconds


def run(
    loaded: Loaded,
    windows: Sequence[Window],
    arms: Sequence[tuple[Cell, int, Arm]],
    state: Path,
    *,
    about: dict[str, Any],
    seconds: float,
    say: Callable[[str], None],
    batch: int = BATCH,
) -> bool:
    """Score the arms that `state` does not have; write it every half minute. Return whether all are there.

    about: what the arms have in common; a state of something else is refused
    Raises: InputError
    """
    start = last = time.monotonic()
    found = read_state(state, about)
    layers, bounds = linears(loaded.model, loaded.head), offsets(windows)
    for cell, draw, arm in arms:
        key = f"{cell.name}|{draw}"
        if key in found["arms"]:
            continue
        if time.monotonic() - start > seconds:
            break
        begun = time.monotonic()
        found["arms"][key] = {"arm": arm.key(), **measured(loaded.model, layers, windows, arm, bounds, batch)}
        took = found["arms"][key]["seconds"] = time.monotonic() - begun
        mean = sum(found["arms"][key]["sums"]) / float(bounds[-1])
        say(f"{key}: {mean:.4f} nat, {took:.1f} s ({len(found['arms'])} of {len(arms)})")
        if time.monotonic() - last > _SAVE_EVERY:
            save(state, found)
            last = time.monotonic()
    save(state, found)
    return len(found["arms"]) >= len(arms)


def measured(  # noqa: PLR0917
    model: Any, layers: Sequence[Linear], windows: Sequence[Window], arm: Arm, bounds: AnyArray, batch: int
) -> dict[str, Any]:
    """Return the sums of an arm's losses by window, and what its layers showed on the first batch."""
    parts = []
    with applied(layers, arm) as held:
        held.look = arm != Arm() and arm.phase == 1.0
        for part in score(model, windows, batch):
            parts.append(part)
            held.look = False
    nll = np.concatenate(parts)
    by_window = np.add.reduceat(nll.astype(np.float64), bounds[:-1])
    looked = {k: [s.weights4, s.inputs4, s.error] for k, s in held.shares.items() if s.error is not None}
    return {"sums": by_window.tolist(), "layers": looked}


def read_state(state: Path, about: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a run before this one found; about: None takes any.

    Raises: OSError; InputError for another document, and for the state of another run.
    """
    if about is not None and not state.exists():
        return {"about": about, "arms": {}, "bits": {}}
    found: dict[str, Any] = read_json_file(state)
    wrong = wrong_state(found)
    if wrong is not None:
        msg = f"{state}: not the state of a matrix: {wrong}"
        raise InputError(msg)
    if about is not None and found["about"] != about:
        other = [k for k in about if found["about"].get(k) != about[k]]
        msg = f"{state} is of another run: {', '.join(other)} differ; another file is needed"
        raise InputError(msg)
    return found


def save(state: Path, found: dict[str, Any]) -> None:
    """Write the state, whole or not at all."""
    write_all(one_file(state), {state.name: json.dumps(found, allow_nan=False).encode()})


def environment() -> dict[str, str]:
    """Return what computed: the versions and the device."""
    torch: Any = need("torch")
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {"torch": torch.__version__, "numpy": np.__version__, "device": name}
