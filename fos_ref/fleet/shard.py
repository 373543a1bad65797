"""One shard made: tensor after tensor in the order of its bytes, each matrix read once where it fits.

The bytes are those of `fos quantize`: the same steps (fos_ref/engines/conversion), the amax of a matrix taken
just before its codes. The header has every amax. It goes out first with zeros in their place, and is written
again at the end: the amax of a matrix takes eight hex digits, whatever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fos_ref.engines.conversion.amaxes import Amaxes, of_unit
from fos_ref.engines.conversion.outcome import Outcome
from fos_ref.engines.conversion.plan import Plan
from fos_ref.engines.conversion.reading import Reading
from fos_ref.engines.conversion.target import metadata
from fos_ref.engines.conversion.units import Unit, Weight
from fos_ref.engines.conversion.writing import Shard, Writing
from fos_ref.engines.registry import Engine
from fos_ref.fleet.plan import Fleet
from fos_ref.fleet.window import Window
from fos_ref.storage.fused import fused_groups
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of a shard."""

    outcomes: tuple[Outcome, ...]
    tensors: tuple[TensorInfo, ...]  #: of the output
    amaxes: Mapping[str, np.float32]  #: by matrix: what its tensor scale was made from


@dataclass(slots=True, kw_only=True)
class Making:
    """A shard that is being made.

    sibling: opens another shard by its name, for the amax of fused weights that lie there
    """

    fleet: Fleet
    siblings: Mapping[str, str]
    window: Window
    engine: Engine
    threads: int
    sibling: Callable[[str], Window]

    def write(self, path: Path, last: Callable[[], None]) -> Made:
        """Write the output of the shard; `last` is called before it appears, and may raise.

        Raises: OSError, CheckpointError, InputError.
        """
        asked = self.fleet.asked()
        plan = Plan.chosen(self.window.tensors, asked, self.fleet.settings["experts"])
        units, own, used = plan.units, dict[str, np.float32](), dict[str, np.float32]()
        shared = self._shared(plan) if asked.share == "fused" else {}
        used |= dict.fromkeys((u.name for u in units), np.float32(0))

        def before(unit: Unit) -> None:
            self.window.take(unit.weight.info.name, *_bytes(unit))
            own[unit.name] = of_unit(unit, reading, asked)
            used[unit.name] = shared.get(unit.name, own[unit.name])

        reading = self._reading(self.window)
        writing = Writing(
            plan=plan, amaxes=Amaxes(own=own, used=used, apart=0), reading=reading, before=before
        )
        whole = self._part(plan, tuple(plan.tensors))
        infos, settings = whole.infos(asked), self.fleet.settings["quantization_config"]
        with SafetensorsWriter(
            path, infos, metadata(whole, writing.amaxes, asked, settings), overwrite=True
        ) as w:
            found = [o for n in plan.tensors for o in writing.shard(self._part(plan, (n,)), w)]
            w.describe(metadata(whole, writing.amaxes, asked, settings))
            last()
        return Made(outcomes=tuple(found), tensors=tuple(infos), amaxes=used)

    def _part(self, plan: Plan, names: tuple[str, ...]) -> Shard:
        """Return some tensors as a part of the output."""
        return Shard(
            file=self.window,
            copied=tuple(plan.tensors[n] for n in names if plan.left[n]),
            weights=tuple(plan.weights[n] for n in names if not plan.left[n]),
        )

    def _reading(self, window: Window) -> Reading:
        return Reading(shards=window, engine=self.engine, total=0, progress=None, threads=self.threads)

    def _shared(self, plan: Plan) -> dict[str, np.float32]:
        """Return the amax that fused weights share; the members that lie in other shards are read there."""
        amaxes: dict[str, np.float32] = {}
        windows = {shard: self.sibling(shard) for shard in sorted(set(self.siblings.values()))}
        weights = {n: (w, self.window) for n, w in plan.weights.items()}
        for name, shard in self.siblings.items():
            other = Plan.chosen(
                {name: windows[shard].tensors[name]}, plan.asked, self.fleet.settings["experts"]
            )
            weights |= {n: (w, windows[shard]) for n, w in other.weights.items()}
        names = [u.name for w, _ in weights.values() for u in w.units()]
        members = {n for group in fused_groups(names) for n in group}
        for unit, window in ((u, at) for w, at in weights.values() for u in w.units()):
            if unit.name in members:
                amaxes[unit.name] = of_unit(unit, self._reading(window), plan.asked)
        largest: dict[str, np.float32] = {}
        for group in fused_groups(amaxes):
            largest |= dict.fromkeys(group, np.float32(max(amaxes[n] for n in group)))
        return largest


def _bytes(unit: Unit) -> tuple[int, int]:
    """Return where the bytes of a matrix begin and end in its tensor."""
    w: Weight = unit.weight
    size = w.held[0] * w.held[1] * NUMPY_DTYPES[w.info.dtype].itemsize
    return unit.index * size, (unit.index + 1) * size
