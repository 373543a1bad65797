"""The source tree as data: files, their syntax trees, what they import."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(*folders: str) -> list[Path]:
    """Return the Python files under the folders of the repository, sorted."""
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    """Return a file's path from the repository root."""
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    """Return the dotted module name of a file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a file's tree, as `ast.walk` orders them."""
    return tuple(ast.walk(tree(path)))


def offenders(paths: Iterable[Path], wrong: Callable[[Path], object]) -> dict[str, object]:
    """Return file -> what a rule finds wrong with it, of the files with which something is."""
    return {name(p): found for p in paths if (found := wrong(p))}


def imports(path: Path) -> Iterator[str]:
    """Yield every module a file imports, inside functions too; `from a import b` gives a and a.b."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def targets(path: Path, modules: set[str]) -> Iterator[str]:
    """Yield which of `modules` a file imports: of `from a import b` a.b where that is one, else a."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            found = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from ({m if m in modules else node.module for m in found} & modules)


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, lines) of every function of a file."""
    for node in nodes(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{name(path)}::{node.name}", node.end_lineno - node.lineno + 1
