"""The walk over a file with its original: a first look, every weight once, and again where it differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fos_ref.inspect.compare import Pair
from fos_ref.inspect.contenders import contenders
from fos_ref.inspect.explain import better, foreign_scale, no_reading
from fos_ref.inspect.findings import Facts, Finding
from fos_ref.inspect.originals import Originals
from fos_ref.inspect.problems import Kind
from fos_ref.inspect.reading import CLOSE, percent, Reading, reading_findings, Sample, usable, usual_nibbles
from fos_ref.inspect.scales import Amaxes, WeightScales
from fos_ref.inspect.search import LOOKS, Search
from fos_ref.inspect.source import Source
from fos_ref.inspect.weight import Compared, WeightFound
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.held import BlockFormat, Held, ScaleLayout
from fos_ref.storage.held_bytes import Packed, tensor_scale_of
from fos_ref.storage.parts import Part
from fos_ref.storage.shards import Shards

_MORE = 0.1  #: share of blocks that another explanation has to add
_TRIED_WHOLE = 8  #: weights of each family on which every reading is tried, and not the usual one only
Said = tuple[Kind, str, str]


@dataclass(slots=True)
class Walk:
    """One comparison under way: the weights of one format."""

    file: Shards
    original: Shards
    weights: Sequence[Held]
    renames: Sequence[tuple[str, str]]
    fraction: float
    manifest: Recipe | None
    advance: Callable[[int], None]
    sources: dict[str, Source] = field(default_factory=dict)
    others: dict[str, list[Source]] = field(default_factory=dict)  #: where else the original may lie
    current: str = ""  #: the weight whose original may stay in memory
    not_compared: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    searches: dict[BlockFormat, Search] = field(default_factory=dict)
    amaxes: Amaxes | None = None
    usual: dict[str, tuple[Reading, int]] = field(
        default_factory=dict
    )  #: by family: what its weights had, how often

    def start(self) -> None:
        """Find the originals; look at some weights under every preset."""
        originals = Originals.of(self.original, self.renames, self.file)
        for held in self.weights:
            found = originals.find(held)
            if isinstance(found, str):
                self.not_compared[held.name] = found
            else:
                self.sources[held.name], *others = found
                if others:
                    self.others[held.name] = others
        self.amaxes = Amaxes(self._amax, tuple(self.sources))
        for kind in BlockFormat:
            some = [h for h in self.weights if h.name in self.sources and h.format is kind]
            if some:
                self._look(kind, some)

    def _amax(self, name: str) -> np.float32:
        source = self.sources[name]
        amax = source.amax()
        if name != self.current:
            source.forget()
        return amax

    def _look(self, kind: BlockFormat, some: Sequence[Held]) -> None:
        """Keep the presets that do best on a few rows of weights from all over the file."""
        names = {h.family.name for h in some}
        made = contenders(kind, names.pop() if len(names) == 1 else "", self.manifest)
        search = Search(made, int(sum(h.blocks * h.block for h in some) * self.fraction))
        self.searches[kind] = search
        equal, sizes = [], []
        for at in np.unique(np.linspace(0, len(some) - 1, min(LOOKS, len(some))).astype(int)).tolist():
            pair, _ = self._pair(some[at])
            if pair is None:
                continue
            stored, blocks = pair.look(search, made, own=False)
            if max(stored) < blocks:
                own, _ = pair.look(search, made, own=True)
                stored = [max(a, b) for a, b in zip(stored, own, strict=True)]
            equal.append(stored)
            sizes.append(blocks)
            pair.source.forget()
        search.look(equal, sizes)

    def pair(self, held: Held) -> Pair | None:
        """Return a weight and its original, read once more."""
        return self._pair(held)[0]

    def _pair(self, held: Held) -> tuple[Pair | None, Sample | None]:
        """Return a weight and its original, read as it seems best; None where the original is no number."""
        self.current, source = held.name, self.sources[held.name]
        assert self.amaxes is not None
        if not np.isfinite(self.amaxes[held.name]):
            why = "the original has a NaN or an infinity"
            self.not_compared[held.name] = why
            return None, None
        stored = tensor_scale_of(self.file, held)
        packed = Packed.of(self.file, held)
        sample, reading = self._reading(packed, stored, source)
        if sample.misfit(reading) is not None and sample.misfits[reading].at_best >= CLOSE:
            for other in self.others.get(held.name, ()):
                tried = self._reading(packed, stored, other)
                if tried[0].best() is not None:
                    source, (sample, reading) = other, tried
                    self.sources[held.name] = other
                    break
        known = WeightScales(held.name, stored, reading.form or held.family.form, source.dtype, self.amaxes)
        return Pair(packed, source, known, reading), sample

    def _reading(self, packed: Packed, stored: np.float32 | None, source: Source) -> tuple[Sample, Reading]:
        """Return the sample and the reading: the usual one where it fits, else the best of all."""
        held, sample = packed.held, Sample.of(packed, stored, source)
        usual, times = self.usual.get(held.family.name, (None, 0))
        if usual is not None and times >= _TRIED_WHOLE and usual.layout in held.layouts:
            reading = replace(usual, form=usual.form if stored is not None else None)
            if stored is not None and reading.form is None:
                reading = replace(reading, form=held.family.form)
            misfit = sample.misfit(reading)
            if misfit is not None and misfit.at_best < CLOSE:
                return sample, reading
        sample.explore()
        found = sample.best()
        if found is None and sample.misfits:
            sample.explore(short=True)
            found = sample.best()
        if found is not None:
            self.usual[held.family.name] = (found, times + 1 if found == usual else 1)
        return sample, found or self._named(held, stored)

    @staticmethod
    def _named(held: Held, stored: np.float32 | None) -> Reading:
        """Return the reading that names and shapes suggest."""
        form = None if stored is None else held.family.form
        return Reading(held.layout or ScaleLayout.LINEAR, usual_nibbles(held), form)

    def weight(self, held: Held) -> WeightFound | None:
        """Return a weight counted and compared; None where it has no original that can be compared."""
        if held.name not in self.sources or held.name in self.not_compared:
            return None
        pair, sample = self._pair(held)
        if pair is None or sample is None:
            return None
        search = self.searches[held.format]
        found = self._found(pair, sample, pair.compare(search, self.fraction))
        if found.equal < found.blocks or not usable(pair.known.stored):
            found = self._explained(pair, sample, found)
        if found.compared is not None:
            search.drop_the_beaten(found.compared.equal, found.blocks)
        pair.source.forget()
        self.advance(held.code_bytes)
        return found

    def _found(self, pair: Pair, sample: Sample, compared: Compared) -> WeightFound:
        held, best = pair.held, compared.best[1]
        misfit = sample.misfits.get(pair.reading)
        stored = pair.known.stored
        compared.error = misfit.as_stored if misfit is not None and usable(stored) else None
        whole = compared.blocks > 0 and best == compared.blocks and not compared.own_amax
        return WeightFound(
            held=held,
            stored=stored,
            reading=pair.reading,
            reads=misfit is None or misfit.as_stored < CLOSE,
            read=_read(sample, pair.reading, compared.blocks if whole else 0),
            facts=Facts.of(pair.count(), held.format),
            compared=compared,
            blocks=compared.blocks,
            equal=best,
        )

    def _explained(self, pair: Pair, sample: Sample, before: WeightFound) -> WeightFound:
        """Return the weight under what explains more of it, and say what is wrong."""
        found, name, search = before, pair.held.name, self.searches[pair.held.format]
        best = better(pair, sample, search, pair.reading)
        if best is not None and (best.contender.dropped or best.own_amax or best.reading != pair.reading):
            best.contender.dropped = False  # from here on it takes part
            tried = replace(pair, reading=best.reading)
            compared = tried.compare(search, self.fraction, own=best.own_amax)
            if compared.best[1] > before.equal + _MORE * before.blocks or compared.best[1] == compared.blocks:
                found = self._found(tried, sample, compared)
        off = no_reading(sample.misfits.get(found.reading), pair.known.stored)
        missing = found.compared is not None and found.compared.own_amax and pair.known.stored is None
        if off is not None and usable(pair.known.stored) and not missing:
            self.said.append((Kind.NO_READING, name, off))
        if found.compared is not None and found.compared.own_amax:
            self._say_scale(pair, found, found.compared)
        return found

    def _say_scale(self, pair: Pair, found: WeightFound, compared: Compared) -> None:
        """Say what the stored tensor scale is, whose own amax explains the bytes better."""
        first = compared.best[0]
        assert first is not None
        r = self.searches[pair.held.format].contenders[first].recipe
        called = pair.held.family.named(pair.held.parameter, Part.TENSOR_SCALE) or "tensor scale"
        what = foreign_scale(pair.known, r, (found.equal, found.blocks), called.rpartition(".")[2])
        missing = pair.known.stored is None
        if missing and pair.held.family.name == "gguf":
            what += "; llama.cpp reads a missing one as 1"
        if missing or usable(pair.known.stored):
            self.said.append((Kind.MISSING_PART if missing else Kind.TENSOR_SCALE, pair.held.name, what))


def _read(sample: Sample, reading: Reading, exact: int) -> dict[str, Finding]:
    """Return what is known of the reading: by its error, or by bytes that are equal under it."""
    if reading not in sample.misfits:
        seen = "the sample of the original holds zeros only; the names say so"
        return {
            "tensor_scale": Finding(None, seen),
            "nibble_order": Finding(None, seen),
            "scale_layout": Finding(None, seen),
        }
    found = reading_findings(sample, reading)
    if not exact:
        return found
    off = percent(sample.misfits[reading].as_stored)
    seen = f"read so, {exact:,} of {exact:,} blocks are equal, and the weight is {off} off"
    values = {"nibble_order": reading.nibbles.value, "scale_layout": reading.layout.value}
    for key, value in values.items():
        if found[key].value is None:
            found[key] = Finding(value, seen)
    return found
