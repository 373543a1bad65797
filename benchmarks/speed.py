"""Ours, the peers and a copy in turn on the same tensor: medians, ratios, shares of the copy's bandwidth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.clock import alternate, ratios, Rounds, significant, Spread, Subject
from benchmarks.peers import Prepared, prepared
from benchmarks.subjects import Case, Copy, DTYPES, GIVEN, INCLUDED, our_bits, ours, RECIPES, tensor
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import BLOCK

DIGITS = 4
COPY = "copy"
_GIGA, _MEGA, _MILLI = 1e9, 1e6, 1e3
Times = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Table:
    """The times of one tensor."""

    x: AnyArray
    times: Times
    threads: int

    def copy_rates(self) -> list[float]:
        """Return the copy's bytes a second, read and written bytes counted, round by round."""
        return [2 * self.x.nbytes / t for t in self.times[COPY]]

    def case(self, case: Case) -> dict[str, Any]:
        """Return the row of one case."""
        times, rates = self.times[case.name], self.copy_rates()
        shares = {
            f"share_of_copy_{reading}": Spread.of(
                [
                    case.bytes_per_value(passes=passes) * self.x.size / t / rate
                    for t, rate in zip(times, rates, strict=True)
                ]
            ).document(DIGITS)
            for reading, passes in (("compulsory", 1), ("as_read", case.passes))
        }
        return {
            "recipe": case.recipe,
            "dtype": case.dtype,
            "amax": case.amax,
            **self._times(times),
            "bytes_per_value_compulsory": case.bytes_per_value(passes=1),
            "bytes_per_value_as_read": case.bytes_per_value(passes=case.passes),
            **shares,
        }

    def peer(self, peer: Prepared, dtype: str) -> dict[str, Any]:
        """Return the row of one peer, with our time for the preset that has its bits."""
        beside = Case(peer.recipe, dtype, INCLUDED)
        codes, scales = peer.bits(peer.run())
        mine = our_bits(self.x, peer.recipe)
        differing = sum(int(np.count_nonzero(a != b)) for a, b in zip((codes, scales), mine, strict=True))
        return {
            "peer": peer.name,
            "version": peer.version,
            "dtype": dtype,
            "beside": peer.recipe,
            **self._times(self.times[peer.name]),
            "times_as_long_as_ours": ratios(self.times[peer.name], self.times[beside.name]).document(DIGITS),
            "blocks_compared": self.x.size // BLOCK,
            "differing_bytes": differing,
        }

    def copied(self, dtype: str) -> dict[str, Any]:
        """Return the row of the copy."""
        rates = Spread.of([rate / _GIGA for rate in self.copy_rates()]).document(DIGITS)
        return {"dtype": dtype, "threads": self.threads, "gigabytes_per_second": rates}

    def _times(self, times: Sequence[float]) -> dict[str, Any]:
        spread = Spread.of([t * _MILLI for t in times])
        rate = self.x.size / spread.median * _MILLI / _MEGA
        return {
            "milliseconds": spread.document(DIGITS),
            "million_values_per_second": significant(rate, DIGITS),
        }


def measure(shape: tuple[int, int], rounds: Rounds, threads: int) -> dict[str, Any]:
    """Return the rows of every case, peer and copy, a tensor of each dtype."""
    found: dict[str, Any] = {"shape": list(shape), "rounds": rounds.count, "threads": threads}
    found |= {"ours": [], "peers": [], "copy": [], "not_run": {}}
    for dtype in DTYPES:
        x = tensor(shape, dtype)
        cases = [Case(recipe, dtype, amax) for recipe in RECIPES for amax in (INCLUDED, GIVEN)]
        peers, missing = prepared(x, threads)
        subjects = [Subject(c.name, ours(x, c)) for c in cases] + [Subject(p.name, p.run) for p in peers]
        subjects.append(Subject(COPY, Copy(x, threads)))
        table = Table(x, alternate(subjects, rounds), threads)
        found["ours"] += [table.case(c) for c in cases]
        found["peers"] += [table.peer(p, dtype) for p in peers]
        found["copy"].append(table.copied(dtype))
        found["not_run"] |= missing
    return found
