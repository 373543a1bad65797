"""The one reader of functions that a user names: MODULE:FUNCTION, imported and found, or one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from fos_ref.errors import InputError
from fos_ref.foreign import foreign, no_exit, shown

_ALLOWED = "MODULE:FUNCTION is allowed, with a module that can be imported or a .py file"


def load_function(name: str) -> Callable[..., Any]:
    """Return the function that `name` says: package.module:function, or folder/file.py:function.

    A module is looked for in the current folder, then where Python looks. FUNCTION may have dots: a method
    of a class or an object. What the module does when it is imported is run: it is the user's own code.
    Raises: InputError for a name of another form, a module that cannot be imported, whatever it raises, and
            a function that is not there or is none.
    """
    module, _, attribute = name.rpartition(":")
    if not module or not attribute:
        msg = f"{shown(name)}: {_ALLOWED}"
        raise InputError(msg)
    with foreign(shown(name), _ALLOWED), no_exit(shown(name), _ALLOWED):
        found: Any = _file(Path(module)) if module.endswith(".py") else _module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    if not callable(found):
        msg = f"{shown(name)} is a {type(found).__name__}: a function is allowed"
        raise InputError(msg)
    return found  # type: ignore[no-any-return]


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return import_module(name)


def _file(path: Path) -> ModuleType:
    """Return the module of a file, under its own name; its folder is where its imports are looked for."""
    if not path.is_file():
        msg = f"{path}: no such file: {_ALLOWED}"
        raise InputError(msg)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    sys.modules.setdefault(path.stem, made)
    spec.loader.exec_module(made)
    return made
