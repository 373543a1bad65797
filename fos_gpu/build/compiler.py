"""g++: which one it is, and a shared library from texts of csrc/."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from fos_ref.errors import ToolchainError

COMPILER = "g++"


@cache
def compiler_version() -> str:
    """Return the first line of `g++ --version`; ToolchainError where there is no g++ that runs."""
    found = shutil.which(COMPILER)
    if found is None:
        msg = "g++ is not installed: it builds the numerics header for the host (apt install g++)"
        raise ToolchainError(msg)
    return _run([found, "--version"], "g++ does not run").partition("\n")[0]


def processor(options: Sequence[str]) -> str:
    """Return what -march=native means here, so that a cache that moves between machines stays right."""
    if "-march=native" not in options:
        return ""
    return _run([COMPILER, "-march=native", "-Q", "--help=target"], "g++ does not tell this processor")


def write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    """Write texts into a folder under their names, which may lie in folders of their own."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def compile_library(texts: Mapping[str, str], arguments: Sequence[str], path: Path) -> None:
    """Write the shared library of the last of the texts, by file name, which includes the others."""
    main = list(texts)[-1]
    with TemporaryDirectory() as work:
        write_texts(Path(work), texts)
        command = [COMPILER, *arguments, str(Path(work) / main), "-o", str(path)]
        _run(command, f"g++ could not build {main}")


def _run(command: Sequence[str], failed: str) -> str:
    """Return what a command prints; ToolchainError, with what it says, where it fails."""
    try:
        done = subprocess.run(  # noqa: S603 -- our own words
            command, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError as e:
        msg = f"{failed}: {e.strerror or e}"
        raise ToolchainError(msg) from e
    if done.returncode:
        msg = f"{failed} (exit {done.returncode}): {' '.join(done.stderr.split())}"
        raise ToolchainError(msg)
    return done.stdout
