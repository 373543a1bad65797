"""The floors of CONTRIBUTING.md: a file imports the floors below and, one way, files of its own room."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.meta.tree import files, imports, module, name, offenders, ROOT, targets

_ROW = re.compile(r"^\| (\d+) \| ((?:`[^`]+`(?:, )?)+) \|", re.MULTILINE)
NEVER = ("cupy",)  #: not even inside a function of fos_ref
MODELS_ONLY = ("torch", "transformers", "tokenizers")  #: where models are
COMPILED_ONLY = ("numba", "llvmlite")  #: in fos_ref/fast only
#: The public faces and the programs' entries stand above the floors.
ABOVE = ("fos_ref", "fos_ref.__main__", "fos_ref.pytest_plugin", "fos_gpu")
SOURCES = [p for p in files("fos_ref", "fos_gpu") if module(p) not in ABOVE]
OWN = [p for p in SOURCES if name(p).startswith("fos_ref/")]
MODULES = {module(p) for p in files("fos_ref", "fos_gpu")}


def read_floors(text: str) -> dict[str, int]:
    """Return room or file -> number of its floor, from the table of CONTRIBUTING.md."""
    section = text.partition("## The floors")[2].partition("\n## ")[0]
    return {place: int(n) for n, places in _ROW.findall(section) for place in re.findall("`([^`]+)`", places)}


FLOORS = read_floors((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


@cache
def place(dotted: str) -> str:
    """Return the room or file of the table that a module is in: the longest that fits."""
    path = dotted.replace(".", "/")
    fitting = [f for f in FLOORS if f == f"{path}.py" or f"{path}/".startswith(f)]
    assert fitting, f"{dotted} stands on no floor of CONTRIBUTING.md"
    return max(fitting, key=len)


@cache
def own_imports(path) -> set[str]:
    """Return the modules of this project that a file imports; of a package, its modules by name."""
    return {i for i in targets(path, MODULES) if i != module(path)}


def too_high(path) -> set[str]:
    """Return what a file imports from above, from a room beside its own, or from a public face."""
    own = place(module(path))
    return {
        i for i in own_imports(path) if i in ABOVE or (place(i) != own and FLOORS[place(i)] >= FLOORS[own])
    }


def test_a_file_imports_the_floors_below():
    assert offenders(SOURCES, too_high) == {}


def test_no_files_import_each_other_in_a_circle():
    graph = {module(p): own_imports(p) for p in SOURCES}
    done: set[str] = set()

    def visit(m: str, path: tuple[str, ...]) -> None:
        assert m not in path, " -> ".join((*path, m))
        if m not in done:
            for target in graph.get(m, ()):
                # a package's __init__ gathers its own files; they do not import it back
                visit(target, (*path, m))
            done.add(m)

    for m in graph:
        visit(m, ())


def test_every_floor_has_files_and_every_file_a_floor():
    assert {place(module(p)) for p in SOURCES} == set(FLOORS)
    assert any(own_imports(p) for p in SOURCES)


REPORT_ONLY = ("pandas", "matplotlib")
TRAINED = ("fos_ref.pretrain.network", "fos_ref.pretrain.loop")


@pytest.mark.parametrize(
    ("packages", "room"),
    [
        (NEVER, None),
        (("fos_gpu",), TRAINED),
        (MODELS_ONLY, ("fos_ref.models", "fos_ref.ptq", *TRAINED)),
        (COMPILED_ONLY, "fos_ref.fast"),
        (REPORT_ONLY, "fos_ref.report"),
    ],
    ids=[
        "CuPy nowhere",
        "kernels where models train",
        "torch for models",
        "the compiler in fast only",
        "tables in report only",
    ],
)
def test_a_package_is_imported_in_its_room_only(packages, room):
    elsewhere = [p for p in OWN if room is None or not module(p).startswith(room)]
    assert 0 < len(elsewhere) <= len(OWN) - (room is not None)
    assert offenders(elsewhere, lambda p: {i for i in imports(p) if i.split(".")[0] in packages}) == {}


def test_statistics_are_imported_above_the_engines_only():
    below = [p for p in OWN if FLOORS[place(module(p))] <= FLOORS["fos_ref/fast/"]]
    assert len(below) > 100
    assert offenders(below, lambda p: {i for i in imports(p) if i.split(".")[0] == "scipy"}) == {}


# --- the wall between the model and the oracle -----------------------------------------------------------

#: What the oracle may import: errors, dialects as data, itself. No model, no codec, no NumPy.
ORACLE_MAY = ("fos_ref.errors", "fos_ref.recipes", "fos_ref.oracle")


def test_the_oracle_shares_no_arithmetic_with_the_model():
    own = [p for p in SOURCES if module(p).startswith("fos_ref.oracle")]
    assert len(own) >= 6
    for path in own:
        assert {i for i in own_imports(path) if not i.startswith(ORACLE_MAY)} == set()
        assert "numpy" not in set(imports(path))


def test_the_model_does_not_ask_the_oracle():
    model = [p for p in SOURCES if module(p).startswith("fos_ref.model")]
    assert len(model) >= 6
    assert offenders(model, lambda p: {i for i in own_imports(p) if i.startswith("fos_ref.oracle")}) == {}
