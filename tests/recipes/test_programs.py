"""docs/recipes.md: its examples run, and its tables say which program is which preset, none forgotten."""

from __future__ import annotations

import json
import re
import shlex
from fnmatch import fnmatchcase

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run
from fos_ref.recipes.file import changed
from tests.docs.document import failing_examples, read_tables, RECIPES, text_of

TEXT = text_of("recipes.md")
TABLES = read_tables(TEXT)
PROGRAMS = TABLES["program"][1]
WITHOUT = TABLES["program without a preset"][1]


def test_every_example_prints_what_the_page_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 8, "the examples were not found"
    assert report == ""


def words(cell: str) -> list[str]:
    """Return what a cell has in code, the bars of its values without the backslash."""
    return [w.replace("\\|", "|") for w in re.findall(r"`([^`]+)`", cell)]


def presets(cell: str) -> list[fos_ref.Recipe]:
    """Return the presets that a cell's patterns name; a pattern that names none is an error."""
    found = {p: [r for n, r in RECIPES.items() if fnmatchcase(n, p)] for p in words(cell)}
    assert found, cell
    assert all(found.values()), f"a pattern names nothing: {found}"
    return [r for recipes in found.values() for r in recipes]


@pytest.mark.parametrize("row", PROGRAMS, ids=lambda row: row[2])
def test_the_presets_of_a_program_have_the_axes_that_set_it_apart(row):
    program, apart, cell = row
    assert words(apart), program
    for r in presets(cell):
        settings = [w for w in words(apart) if w.partition("=")[0] in r.axes()]
        assert settings == words(apart), "no axis is called so"
        assert r.diff(changed(r, "as the page has it", settings)) == {}, program


def test_every_preset_is_in_one_row():
    listed = [r.name for _, _, cell in PROGRAMS for r in presets(cell)]
    assert [n for n in RECIPES if listed.count(n) != 1] == []


@pytest.mark.parametrize("row", WITHOUT, ids=lambda row: row[0])
def test_a_program_without_a_preset_has_a_reason_and_its_nearest_recipe_is_legal(row):
    _, why, nearest = row
    assert len(why) > 20
    for pattern in words(nearest):
        name, *settings = pattern.split(" + ")
        made = changed(RECIPES[name], "nearest", settings)
        assert set(made.diff(RECIPES[name])) == {s.partition("=")[0] for s in settings}
    assert words(nearest) or nearest == "-"


#: The programs whose arithmetic is known, a word of each, in the order of the survey.
KNOWN = (
    *("FlashInfer 0.7.4, default path", "FlashInfer 0.7.4, strict path", "per token", "TensorRT-LLM"),
    *("batch_invariant", "FlashInfer before 0.7.4", "cache: plain", "precise_rounding", "auto-round"),
    *("vLLM's emulation of today", "vLLM's emulation as it was", "Triton kernel (ROCm", "4/6 under CUDA"),
    *(
        "UE5M3",
        "llama.cpp, its C reference",
        "activations under CUDA",
        "open pull requests",
        "MLX on a CPU",
        "MLX on Metal",
        "MLX under CUDA",
    ),
    *(
        "MLX 0.32.4: MXFP4",
        "MLX up to 0.32.2",
        "SGLang",
        "nover6",
        "special values",
        "MixFP4",
        "RaZeR's 4/6",
        "RaZeR's forks",
        "opt_rtn",
        "nvfp4_expanded_mse",
    ),
    *("OCP's MX", 'round="even"', 'round="nearest"', "FLOOR", "EVEN", "CEIL", "RCEIL"),
    *("compressed-tensors: MXFP4", "FlashInfer: MXFP4", "qwix (JAX): MXFP4", "qwix (JAX)", "FP-Quant"),
    *("NVFP4 training, and its tests' oracle", "compressed-tensors 0.20.1", "GPTQModel", "least_squares"),
)


@pytest.mark.parametrize("program", KNOWN)
def test_every_known_program_is_a_preset_or_has_a_reason(program):
    assert any(program in row[0] for row in (*PROGRAMS, *WITHOUT))


@pytest.mark.long
def test_the_commands_of_the_page_run_in_their_order(tmp_path, monkeypatch, capsys):
    """As a reader would: a recipe of ones own, its difference, a kernel's bytes against it, a checkpoint."""
    monkeypatch.chdir(tmp_path)
    commands = [line.strip() for line in TEXT.splitlines() if line.startswith("    fos ")]
    assert len(commands) >= 4
    for command in commands:
        arguments, _, out = command.partition(" > ")
        if "check" in arguments:
            x = np.linspace(-3, 3, 64, dtype=np.float32).reshape(2, 32)
            q = fos_ref.quantize(x, "mine.json")
            for name, a in (("X", x), ("CODES", q.codes), ("SCALES", q.block_scales)):
                np.save(name, a)
            save_file({"a.weight": x}, "IN.safetensors")
        assert run(shlex.split(arguments)[1:]) == 0, command
        printed = capsys.readouterr().out
        if out:
            (tmp_path / out).write_text(printed)
            assert json.loads(printed)["evidence"] == "own"
