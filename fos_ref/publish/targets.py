"""Where an output goes and what stands in its way: asked before the work, and again before renaming."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
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

    def __post_init__(self) -> None:
        try:
            root = Path(os.path.realpath(self.folder))
        except ValueError as e:  # a NUL
            raise _no_path(self.folder) from e
        object.__setattr__(self, "root", root)

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
        if self.whole:
            self._check_whole()
        inputs = list(_stats(self.inputs))
        for name in self.names:
            self._check_file(name, inputs)
        folders = {(self.root / name).parent for name in self.names} - {base}
        for folder in sorted(f for f in folders if f.is_dir()):
            _check_writable(folder, base)

    def _check_whole(self) -> None:
        around = next((i for i in self.inputs if self.root.is_relative_to(os.path.realpath(i))), None)
        if around is not None:
            msg = f"{self.folder} lies in {around}, which is read: another place is needed for the output"
            raise InputError(msg)
        self._stat(self.root, self.folder)
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


def _stats(paths: Sequence[Path]) -> Iterator[os.stat_result]:
    """Yield what is known of the files that are there: that one is missing is its reader's to say."""
    for path in paths:
        try:
            yield path.stat()
        except (OSError, ValueError):
            continue


def _check_writable(folder: Path, base: Path) -> None:
    """Raise unless files of `base` can be renamed into `folder`."""
    code = 0
    if not os.access(folder, os.W_OK | os.X_OK):
        code = errno.EROFS if os.statvfs(folder).f_flag & os.ST_RDONLY else errno.EACCES
    elif folder.stat().st_dev != base.stat().st_dev:
        code = errno.EXDEV
    if code:
        raise OSError(code, os.strerror(code), str(folder))
