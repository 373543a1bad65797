"""Where an output goes and what stands in its way: asked before the work, and again before renaming."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, KW_ONLY
from pathlib import Path

from fos_ref.errors import InputError, Remedy


@dataclass(frozen=True, slots=True)
class Targets:
    """Files in one folder.

    folder:    as it was given; `root` is the same without links
    names:     of the files, with slashes for folders inside
    inputs:    what is read meanwhile: no output may take its place
    overwrite: whether files that exist are replaced
    parents:   whether the folder is made, with those above it, if it is missing
    whole:     whether the folder itself is the output: it has to be new or empty
    """

    folder: Path
    names: Sequence[str]
    _: KW_ONLY
    inputs: Sequence[Path] = ()
    overwrite: bool = True
    parents: bool = True
    whole: bool = False
    root: Path = field(init=False)
    _read: Mapping[Path, Path] = field(init=False)  #: an input as it was given -> the same without links

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", _real(self.folder))
        object.__setattr__(self, "_read", {i: _real(i) for i in self.inputs})

    def shown(self, name: str) -> Path:
        """Return a target as the caller would write it."""
        return self.folder / name

    def base(self) -> Path:
        """Return the folder that is there: the root, or the nearest above it that is.

        Raises: OSError where it is no folder, or is missing and not to be made.
        """
        path = self.root.parent if self.whole else self.root
        while self.parents and not os.path.lexists(path) and path != path.parent:
            path = path.parent
        if not path.is_dir():
            code = errno.ENOTDIR if os.path.lexists(path) else errno.ENOENT
            raise OSError(code, os.strerror(code), str(self.folder if path == self.root else path))
        return path

    def check(self) -> None:
        """Raise unless every file can take its name.

        Raises: InputError for an input, for anything that is no regular file, and for what exists and is not
        to be replaced; OSError for a name that is too long, and for a folder that is missing or read-only.
        """
        base = self.base()
        self._check_lengths(base)
        if self.whole:
            self._check_whole()
        inputs = list(_stats(self._read.values()))
        for name in self.names:
            self._check_file(name, inputs)
        folders = {(self.root / name).parent for name in self.names} - {base}
        for folder in sorted(f for f in folders if f.is_dir()):
            if code := _unwritable(folder, base):
                raise OSError(code, os.strerror(code), str(self.folder / folder.relative_to(self.root)))

    def _check_lengths(self, base: Path) -> None:
        """Raise for a name that is too long, where it will lie in a folder that is not there yet, too."""
        paths = {self.shown(n): self.root / n for n in self.names} or {self.folder: self.root}
        for shown, path in paths.items():
            for part in path.relative_to(base).parts:
                self._stat(base / part, shown)

    def _check_whole(self) -> None:
        around = next((i for i, real in self._read.items() if self.root.is_relative_to(real)), None)
        if around is not None:
            msg = f"{self.folder} lies in {around}, which is read: another place is needed for the output"
            raise InputError(msg)
        if os.path.lexists(self.root) and (not self.root.is_dir() or any(self.root.iterdir())):
            msg = f"{self.folder}: something is there already: a new or an empty folder is allowed"
            raise InputError(msg)

    def _check_file(self, name: str, inputs: Sequence[os.stat_result]) -> None:
        shown, target = self.shown(name), self.root / name
        found = self._stat(target, shown)
        if found is None:
            return
        if any(os.path.samestat(i, s) for s in _stats([target]) for i in inputs):
            msg = f"{shown} is the input file: another name is needed for the output"
            raise InputError(msg)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
            msg = f"{shown} is not a regular file: a file name is needed for the output"
            raise InputError(msg)
        if not self.overwrite:
            raise exists(shown)

    @staticmethod
    def _stat(path: Path, shown: Path) -> os.stat_result | None:
        """Return what stands at `path`, None for nothing; other errors (a name too long) name `shown`."""
        try:
            return path.lstat()
        except FileNotFoundError:
            return None
        except OSError as e:
            raise OSError(e.errno, e.strerror, str(shown)) from e
        except ValueError as e:
            raise _no_path(shown) from e


def one_file(path: Path, *, inputs: Sequence[Path] = (), overwrite: bool = True) -> Targets:
    """Return the targets of a single file, whose folder has to be there."""
    return Targets(path.parent, [path.name], inputs=inputs, overwrite=overwrite, parents=False)


def whole_folder(path: Path, *, inputs: Sequence[Path] = ()) -> Targets:
    """Return the targets of a folder that appears at once: it has to be new or empty."""
    return Targets(path, (), inputs=inputs, whole=True)


def exists(path: Path) -> InputError:
    """Return the error for a file that stands where one should go."""
    msg = f"{path} exists already"
    return InputError(msg, remedy=Remedy("overwrite=True", "replaces it"))


def _no_path(path: Path) -> InputError:
    msg = f"{str(path)!r} is no path: text without NUL is allowed"
    return InputError(msg)


def _real(path: Path) -> Path:
    """Return a path without links, from the root on: the working folder may go meanwhile."""
    try:
        return Path(os.path.realpath(path))
    except ValueError as e:
        raise _no_path(path) from e


def _stats(paths: Iterable[Path]) -> Iterator[os.stat_result]:
    """Yield what is known of the files that are there: that one is missing is its reader's to say."""
    for path in paths:
        try:
            yield path.stat()
        except (OSError, ValueError):
            continue


def _unwritable(folder: Path, base: Path) -> int:
    """Return the error number of a rename from `base` into `folder`; 0 where nothing is in its way."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
    return errno.EXDEV if folder.stat().st_dev != base.stat().st_dev else 0
