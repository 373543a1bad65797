"""Renames of which all happen, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from fos_ref.publish.targets import exists

#: What a file system says that has no hard links.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


class Move(NamedTuple):
    """A file, or a folder with all its files, that takes its name."""

    source: Path
    target: Path
    shown: Path  #: what an error calls the target


@contextlib.contextmanager
def naming(shown: Path) -> Iterator[None]:
    """Let an OSError of a hidden file name the target."""
    try:
        yield
    except OSError as e:
        raise OSError(e.errno, e.strerror, str(shown)) from e


def keep(moves: Sequence[Move], folder: Path) -> dict[Path, Path]:
    """Keep in `folder` the files that stand at the targets; return target -> where it is kept."""
    kept: dict[Path, Path] = {}
    for number, m in enumerate(moves):
        if os.path.lexists(m.target) and not m.source.is_dir():
            kept[m.target] = folder / str(number)
            with naming(m.shown):
                _twin(m.target, kept[m.target])
    return kept


def move_all(moves: Sequence[Move], kept: Mapping[Path, Path], *, overwrite: bool) -> None:
    """Rename everything; after an error take back what was renamed and raise it."""
    done: list[Move] = []
    try:
        for m in moves:
            with naming(m.shown):
                _move(m, overwrite=overwrite)
            done.append(m)
    except BaseException:
        for m in reversed(done):
            with contextlib.suppress(OSError):  # the first error is the one to be told
                _take_back(m, kept.get(m.target))
        raise


def _take_back(m: Move, old: Path | None) -> None:
    if old is None:
        m.target.replace(m.source)
    else:
        old.replace(m.target)


def _move(m: Move, *, overwrite: bool) -> None:
    if overwrite or m.source.is_dir():
        m.source.replace(m.target)
        return
    try:
        os.link(m.source, m.target)  # unlike a rename it never replaces what has just appeared
    except FileExistsError as e:
        raise exists(m.shown) from e
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        m.source.replace(m.target)
    else:
        m.source.unlink()


def _twin(path: Path, other: Path) -> None:
    """Give a file a second name; a copy where the file system has no such thing."""
    try:
        os.link(path, other, follow_symlinks=False)
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        shutil.copy2(path, other, follow_symlinks=False)
