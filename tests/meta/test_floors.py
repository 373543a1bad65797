"""The floors: a file of fos_ref imports the floors below and, in one direction, files of its own."""

from __future__ import annotations

import pytest

from tests.meta.tree import files, imports, module, name

FLOORS = (
    "version",
    "errors",
    "formats",
    "recipes",
    "model",
    "storage",
    "engines",
    "fast",
    "verify",
    "export",
    "check",
    "proof",
    "report",
    "commands",
    "cli",
)
NEVER = ("torch", "cupy", "fos_gpu")  #: not even inside a function
COMPILED_ONLY = ("numba", "llvmlite")  #: in fos_ref/fast only
REPORT_ONLY = ("pandas", "matplotlib")
#: The public face and the program's entry stand above the floors.
ABOVE = ("fos_ref", "fos_ref.__main__", "fos_ref.pytest_plugin")
SOURCES = [p for p in files("fos_ref") if module(p) not in ABOVE]
MODULES = {module(p) for p in files("fos_ref")}


def floor(dotted: str) -> int:
    return FLOORS.index(dotted.split(".")[1])


def own_imports(path) -> set[str]:
    """Return the modules of fos_ref that a file imports, packages with their members resolved."""
    return {i for i in imports(path) if i in MODULES and i != module(path)}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_imports_the_floors_below(path):
    too_high = {i for i in own_imports(path) if i in ABOVE or floor(i) > floor(module(path))}
    assert too_high == set()


def test_files_of_one_floor_do_not_import_each_other_in_a_circle():
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


@pytest.mark.parametrize("path", files("fos_ref"), ids=name)
def test_no_file_imports_an_accelerator(path):
    assert {i for i in imports(path) if i.split(".")[0] in NEVER} == set()


@pytest.mark.parametrize("path", files("fos_ref"), ids=name)
def test_the_compiler_is_imported_in_the_fast_engine_only(path):
    found = {i for i in imports(path) if i.split(".")[0] in COMPILED_ONLY}
    assert not found or module(path).startswith("fos_ref.fast")


@pytest.mark.parametrize("path", files("fos_ref"), ids=name)
def test_tables_and_figures_are_imported_in_the_report_only(path):
    found = {i for i in imports(path) if i.split(".")[0] in REPORT_ONLY}
    assert not found or module(path).startswith("fos_ref.report")


def test_the_oracle_shares_no_arithmetic_with_the_model():
    allowed = ("fos_ref.errors", "fos_ref.recipes", "fos_ref.model.exact", "fos_ref.model.oracle")
    own = [p for p in SOURCES if module(p).startswith(("fos_ref.model.oracle", "fos_ref.model.exact"))]
    assert len(own) >= 6
    for path in own:
        assert {i for i in own_imports(path) if not i.startswith(allowed)} == set()
        assert "numpy" not in set(imports(path))


def test_every_floor_is_there_to_be_checked():
    assert {floor(module(p)) for p in SOURCES} == set(range(len(FLOORS)))
    assert any(own_imports(p) for p in SOURCES)
