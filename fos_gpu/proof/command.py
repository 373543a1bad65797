"""What the proof commands share: their arguments, the bar of progress, the finding on disk and beside one."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from fos_gpu.proof.shares import join, part_name, WHOLE
from fos_ref.errors import InputError
from fos_ref.errors.guard import guarded
from fos_ref.errors.text import printable
from fos_ref.foreign import shown
from fos_ref.proof.known import file_name, read_known
from fos_ref.proof.result import document, Proof
from fos_ref.publish.publication import check_targets, write_all
from fos_ref.publish.targets import Targets

_DIGITS = 6  #: of a number that is too large for anything here


def run(proof: Proof, argv: Sequence[str] | None, more: dict[str, Any] | None = None) -> int:
    """Run a proof from the command line; return 0 if it holds, 1 if not, 2 if it cannot run here.

    more: facts of the machine beyond those of every proof, written under `ran_on`.
    """
    return execute(proof, parser(proof).parse_args(argv), more)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of the package: one line."""

    def error(self, message: str) -> NoReturn:
        """Raise InputError instead of printing the usage."""
        msg = f"{message}; see --help"
        raise InputError(msg)


def whole(text: str) -> int:
    """Return a whole number of 0 and above, in decimal digits; for `type=` of an argument."""
    if text.isascii() and text.isdigit() and len(text) < _DIGITS:
        return int(text)
    msg = f"{shown(text)}: a whole number of 0 and above is allowed"
    raise argparse.ArgumentTypeError(msg)


def parser(proof: Proof) -> argparse.ArgumentParser:
    """Return the arguments that every proof takes."""
    made = Parser(description=proof.claim)
    made.add_argument("--out", type=Path, metavar="DIR", help=f"write DIR/{file_name(proof.name)}")
    same = f"fail unless DIR/{file_name(proof.name)} has the same figures"
    made.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help=same,
    )
    made.add_argument("--jobs", type=whole, default=0, help="worker processes; 0: one per core")
    return made


@guarded
def execute(proof: Proof, given: argparse.Namespace, more: dict[str, Any] | None = None) -> int:
    """Run a proof with parsed arguments; return 0 if it holds, 1 if not, 2 if it cannot run here."""
    part, folder = getattr(given, "share", WHOLE), getattr(given, "join", None)
    if part != WHOLE and (given.against or folder or (given.out and not hasattr(given, "join"))):
        msg = "--share with --against or --out: files are of whole proofs; leave one out"
        raise InputError(msg)
    name = file_name(proof.name) if part == WHOLE else part_name(proof.name, part)
    path = None if given.against is None else given.against / file_name(proof.name)
    known = None if path is None else read_known(path)
    if given.out is not None:
        check_targets(Targets(given.out, [name]))
    start = time.perf_counter()
    if folder is not None:
        data = join(folder, proof.name)
    else:
        found = proof.run(_progress, given.jobs or os.cpu_count() or 1)
        data = document(proof, found, time.perf_counter() - start)
        data["ran_on"] |= more or {}
    problems = [f"{data['unexplained']:,} differ"] if data["unexplained"] else []
    if known is not None:
        problems += other_figures(data, known, path)
    _show(data, problems)
    if given.out is not None and (part != WHOLE or not data["unexplained"]):
        text = json.dumps(data, indent=1) + "\n"
        write_all(Targets(given.out, [name]), {name: text.encode()})
    return 1 if problems else 0


def _show(data: dict[str, Any], problems: list[str]) -> None:
    verdict = "FAILED" if problems else "holds"
    lines = [f"{data['name']}: {verdict}. {data['claim']}"]
    seconds = data["ran_on"]["seconds"]
    lines.append(f"  {data['compared']:,} compared, {data['unexplained']:,} differ, {seconds} s")
    lines += [f"  not run: {part}: {why}" for part, why in data["not_run"].items()]
    lines += [f"  {problem}" for problem in problems]
    sys.stdout.write("\n".join(map(printable, lines)) + "\n")


def other_figures(data: dict[str, Any], known: dict[str, Any], path: Path | None) -> list[str]:
    """Return what differs from a committed finding; what was not run here or there is not held against it."""
    mine, theirs = json.loads(json.dumps(data["figures"])), dict(known["figures"])
    if data["not_run"] == known["not_run"]:
        mine["compared"], theirs["compared"] = data["compared"], known.get("compared")
    return [
        f"{k} is {mine.get(k)!r} here and {theirs.get(k)!r} in {path}"
        for k in sorted(mine.keys() | theirs.keys())
        if k not in data["not_run"] and k not in known["not_run"] and mine.get(k) != theirs.get(k)
    ]


def _progress(done: int, tasks: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done}/{tasks} ")
