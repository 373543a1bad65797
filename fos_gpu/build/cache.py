"""Where compiled files lie: one file per content, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

VARIABLE = "FOS_GPU_CACHE"  #: a folder of the user's own choice


def folder() -> Path:
    """Return the folder of compiled files: $FOS_GPU_CACHE, else fos-gpu in the user's cache folder."""
    own = os.environ.get(VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(own) if own else Path(base) / "fos-gpu"


def cached(parts: Iterable[str], suffix: str, make: Callable[[Path], None]) -> Path:
    """Return the file whose content `parts` decide; make(path) writes it if it is not there.

    parts: everything that the content depends on: source texts, options, architecture, compiler version.
    """
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    home = folder()
    path = home / f"{digest}{suffix}"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as work:
            built = Path(work) / path.name
            make(built)
            built.replace(path)  # two processes may build it at once: both write the same bytes
    return path
