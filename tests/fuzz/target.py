"""What a target is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.corpus import Sample

#: Reads the files of a folder in this process. What it returns is nobody's business.
Door = Callable[[Path], object]


@dataclass(frozen=True)
class Target:
    """One form of file: samples, the doors behind which it is read, the words of `fos` that read it."""

    samples: Callable[[], Iterable[Sample]]
    doors: tuple[Door, ...]
    commands: tuple[str, ...] = ()  #: {0} is the folder; split at blanks
