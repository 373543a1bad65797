"""The units' designs under Icarus Verilog: the model's bits and cycles; the bench sees what is wrong."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fos_ref.export.segments import beat_files, result_files, UNITS
from fos_ref.matmul.units import mac
from tests.export.exported import flipped
from tests.export.mac.segment_folder import compiled, simulated, written
from tests.matmul.test_mac import published, VECTORS

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is not installed: no SystemVerilog was run"
)


@pytest.mark.sample(1)
@pytest.mark.parametrize("unit", UNITS)
def test_a_design_gives_the_model_s_bits_and_cycles(tmp_path, unit):
    folder = compiled(written(tmp_path, unit, 14, seed=4))
    code, said = simulated(folder)
    assert (code, said.split(":")[:2]) == (0, ["PASS", f" {unit}"])


@pytest.mark.long
def test_the_published_accumulators_come_out_of_both_designs(tmp_path):
    for unit in ("nvfp4", "if4"):
        folder = written(tmp_path / unit, unit, 1)
        results = mac(unit, published(unit))
        want = [int(v, 16) for v in VECTORS[unit]["accumulators"]]
        assert results.accumulators.view(np.uint32).tolist() == want
        package = (folder / "fos_segments.sv").read_text().splitlines()
        sizes = {"BEATS": len(published(unit).first), "RESULTS": 3}
        lines = [next((f"localparam int {k} = {v};" for k, v in sizes.items() if k in s), s) for s in package]
        (folder / "fos_segments.sv").write_text("\n".join(lines) + "\n")
        for name, data in (*beat_files(published(unit)), *result_files(results)):
            (folder / name).write_bytes(data)
        assert simulated(compiled(folder)) == (0, f"PASS: {unit}: 31 cycles, 3 results\n")


@pytest.mark.long
def test_one_bit_one_cycle_and_a_lost_line_fail(tmp_path):
    folder = compiled(written(tmp_path, "nvfp4-folded", 8, seed=9))
    assert simulated(folder)[0] == 0
    for name, said in (
        ("acc.memh", "acc is"),
        ("cycle.memh", "done is"),
        ("a.memh", "FAIL: nvfp4-folded"),
    ):
        kept = (folder / name).read_text()
        first, rest = kept.split("\n", 1)
        (folder / name).write_text(f"{flipped(first)}\n{rest}")
        code, text = simulated(folder)
        assert code != 0
        assert said in text
        assert "FAIL: nvfp4-folded: " in text
        (folder / name).write_text(kept)
    (folder / "acc.memh").write_text(rest)
    code, text = simulated(folder)
    assert code != 0
    assert "acc.memh: " in text
    assert "8 are allowed" in text


@pytest.mark.long
def test_a_code_8_stops_the_simulation_where_the_policy_says_so(tmp_path):
    folder = compiled(written(tmp_path, "nvfp4-folded", 8, seed=9, code8="assert"))
    assert simulated(folder)[0] == 0
    lines = (folder / "a.memh").read_text().splitlines()
    at = (folder / "control.memh").read_text().splitlines().index("01")
    lines[at] = "8" + lines[at][1:]
    (folder / "a.memh").write_text("\n".join(lines) + "\n")
    code, text = simulated(folder)
    assert code != 0
    assert "code 8 of a in lane 15" in text
