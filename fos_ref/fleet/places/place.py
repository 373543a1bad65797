"""A folder of files, wherever it lies: what the tasks of a fleet ask of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

from fos_ref.storage.ranges import Bytes

PLAN, DONE, FAILED, MANIFEST = ".fos/plan.json", ".fos/done", ".fos/failed", ".fos/manifest.json"


class Stat(NamedTuple):
    """What a place says of a file without reading it."""

    size: int
    token: str  #: changes when the file does: an ETag, or a time of writing


class Place(Protocol):
    """A folder. Every `put` and every `making` appears whole under its name, or not at all.

    Raises: OSError for what the machine or the network does; CheckpointError for a file that is not whole.
    """

    @property
    def url(self) -> str:
        """How it is called, whole: `place` gives it back."""

    def path(self, name: str) -> Path:
        """Return a file as messages call it."""

    def names(self, folder: str = "") -> dict[str, Stat]:
        """Return the files right in a folder of it; none where there is no such folder."""

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file; None where there is none."""

    def open(self, name: str) -> Bytes:
        """Open a file for reads by place."""

    def read(self, name: str, most: int) -> bytes | None:
        """Return a small file; None where there is none. CheckpointError for more than `most` bytes."""

    def put(self, name: str, data: bytes) -> None:
        """Write a small file; one of that name is replaced."""

    def making(self, name: str) -> AbstractContextManager[Path]:
        """Return a path to write a file to; at the end of the block it has its name here.

        What is written there has to appear whole by itself (SafetensorsWriter does).
        """

    def remove(self, name: str) -> None:
        """Remove a file; nothing where there is none."""

    def ready(self) -> None:
        """Make the folders of records, where a place has folders."""

    def sweep(self) -> None:
        """Remove what attempts left that nobody carries on."""
