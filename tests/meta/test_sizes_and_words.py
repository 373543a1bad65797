"""House rules that a machine can check: sizes, forbidden calls, labels, the words of the project."""

from __future__ import annotations

import ast
import re
from statistics import median

import pytest

from tests.meta.tree import files, functions, name, nodes, offenders, ROOT, tree

SOURCES = files("fos_ref", "fos_gpu")
TESTS = files("tests")
FILE_CEILING = 400
FUNCTION_CEILING = 60
FUNCTION_MEDIAN = 12


def test_no_file_is_over_the_ceiling():
    def too_long(path):
        return max(0, len(path.read_text(encoding="utf-8").splitlines()) - FILE_CEILING)

    assert len(SOURCES + TESTS) > 400
    assert offenders(SOURCES + TESTS, too_long) == {}


def test_functions_are_short():
    sizes = dict(pair for path in SOURCES for pair in functions(path))
    assert {f: n for f, n in sizes.items() if n > FUNCTION_CEILING} == {}
    assert median(sizes.values()) <= FUNCTION_MEDIAN
    tests = dict(pair for path in TESTS for pair in functions(path))
    assert {f: n for f, n in tests.items() if n > FUNCTION_CEILING} == {}


def silent(path) -> set[str]:
    """Return what has no docstring: the module itself, its public functions and classes."""
    named = [n for n in nodes(path) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    public = {n.name for n in named if not n.name.startswith("_") and not ast.get_docstring(n)}
    nested = {
        f.name
        for n in named
        if public and isinstance(n, ast.FunctionDef)
        for f in ast.walk(n)
        if f is not n and hasattr(f, "name")
    }
    return (public - nested) | (set() if ast.get_docstring(tree(path)) else {"the module"})


def test_every_module_and_public_function_says_what_it_is():
    assert offenders(SOURCES, silent) == {}


def called(path) -> list[str]:
    """Return the last name of everything that a file calls: np.sum(x) and x.sum() give 'sum'."""
    return [_last(n.func) for n in nodes(path) if isinstance(n, ast.Call)]


def _last(f: ast.expr) -> str:
    return f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "")


OWN_ORDERS = {
    "sum",
    "mean",
    "einsum",
    "dot",
    "matmul",
    "nansum",
    "average",
    "vdot",
    "inner",
    "trapezoid",
    "fsum",
}


def own_order(path) -> list[str]:
    """Return sums whose order is not written out; Python's sum() of rationals has nothing to round."""
    numpy_calls = [
        n.func.attr
        for n in nodes(path)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in OWN_ORDERS
    ]
    products = ["@" for n in nodes(path) if isinstance(n, ast.MatMult)]
    rational = name(path) == "fos_ref/oracle/exact_error.py"
    return numpy_calls + products + [c for c in called(path) if c == "sum" and not rational]


def test_no_sum_has_an_order_of_its_own():
    assert offenders(files("fos_ref/model", "fos_ref/oracle"), own_order) == {}


TOLERANT = {
    "allclose",
    "isclose",
    "approx",
    "assert_allclose",
    "assert_almost_equal",
    "assert_array_almost_equal",
    "assertAlmostEqual",
    "assert_array_max_ulp",
}


def test_no_test_compares_with_a_tolerance():
    assert offenders(TESTS, lambda path: set(called(path)) & TOLERANT) == {}


def asked_names(path) -> list[str]:
    """Return where a file compares a recipe's name."""
    compared = [n for n in nodes(path) if isinstance(n, ast.Compare)]
    sides = [
        s
        for n in compared
        for s in (n.left, *n.comparators)
        if isinstance(s, ast.Attribute) and s.attr == "name"
    ]
    return [
        ast.unparse(s) for s in sides if ast.unparse(s.value) in ("r", "recipe", "self.recipe", "q.recipe")
    ]


def test_no_branch_asks_for_a_recipe_s_name():
    assert offenders(SOURCES, asked_names) == {}


def compiled_by_cupy(path) -> list[str]:
    """Return what CuPy would compile: it appends -ftz=true; a module is loaded from a cubin by path."""
    calls = [n for n in nodes(path) if isinstance(n, ast.Call)]
    raw = [n for n in calls if _last(n.func).endswith(("RawModule", "RawKernel"))]
    return [
        ast.unparse(n)
        for n in raw
        if not _last(n.func).endswith("RawModule") or {k.arg for k in n.keywords} != {"path"}
    ]


def test_no_kernel_is_compiled_by_cupy():
    assert offenders(SOURCES, compiled_by_cupy) == {}


LABEL = re.compile(r"\bN(\d\d?)([a-z]?)\b")


def test_every_label_of_the_code_is_in_the_specification():
    document = ROOT / "docs" / "numerics.md"
    if not document.exists():
        pytest.skip("docs/numerics.md is not written yet: labels are not checked")
    known = set(LABEL.findall(document.read_text(encoding="utf-8")))
    used = {}
    for path in [*SOURCES, *TESTS]:
        if path.name == "test_sizes_and_words.py":
            continue
        for label in LABEL.findall(path.read_text(encoding="utf-8")):
            used.setdefault(label, name(path))
    assert len(used) > 10
    assert {"N" + "".join(k): where for k, where in used.items() if k not in known} == {}


ELSEWHERE = ("/" + "work/", "/" + "tmp/", "/" + "home/", "l" + "ocalhost:")


def foreign(path) -> list[str]:
    """Return the words of a file that name a place on one machine."""
    text = path.read_text(encoding="utf-8")
    return [word for word in ELSEWHERE if word in text]


def test_no_file_knows_a_machine_s_paths():
    assert offenders(SOURCES + TESTS, foreign) == {}
