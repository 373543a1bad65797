"""House rules that a machine can check: sizes, forbidden calls, labels, the words of the project."""

from __future__ import annotations

import ast
import re
from statistics import median

import pytest

from tests.meta.tree import files, functions, name, ROOT, tree

SOURCES = files("fos_ref", "fos_gpu")
TESTS = files("tests")
FILE_CEILING = 400
FUNCTION_CEILING = 60
FUNCTION_MEDIAN = 12


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name)
def test_no_file_is_over_the_ceiling(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_CEILING


def test_functions_are_short():
    sizes = dict(pair for path in SOURCES for pair in functions(path))
    assert {f: n for f, n in sizes.items() if n > FUNCTION_CEILING} == {}
    assert median(sizes.values()) <= FUNCTION_MEDIAN
    tests = dict(pair for path in TESTS for pair in functions(path))
    assert {f: n for f, n in tests.items() if n > FUNCTION_CEILING} == {}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_every_module_and_public_function_says_what_it_is(path):
    nodes = [n for n in ast.walk(tree(path)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    silent = [n.name for n in nodes if not n.name.startswith("_") and not ast.get_docstring(n)]
    nested = [
        f.name
        for n in nodes
        if isinstance(n, ast.FunctionDef)
        for f in ast.walk(n)
        if f is not n and hasattr(f, "name")
    ]
    assert ast.get_docstring(tree(path))
    assert set(silent) - set(nested) == set()


def called(path) -> list[str]:
    """Return the last name of everything that a file calls: np.sum(x) and x.sum() give 'sum'."""
    calls = [n.func for n in ast.walk(tree(path)) if isinstance(n, ast.Call)]
    return [f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls]


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


@pytest.mark.parametrize("path", files("fos_ref/model", "fos_ref/oracle"), ids=name)
def test_no_sum_has_an_order_of_its_own(path):
    """Python's own sum() is allowed for rational numbers: it has nothing to round."""
    numpy_calls = [
        n.func.attr
        for n in ast.walk(tree(path))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in OWN_ORDERS
    ]
    assert numpy_calls == []
    assert not any(isinstance(n, ast.MatMult) for n in ast.walk(tree(path)))
    if name(path) != "fos_ref/oracle/exact_error.py":
        assert "sum" not in called(path)


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_no_test_compares_with_a_tolerance(path):
    tolerant = {
        "allclose",
        "isclose",
        "approx",
        "assert_allclose",
        "assert_almost_equal",
        "assert_array_almost_equal",
    }
    tolerant |= {"assertAlmostEqual", "assert_array_max_ulp"}
    assert set(called(path)) & tolerant == set()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_branch_asks_for_a_recipe_s_name(path):
    compared = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Compare)]
    sides = [
        s
        for n in compared
        for s in (n.left, *n.comparators)
        if isinstance(s, ast.Attribute) and s.attr == "name"
    ]
    assert [
        ast.unparse(s) for s in sides if ast.unparse(s.value) in ("r", "recipe", "self.recipe", "q.recipe")
    ] == []


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_kernel_is_compiled_by_cupy(path):
    """CuPy appends -ftz=true to what it compiles; a module is loaded from a cubin by path."""
    calls = [n for n in ast.walk(tree(path)) if isinstance(n, ast.Call)]
    raw = [n for n in calls if ast.unparse(n.func).endswith(("RawModule", "RawKernel"))]
    assert [
        n
        for n in raw
        if not ast.unparse(n.func).endswith("RawModule") or {k.arg for k in n.keywords} != {"path"}
    ] == []


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


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=name)
def test_no_file_knows_a_machine_s_paths(path):
    text = path.read_text(encoding="utf-8")
    assert [word for word in ELSEWHERE if word in text] == []
