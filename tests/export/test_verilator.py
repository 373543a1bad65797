"""The exported SystemVerilog under Verilator: no warning; the testbench passes, and fails for one bit."""

from __future__ import annotations

import shutil

import pytest

from tests.export.exported import flipped, run, source, written

pytestmark = pytest.mark.skipif(
    shutil.which("verilator") is None, reason="verilator is not installed: nothing was linted or run by it"
)
RECIPE = "4over6-absmax"
SHARED = ["fos_float.sv", "fos_formats.sv", f"{RECIPE}/fos_vectors.sv", "fos_dut.sv"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("top", "more"), [("fos_tb", ["--timing"]), ("fos_stream", [])])
def test_there_is_no_warning(tmp_path, top, more):
    folder = written(tmp_path / "memh", "memh", RECIPE)
    command = ["verilator", "--lint-only", *more, "--top-module", top, *SHARED, f"{top}.sv"]
    assert run(command, folder) == (0, "")


@pytest.mark.exhaustive
def test_the_testbench_passes_and_an_altered_vector_fails(tmp_path):
    folder = written(tmp_path / "memh", "memh", RECIPE)
    build = ["verilator", "--binary", "--timing", "-O0", "-CFLAGS", "-O0", "--top-module", "fos_tb"]
    assert run([*build, *SHARED, "fos_tb.sv"], folder)[0] == 0
    program = ["obj_dir/Vfos_tb", f"+dir={RECIPE}"]
    (t,) = source(RECIPE).tables()
    code, said = run(program, folder)
    assert (code, said.splitlines()[0].split(",")[0]) == (0, f"PASS: {RECIPE}: {t.rows('blocks')} blocks")
    path = folder / RECIPE / "codes.memh"
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{flipped(first)}\n{rest}")
    code, said = run(program, folder)
    assert code != 0
    assert f"FAIL: {RECIPE}: " in said
    assert f"{t.texts[0].id}: block at row 0, column 0: " in said
