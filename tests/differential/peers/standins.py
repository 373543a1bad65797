"""Loading one file of a package whose compiled parts are absent: stand-in parents, put away afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any


@contextmanager
def stand_ins(package: str, modules: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, ModuleType]]:
    """Put empty modules with the given attributes in the place of `package`; restore what was there."""
    before = {k: m for k, m in sys.modules.items() if k == package or k.startswith(f"{package}.")}
    for name in before:
        del sys.modules[name]
    for name, attributes in modules.items():
        module = ModuleType(name)
        module.__path__ = []  # a package, so that its children are looked up by full name
        vars(module).update(attributes)
        sys.modules[name] = module
    try:
        yield {name: sys.modules[name] for name in modules}
    finally:
        for name in [k for k in sys.modules if k == package or k.startswith(f"{package}.")]:
            del sys.modules[name]
        sys.modules.update(before)


def load_file(name: str, path: Path) -> ModuleType:
    """Import the file `path` under the module name `name`."""
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
