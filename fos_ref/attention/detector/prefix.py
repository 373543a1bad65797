"""The second mode, for functions that take another path for another length: all tokens beside the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.arguments import wholes
from fos_ref.attention.detector.subject import determined, moved, rows, Subject, subject
from fos_ref.errors import FosError, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixReport:
    """What `prefixes` found. It is true if every prefix gives the rows of the whole."""

    equal: bool
    rows: Mapping[int, tuple[int, ...]]  #: length t -> the rows of out(T)[:t] that differ from out(t)
    refused: Mapping[int, str]  #: length -> what the function said

    def __bool__(self) -> bool:
        """Return `equal`."""
        return self.equal

    def __str__(self) -> str:
        refused = f"; {len(self.refused)} lengths refused" if self.refused else ""
        if self.equal:
            return f"{len(self.rows)} prefixes give the rows of the whole{refused}"
        apart = {t: r for t, r in self.rows.items() if r}
        t = min(apart)
        total = sum(len(r) for r in apart.values())
        return (
            f"{len(apart)} of {len(self.rows)} prefixes give other rows ({total} rows; of {t} tokens: "
            f"row {apart[t][0]}){refused}; a path for another length does so too: `leaks` decides"
        )


def prefixes(
    f: Callable[..., Any], q: Any, k: Any = None, v: Any = None, *, lengths: Iterable[int] | None = None
) -> PrefixReport:
    """Return which rows of f's output for all tokens differ from its output for the first tokens alone.

    lengths:  how many first tokens; None: every length below T
    Shapes, dtypes: as `leaks`
    Meaning:  rows that are equal in bits for every length: what was computed for all tokens at once
              (prefill, training) is what is computed token by token. Rows that differ are no proof of a
              leak: a program may take another tile or another order of sums for another length. `leaks`,
              whose shapes never change, decides.
    Raises:   as `leaks`; InputError where f takes none of the lengths.
    """
    s = subject(f, q, k, v)
    asked = range(1, s.length) if lengths is None else wholes(lengths, "length", 1, s.length)
    whole_rows = rows(determined(s))
    found: dict[int, tuple[int, ...]] = {}
    refused: dict[int, str] = {}
    for t in asked:
        try:
            part = rows(_cut(s, t).call())
        except FosError as e:
            refused[t] = str(e)
            continue
        found[t] = tuple(int(i) for i in np.flatnonzero(moved(whole_rows[:t], part)))
    if not found:
        said = next(iter(refused.values()), "no length was given")
        msg = f"f takes no prefix: {said}"
        raise InputError(msg)
    return PrefixReport(
        equal=not any(found.values()), rows=MappingProxyType(found), refused=MappingProxyType(refused)
    )


def _cut(s: Subject, t: int) -> Subject:
    return Subject(s.f, {name: x[..., :t, :] for name, x in s.given.items()})
