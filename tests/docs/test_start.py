"""docs/start: the page of each kind of user is a session, run here from its first line to its last."""

from __future__ import annotations

import ast
import ctypes
import re
import shutil
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

import fos_ref
from fos_ref.verify import conformance
from tests.docs.session import run, steps
from tests.meta.tree import ROOT

FOLDER = ROOT / "docs" / "start"
PAGES = sorted(p.stem for p in FOLDER.glob("*.md"))
#: What a page needs besides the package, and the marker of its session.
NEEDS = {"torch": ("torch", "torchao"), "jax": ("jax",)}
MARKS = {
    "torch": pytest.mark.peer,
    "jax": pytest.mark.peer,
    **dict.fromkeys(("kernel", "model", "paper", "rl", "rtl"), pytest.mark.long),
}


def text_of(page: str) -> str:
    return (FOLDER / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [pytest.param(p, marks=MARKS[p]) for p in PAGES])
def test_the_session_ends_as_it_says(page, tmp_path, monkeypatch, record_property):
    for module in NEEDS.get(page, ()):
        pytest.importorskip(module)
    if page == "rtl" and shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed: this page was not run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_kernel", raising=False)
    begun = time.process_time()
    number, wrong = run(text_of(page))
    record_property("seconds", time.process_time() - begun)
    assert wrong == []
    assert number >= 3


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_answers_how_long_it_takes_and_how_it_ends(page):
    text = text_of(page)
    assert text.startswith("# For ")
    assert re.search(r"^\*\*This page answers:\*\* .*\?", text, re.MULTILINE | re.DOTALL)
    assert re.search(
        r"^\*\*Time to the first result:\*\* \d+ s of processor time, after `pip install", text, re.MULTILINE
    )
    assert "**The result" in text
    assert text.rstrip().rpartition("\n## ")[2].startswith("Next\n")
    assert any(True for _ in steps(text))


def test_every_page_is_in_the_readme_and_on_the_site():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    site = (ROOT / "docs" / "site" / "index.md").read_text(encoding="utf-8")
    assert [p for p in PAGES if f"(docs/start/{p}.md)" not in readme] == []
    assert [p for p in PAGES if f"\ndocs/start/{p}\n" not in site] == []


def snippets() -> list[str]:
    """Return the lines of docs/start/kernel.md that need a GPU."""
    return re.findall(r"^```python\n(.*?)^```$", text_of("kernel"), re.MULTILINE | re.DOTALL)


def test_the_lines_that_need_a_gpu_parse():
    assert len(snippets()) == 5
    for text in snippets():
        ast.parse(text)


@pytest.mark.peer
def test_the_lines_that_need_a_gpu_run_with_stand_ins(monkeypatch):
    """On a CPU: a launch writes what the recipe gives into the tensors that it is handed."""
    torch = pytest.importorskip("torch")

    def launch(x, codes, scales, *_):
        q = fos_ref.quantize(x, "te-mse-256")
        codes.copy_(torch.from_numpy(q.codes))
        scales.copy_(torch.from_numpy(q.block_scales))

    class Launched:
        def __getitem__(self, grid):
            assert grid[0] >= 1
            return launch

    def by_address(x, codes, scales, rows, cols, is_bfloat16):  # noqa: PLR0917 -- as C is called
        def at(pointer, dtype, shape):
            held = (ctypes.c_char * (np.dtype(dtype).itemsize * shape[0] * shape[1])).from_address(
                pointer.value
            )
            return np.frombuffer(held, dtype).reshape(shape)

        given = torch.from_numpy(at(x, np.int16 if is_bfloat16 else np.float32, (rows, cols)))
        q = fos_ref.quantize(given.view(torch.bfloat16) if is_bfloat16 else given, "te-mse-256")
        at(codes, np.uint8, (rows, cols // 2))[:] = q.codes
        at(scales, np.uint8, (rows, cols // 16))[:] = q.block_scales

    modules = {
        "triton": SimpleNamespace(cdiv=lambda a, b: -(-a // b)),
        "cutlass": SimpleNamespace(),
        "cutlass.cute": SimpleNamespace(),
        "cutlass.cute.runtime": SimpleNamespace(from_dlpack=torch.from_dlpack),
        "my_kernels": SimpleNamespace(nvfp4_kernel=Launched(), nvfp4_host=launch),
    }
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(quantize_nvfp4=by_address))
    names: dict[str, object] = {"conformance": conformance}
    shared, *others = snippets()
    exec(shared.replace('"cuda"', '"cpu"'), names)  # noqa: S102 -- the page's own lines
    for text in others[:3]:
        exec(text, names)  # noqa: S102
    last = others[3].replace(
        "to=on_device", 'to=on_device, dtypes=["bfloat16", "float32"], groups=["tensors"]'
    )
    for kernel in ("run_triton", "run_cute", "run_cuda"):
        exec(last.replace("run_triton", kernel), names)  # noqa: S102
        assert names["report"].equal, (kernel, str(names["report"]))  # type: ignore[attr-defined]
