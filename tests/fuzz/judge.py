"""One input: made from its number alone, given to a door or a command, and judged by what came of it."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from fos_ref import cli
from fos_ref.errors import BitMismatch, FosError
from tests.fuzz.corpus import Sample
from tests.fuzz.mutate import MUTATORS
from tests.fuzz.target import Door, Target
from tests.fuzz.targets import COMMAND_SHARE, OUTPUTS

GOOD = ("result", "refused", "exit 0", "exit 1", "exit 2")
SUCCEEDED = ("result", "exit 0", "exit 1")  #: what was asked for may be written
BAD = ("traceback", "bad line", "debris", "hang", "died")
CLASSES = (*GOOD, *BAD)
MOST_LINE = 1000


@dataclass(frozen=True)
class Input:
    """One input: the files of its folder, which of them was changed, and who reads them."""

    files: Mapping[str, bytes]
    changed: str
    sample: Sample
    reader: Door | str  #: a door, or the words of `fos`


@dataclass(frozen=True)
class Outcome:
    """What came of an input: one of CLASSES and, where that is a bad one, where and what."""

    kind: str
    where: str = ""
    detail: str = ""


@cache
def samples(target: Target) -> tuple[Sample, ...]:
    """Return the valid files of a target, made once."""
    return tuple(target.samples())


def made(name: str, target: Target, seed: int, index: int) -> Input:
    """Return an input by its number: the same for the same seed, whatever ran before."""
    rng = Random(f"{seed}/{name}/{index}")  # noqa: S311 -- it has to be repeatable
    sample = rng.choice(samples(target))
    changed = rng.choice(sorted(sample.kinds))
    data = MUTATORS[sample.kinds[changed]](rng, sample.files[changed])
    by_command = target.commands and rng.randrange(COMMAND_SHARE) == 0
    reader = rng.choice(target.commands if by_command else target.doors)
    return Input(finished(sample, changed, data), changed, sample, reader)


def finished(sample: Sample, changed: str, data: bytes) -> Mapping[str, bytes]:
    """Return the files of a sample with other bytes in one of them."""
    return sample.finish({**sample.files, changed: data})


def judged(given: Input, folder: Path) -> Outcome:
    """Write an input's files into the empty `folder`, let them be read, empty it again, and say what came."""
    for name, data in given.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    try:
        found = (
            _command(given.reader, folder) if isinstance(given.reader, str) else _door(given.reader, folder)
        )
        left = sorted(set(_names(folder)) - set(given.files))
        asked = [n for n in left if n.split("/")[0] in OUTPUTS] if found.kind in SUCCEEDED else []
        if len(asked) < len(left) and found.kind in GOOD:
            return Outcome("debris", _reader(given), ", ".join(left)[:200])
        return found
    finally:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _names(folder: Path) -> Iterator[str]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, f).relative_to(folder).as_posix() for f in files)


def _reader(given: Input) -> str:
    return given.reader.split(" --")[0] if isinstance(given.reader, str) else given.reader.__name__


def _door(door: Door, folder: Path) -> Outcome:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            door(folder)
    except (FosError, OSError) as e:
        text = str(e) if isinstance(e, FosError) else f"{e.strerror}"
        wrong = _wrong_line(text, many=isinstance(e, BitMismatch))
        return Outcome("bad line", _last(e), wrong) if wrong else Outcome("refused")
    except Exception as e:  # noqa: BLE001 -- whatever it is, it is what is looked for
        return Outcome("traceback", _last(e), f"{type(e).__name__}: {e}"[:300])
    return Outcome("result")


def _command(words: str, folder: Path) -> Outcome:
    out, err = io.StringIO(), io.StringIO()
    arguments = [w.format(folder) for w in words.split(" ")]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("error")
            code = cli.run(arguments)
    except BaseException as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return Outcome("traceback", _last(e), f"{type(e).__name__}: {e}"[:300])
    wrong = _wrong_exit(code, out.getvalue(), err.getvalue())
    return Outcome("bad line", " ".join(arguments[:2]), wrong) if wrong else Outcome(f"exit {code}")


def _wrong_exit(code: int, out: str, err: str) -> str:
    """Return what is wrong with a command's code and lines; empty: nothing."""
    if code not in (0, 1, 2):
        return f"exit {code}"
    if code == 2:
        if out:
            return f"output before the error: {out[:200]!r}"
        if not err.startswith("fos: ") or err.count("\n") != 1 or not err.endswith("\n"):
            return f"not one line: {err[:300]!r}"
        return _wrong_line(err[:-1])
    return _wrong_line(err.rstrip("\n"), many=True) or _wrong_line(out.rstrip("\n"), many=True, most=1 << 20)


def _wrong_line(text: str, *, many: bool = False, most: int = MOST_LINE) -> str:
    """Return what is wrong with a line, or with lines; empty: nothing."""
    for line in text.split("\n") if many else [text]:
        if not line.isprintable():
            return f"not printable: {line[:300]!r}"
        if len(line) >= most:
            return f"{len(line)} characters: {line[:200]!r}"
    return ""


def _last(e: BaseException) -> str:
    """Return where an exception was raised, in our code where it passed it: file and function."""
    frames = traceback.extract_tb(e.__traceback__)
    ours = [f for f in frames if "/fos_ref/" in f.filename or "/fos_gpu/" in f.filename] or list(frames)
    if not ours:
        return type(e).__name__
    place = ours[-1].filename.rpartition("/fos_")[2]
    return f"{type(e).__name__} in fos_{place}:{ours[-1].name}"
