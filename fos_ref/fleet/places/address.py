"""The address of a file that is not of this machine, where the readers expect a path."""

from __future__ import annotations

from pathlib import PosixPath


class Address(PosixPath):
    """A URL with the face of a path: it has a name and a parent, and is shown as a URL. It opens nothing."""

    def __str__(self) -> str:
        """Return the URL: a path has one slash where that has two."""
        return super().__str__().replace(":/", "://", 1)
