"""Files that appear together and whole, or not at all.

Everything is written into a hidden folder beside its place and is on the disk before the first rename. Then
each file takes its name by one rename; a folder that was missing does so with all its files. If a rename
fails, those before it are taken back.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from fos_ref.publish.locks import locked, sync_folder
from fos_ref.publish.moves import keep, Move, move_all, naming
from fos_ref.publish.signals import held
from fos_ref.publish.staging import clear, Staging
from fos_ref.publish.targets import Targets

_NEW, _OLD = "new", "old"


class Publication:
    """A context manager that publishes at the end of its block what was written in it.

    Entering checks every target, removes what dead programs left, and shows that files can be made there.
    After an error in the block, or in the publishing, no name has changed.
    Raises: InputError and OSError, which names the target.
    """

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._open: dict[str, BinaryIO] = {}
        self._written: list[str] = []
        self._staging: Staging | None = None

    def __enter__(self) -> Self:
        t = self._targets
        t.check()
        self._base = t.base()
        if t.parents and self._base == t.root:
            clear(t.root.parent)  # where a run worked that found the folder missing
        try:
            with held(), naming(t.shown(t.names[0]) if len(t.names) == 1 else t.folder):
                self._staging = Staging(self._base)
                self._hidden = self._staging.path
        except BaseException:  # a signal that was held
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._publish()
        finally:
            self._discard()

    def open(self, name: str) -> BinaryIO:
        """Return a new file to write to; it is closed with the publication."""
        assert self._targets.whole or name in self._targets.names, f"{name} was not announced"
        with self.naming(name):
            self._open[name] = self._make(self._below(name)).open("xb")
        self._written.append(name)
        return self._open[name]

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file."""
        file = self.open(name)
        with self.naming(name):
            file.write(data)
            self._close(name)

    def naming(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Return a block in which an OSError of the hidden file names the target."""
        return naming(self._targets.shown(name))

    def _below(self, name: str) -> Path:
        """Return a target's name below the folder that was there."""
        return (self._targets.root / name).relative_to(self._base)

    def _make(self, path: Path) -> Path:
        """Return where a file is made, its folder made too; not the hidden folder, should that have gone."""
        new = self._hidden / _NEW
        for folder in [*reversed(path.parents)]:
            (new / folder).mkdir(exist_ok=True)
        return new / path

    def _close(self, name: str) -> None:
        """Put a file on the disk."""
        file = self._open[name]
        file.flush()
        os.fsync(file.fileno())
        file.close()
        del self._open[name]

    def _discard(self) -> None:
        with held():
            for file in self._open.values():
                with contextlib.suppress(OSError):  # closing flushes, and the disk may be full
                    file.close()
            if self._staging is not None:
                self._staging.discard()

    def _publish(self) -> None:
        for name in list(self._open):
            with self.naming(name):
                self._close(name)
        for name in self._written:
            with self.naming(name):  # nobody has taken it away
                (self._hidden / _NEW / self._below(name)).lstat()
        for made, _, _ in os.walk(self._hidden / _NEW):
            sync_folder(Path(made))
        root = self._targets.root
        with locked(self._base), locked(root) if root != self._base else contextlib.nullcontext(), held():
            self._targets.check()
            moves, old = self._moves(), self._hidden / _OLD
            if len(moves) > 1:
                with naming(self._targets.folder):
                    old.mkdir()
            move_all(moves, keep(moves, old) if len(moves) > 1 else {}, overwrite=self._targets.overwrite)
            for folder in {m.target.parent for m in moves}:
                sync_folder(folder)

    def _moves(self) -> list[Move]:
        """Return the renames, in the order of writing: of files, and of folders that are missing."""
        moves: dict[Path, Move] = {}
        for name in self._written:
            path = self._below(name)
            steps = [*reversed(path.parents)][1:]
            part = next((p for p in steps if self._is_new(self._base / p)), path)
            shown = self._targets.shown(name)
            moves.setdefault(part, Move(self._hidden / _NEW / part, self._base / part, shown))
        return list(moves.values())

    def _is_new(self, folder: Path) -> bool:
        """Return whether a folder takes its name as a whole: it is missing, or the output itself."""
        return not folder.is_dir() or (self._targets.whole and folder == self._targets.root)


def check_targets(targets: Targets) -> None:
    """Raise, before the work, unless what it makes can be published; nothing is left there.

    Raises: InputError and OSError, as `Targets.check` and where no file can be made.
    """
    with Publication(targets):
        pass


def write_all(targets: Targets, documents: Mapping[str, bytes]) -> list[Path]:
    """Write the documents by name and return their paths. After a failure no name has changed.

    Raises: as `check_targets`; OSError where the disk is full.
    """
    with Publication(targets) as out:
        for name, data in documents.items():
            out.write(name, data)
    return [targets.shown(name) for name in documents]
