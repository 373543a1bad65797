"""The design with a clock under the exported cocotb bench: it passes; a wrong bit or handshake fails."""

from __future__ import annotations

import importlib.util
import shutil
import sys

import pytest

from tests.export.exported import flipped, OWN, run, source, written

pytestmark = [
    pytest.mark.skipif(
        shutil.which("iverilog") is None, reason="iverilog is not installed: no design was run"
    ),
    pytest.mark.skipif(
        importlib.util.find_spec("cocotb") is None,
        reason="cocotb is not installed (pip install 'fos-ref[rtl]'): no design was run",
    ),
]
RECIPE = "4over6-absmax"


def driven(folder, recipe: str = RECIPE, *more: str) -> tuple[int, list[str]]:
    own = ["env", "-u", "PYTEST_CURRENT_TEST", sys.executable]  # as a user's shell has it
    code, said = run([*own, "fos_cocotb.py", recipe, *more], folder)
    return code, said.splitlines()


@pytest.fixture
def folder(tmp_path):
    return written(tmp_path / "memh", "memh", RECIPE)


def test_the_shipped_design_passes_with_and_without_stalls(folder):
    code, said = driven(folder)
    (t,) = source(RECIPE).tables()
    assert (code, said[-1]) == (0, f"PASS: {RECIPE}: {t.rows('blocks')} blocks, 3 tests, 0 failed")
    assert said.count("compared: map6_error, map4_error, picked4, block_scale, codes") == 3


@pytest.mark.exhaustive
@pytest.mark.parametrize("recipe", OWN)
def test_the_shipped_design_passes_for_every_recipe_that_it_has(tmp_path, recipe):
    folder = written(tmp_path / "memh", "memh", recipe)
    assert driven(folder, recipe, "--seed", "7")[0] == 0


LONG = pytest.mark.exhaustive  # each builds and runs a design: seconds


@pytest.mark.parametrize(
    "column", ["codes", *(pytest.param(c, marks=LONG) for c in ("block_scale", "picked4", "map4_error", "x"))]
)
def test_one_bit_of_a_vector_fails_and_is_named(folder, column):
    path = folder / RECIPE / f"{column}.memh"
    first, rest = path.read_text().split("\n", 1)
    changed = (
        flipped(first) if column != "x" else "7F7FFFFF" + first[8:]
    )  # a value that is not alone in the block
    path.write_text(f"{changed}\n{rest}")
    code, said = driven(folder)
    (t,) = source(RECIPE).tables()
    assert code == 1
    assert said[-1].endswith("3 tests, 3 failed")
    assert any(line.startswith(f"{t.texts[0].id}: block 0: ") for line in said)


#: A change of a source, and what is said about it.
WRONG = {
    "arithmetic": ("fos_dut.sv", "f32_mul(F32_1_5, base)", "f32_mul(F32_SIX, base)", " is "),
    "drops what is stalled": (
        "fos_stream.sv",
        "ready4 = !valid[4] || out_ready",
        "ready4 = 1'b1",
        "out_ready was 0",
    ),
    "forgets a bubble": (
        "fos_stream.sv",
        "valid[1] <= in_valid",
        "valid[1] <= 1'b1",
        "came out before it went in",
    ),
    "never ready": (
        "fos_stream.sv",
        "ready1 = !valid[1] || ready2",
        "ready1 = 1'b0",
        "0 of 67 blocks came out",
    ),
    "no reset": ("fos_stream.sv", "if (rst) valid <= 0;\n    else ", "", "out_valid is X after the reset"),
    "one x": ("fos_stream.sv", "out_codes <= codes;", "out_codes <= {codes[63:1], 1'bx};", "expected"),
    "says a block twice": ("fos_stream.sv", "valid[4] <= valid[3];", "valid[4] <= valid[3] || valid[4];", ""),
}


@LONG
@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_design_fails(folder, mistake):
    name, right, wrong, text = WRONG[mistake]
    path = folder / name
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, wrong))
    code, said = driven(folder)
    assert code == 1
    assert said[-1].startswith(f"FAIL: {RECIPE}: ")
    assert any(text in line for line in said), said


@LONG
def test_the_end_names_the_mistake(folder):
    path = folder / "fos_dut.sv"
    right = "picked4 = choose && f32_less(map4_error, map6_error)"
    assert path.read_text().count(right) == 1
    path.write_text(path.read_text().replace(right, "picked4 = 1'b0"))
    code, said = driven(folder)
    assert code == 1
    (line,) = {line for line in said if line.startswith("flags all of whose vectors failed: ")}
    assert " AlwaysSix " in line


@LONG
def test_a_design_of_ones_own_is_taken_by_name(folder):
    text = (folder / "fos_stream.sv").read_text()
    (folder / "mine.sv").write_text(text.replace("module fos_stream\n", "module mine\n"))
    code, said = driven(folder, RECIPE, "--dut", "fos_dut.sv", "mine.sv", "--top", "mine")
    assert (code, said[-1].split(":")[0]) == (0, "PASS")


def test_a_short_file_and_an_unknown_recipe_are_errors(folder):
    code, said = driven(folder, "4over6-absmx")
    assert code == 2
    assert said[-1].endswith(f"no vectors of it (did you mean {RECIPE}?); allowed are {RECIPE}")
    path = folder / RECIPE / "codes.memh"
    path.write_text(path.read_text().split("\n", 1)[1])
    code, said = driven(folder)
    assert code == 1
    assert any("codes.memh: 67 hexadecimal words are allowed, one a block" in line for line in said)
