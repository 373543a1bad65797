"""The arithmetic that the exported designs are made of, beside NumPy's: patterns of every kind, in pairs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fos_ref.formats import E2M1, encode, UE4M3
from tests.export.exported import export, run

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is not installed: no SystemVerilog was run"
)
PAIRS = 3000
BENCH = """
module bench;
  import fos_float::*, fos_formats::*;
  reg [31:0] a[0:COUNT-1], b[0:COUNT-1];
  integer i, out;
  initial begin
    $readmemh("a.memh", a);
    $readmemh("b.memh", b);
    out = $fopen("out.txt", "w");
    for (i = 0; i < COUNT; i = i + 1)
      $fdisplay(out, "%h %h %h %h %h %h %h", f32_mul(a[i], b[i]), f32_add(a[i], b[i]), f32_sub(a[i], b[i]),
                f32_div(a[i], b[i]), {31'd0, f32_less(f32_abs(a[i]), f32_abs(b[i]))},
                {28'd0, f32_to_e2m1(a[i])}, {24'd0, f32_to_e4m3(f32_abs(a[i]))});
    $fclose(out);
  end
endmodule
"""
EDGES = [0, 1, 2, 0x7FFFFF, 0x800000, 0x800001, 0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x7F7FFFFF, 0x7F800000]
EDGES += [0x7F800001, 0x7FC00000, 0x34000000, 0x33800000, 0x1FFFFFFF, 0x20000000, 0x5F000000, 0x4B000000]


def patterns():
    """Return pairs of bits: all edges with all edges, then near exponents, then midpoints of the formats."""
    rng = np.random.Generator(np.random.Philox(7))
    edges = np.array([e | s for e in EDGES for s in (0, 1 << 31)], dtype=np.uint32)
    a, b = (m.ravel() for m in np.meshgrid(edges, edges))
    n = PAIRS - a.size
    x = rng.integers(0, 1 << 32, n, dtype=np.uint32)
    near = (x & 0x7F800000).astype(np.int64) + (rng.integers(-30, 31, n) << 23)
    y = rng.integers(0, 1 << 23, n) | (np.clip(near, 0, 0x7F000000) & 0x7F800000) | (x & 0x80000000)
    few = rng.integers(0, 1 << 12, n // 2) << 19  # on codes and midpoints, with exponents of E4M3 and E2M1
    x[: n // 2] = (few + (rng.integers(-1, 2, n // 2)) + 0x3A000000) & 0xFFFFFFFF
    return np.concatenate([a, x]), np.concatenate([b, y.astype(np.uint32)])


def bits(values):
    a = np.asarray(values, dtype=np.float32)
    return np.where(np.isnan(a), np.uint32(0x7FC00000), a.view(np.uint32))


def test_float32_and_the_conversions_are_those_of_numpy_and_of_the_codec(tmp_path):
    files = export("memh", "4over6-absmax")
    for name in ("fos_float.sv", "fos_formats.sv"):
        (tmp_path / name).write_bytes(files[name])
    a, b = patterns()
    (tmp_path / "bench.sv").write_text(BENCH.replace("COUNT", str(a.size)))
    for name, words in (("a", a), ("b", b)):
        (tmp_path / f"{name}.memh").write_text("".join(f"{w:08X}\n" for w in words))
    command = ["iverilog", "-g2012", "-Wall", "-o", "sim", "fos_float.sv", "fos_formats.sv", "bench.sv"]
    assert run(command, tmp_path) == (0, "")
    assert run(["vvp", "-n", "sim"], tmp_path)[0] == 0
    got = np.array(
        [[int(w, 16) for w in line.split()] for line in (tmp_path / "out.txt").read_text().splitlines()]
    )
    x, y = a.view(np.float32), b.view(np.float32)
    with np.errstate(all="ignore"):
        want = [bits(x * y), bits(x + y), bits(x - y), bits(x / y), np.abs(x) < np.abs(y)]
    want += [encode(x, E2M1), encode(np.abs(x), UE4M3)]
    assert got.shape == (a.size, len(want))
    for k, column in enumerate(want):
        wrong = np.nonzero(got[:, k] != column)[0]
        assert [(k, f"{a[i]:08X} {b[i]:08X} {got[i, k]:X} {int(column[i]):X}") for i in wrong[:5]] == []
