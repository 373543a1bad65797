"""Parts of a proof that are run apart, each with a file of its own, and their file as a whole."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from fos_ref.errors import InputError
from fos_ref.foreign import shown
from fos_ref.proof.known import file_name, read_known

_SECONDS = "seconds"
_DIGITS = 6  #: of a number that is too large for anything here
T = TypeVar("T")


class Share(NamedTuple):
    """The i-th of n parts of a proof's work, i from 1: every n-th piece; the n parts are the whole."""

    i: int
    n: int

    def of(self, pieces: Sequence[T]) -> tuple[T, ...]:
        """Return this part of the pieces."""
        return tuple(pieces[self.i - 1 :: self.n])


WHOLE = Share(1, 1)


def share(text: str) -> Share:
    """Return what "I/N" says; for `type=` of an argument."""
    numbers = [int(p) for p in text.split("/") if p.isascii() and p.isdigit() and len(p) < _DIGITS]
    if text.count("/") == 1 and len(numbers) == 2 and 1 <= numbers[0] <= numbers[1]:  # noqa: PLR2004 -- I, N
        return Share(*numbers)
    msg = f"{shown(text)}: I/N is allowed, whole numbers with 1 <= I <= N"
    raise argparse.ArgumentTypeError(msg)


def shared(made: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the argument of a proof that can be run in parts."""
    made.add_argument(
        "--share",
        type=share,
        default=WHOLE,
        metavar="I/N",
        help="every N-th piece of the work, from the I-th",
    )
    return made


def part_name(proof: str, share: Share) -> str:
    """Return the name of the file of one part."""
    return file_name(f"{proof}-{share.i}-of-{share.n}")


def join(folder: Path, proof: str) -> dict[str, Any]:
    """Return the finding of a proof from those of all its parts in a folder; no part is run.

    Raises: InputError where parts are missing, are of different cuts, or ran on different machines.
    """
    found = _parts(folder, proof)
    whole = read_known(found[0])
    for path in found[1:]:
        part = read_known(path)
        whole |= {k: _merged(whole[k], part[k], f"{path}: {k}") for k in ("figures", "not_run")}
        whole |= {k: whole[k] + part[k] for k in ("compared", "unexplained")}
        whole["ran_on"] = _one_machine(whole["ran_on"], part["ran_on"], path)
    return whole


def _parts(folder: Path, proof: str) -> list[Path]:
    """Return the files of all parts, in order."""
    name = re.compile(re.escape(f"proof-{proof}-") + r"(\d{1,5})-of-(\d{1,5})\.json")
    cut = sorted((int(m[2]), int(m[1]), p) for p in folder.iterdir() if (m := name.fullmatch(p.name)))
    counts = {n for n, _, _ in cut}
    if len(counts) != 1:
        msg = f"{folder}: parts of {len(counts)} cuts of proof {proof}: one is allowed"
        raise InputError(msg)
    (n,) = counts
    missing = sorted(set(range(1, n + 1)) - {i for _, i, _ in cut})
    if missing or len(cut) != n:
        first = missing[0] if missing else n
        msg = f"{folder}: part {first} of {n} of proof {proof} is missing: all are needed"
        raise InputError(msg)
    return [p for _, _, p in cut]


def _merged(a: Any, b: Any, where: str) -> Any:
    """Return two figures as one: mappings by key, numbers added; anything else has to be equal."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {
            k: _merged(a[k], b[k], where) if k in a and k in b else a.get(k, b.get(k)) for k in {**a, **b}
        }
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    if a != b:
        msg = f"{where}: {shown(b)} beside {shown(a)}: equal ones are allowed"
        raise InputError(msg)
    return a


def _one_machine(a: dict[str, Any], b: dict[str, Any], path: Path) -> dict[str, Any]:
    apart = sorted(k for k in a.keys() | b.keys() if k != _SECONDS and a.get(k) != b.get(k))
    if apart:
        own, other = (shown(v.get(apart[0])) for v in (b, a))
        msg = f"{path}: {apart[0]} is {own}, elsewhere {other}: one machine is allowed"
        raise InputError(msg)
    return a | {_SECONDS: round(a.get(_SECONDS, 0) + b.get(_SECONDS, 0), 1)}
