"""Tables in a pipe are whole, one line a row, in every encoding; a terminal folds them and cuts nothing."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref import PRESETS, STOCHASTIC
from fos_ref.report.console import output, table, titled

SCRIPT = "from fos_ref.cli import main; main()"
LONG = f"model.layers.0.{'expert.' * 30}weight"
FILE = "résumé.weight"

EVERY = {**PRESETS, **STOCHASTIC}


def piped(*args: str, encoding: str = "utf-8", columns: str = "40", code: int = 0) -> list[str]:
    """Return the lines that `fos` writes into a pipe."""
    env = os.environ | {"PYTHONIOENCODING": encoding, "COLUMNS": columns}
    env |= {"FORCE_COLOR": ""}
    done = subprocess.run([sys.executable, "-c", SCRIPT, *args], env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (code, b"")
    return done.stdout.decode(encoding).splitlines()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Return (original, quantized), with a name longer than any terminal and one that ASCII lacks."""
    folder = tmp_path_factory.mktemp("tables")
    x = np.random.default_rng(0).standard_normal((16, 32)).astype(np.float32)
    save_file({LONG: x, FILE: x[:3, :3].copy()}, folder / "in.safetensors")
    return folder / "in.safetensors", folder / "out.safetensors"


@pytest.mark.long
def test_the_list_of_recipes_is_whole():
    lines = piped("recipes")
    assert lines[0].startswith(f"{len(EVERY)} recipes")
    assert [line.split()[0] for line in lines[2:]] == list(EVERY)
    assert lines == [line.rstrip() for line in lines]
    (header,) = [line for line in lines if line.startswith("preset ")]
    assert header.split() == ["preset", "to", "bound", "block", "amax", "metric", "known", "by"]


@pytest.mark.long
@pytest.mark.parametrize("encoding", ["ascii", "latin1"])
def test_no_encoding_is_an_error(encoding, checkpoint):
    original, quantized = map(str, checkpoint)
    assert piped("recipes", encoding=encoding) == piped("recipes")
    lines = piped("quantize", original, quantized, "--force", "--engine", "numpy", encoding=encoding)
    assert sum(LONG in line for line in lines) == 1
    shown = FILE.encode(encoding, "backslashreplace").decode(encoding)
    assert sum(shown in line for line in lines) == 1
    assert all(line.isascii() for line in piped("--help", encoding=encoding))


@pytest.mark.long
def test_what_is_said_of_a_checkpoint_is_whole(checkpoint):
    original, quantized = map(str, checkpoint)
    row = next(x for x in piped("quantize", original, quantized, "--force") if LONG in x)
    assert row.split()[:5] == [LONG, "F32", "16", "x", "32"]
    found = piped("inspect", quantized, "--against", original)
    assert found[0] == quantized
    presets = next(line for line in found if line.startswith("dialect"))
    assert presets.count(", ") > 3
    assert max(map(len, found)) > 200


@pytest.mark.long
def test_a_difference_has_its_title_on_one_line():
    lines = piped("recipes", "diff", "te-mse-256", "fouroversix-mae", "--distribution", "coarse")
    assert lines[0] == "te-mse-256 and fouroversix-mae: 9 axes differ"
    (title,) = [line for line in lines if line.startswith("coarse 512x1024")]
    assert title.endswith("other codes)")
    assert lines[-1].startswith("to agree, set ")


def test_colour_that_is_asked_for_cuts_nothing(monkeypatch):
    """A pipe with FORCE_COLOR is no terminal: it has no width either."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    made = table(("name",))
    made.add_row(LONG)
    output().print(titled("title", made))
    assert LONG in stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_folds_what_does_not_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    made = table(("name",), ("n",))
    made.add_row(LONG, "12")
    output().print(made)
    lines = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()).splitlines()
    assert {len(line) for line in lines} == {30}
    assert "".join(line[:26] for line in lines[1:]).strip() == LONG
    assert lines[1].endswith("  12")


def test_a_quiet_console_says_nothing(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    output(quiet=True).print("anything")
    assert stream.getvalue() == ""
