"""The adder and the multipliers of the units, beside NumPy's: patterns of every kind, in pairs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from fos_ref.export.source import static
from tests.export.exported import run
from tests.export.test_verilog_float import bits, patterns

pytestmark = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="iverilog is not installed: no SystemVerilog was run"
)
BENCH = """
module bench;
  reg [31:0] a[0:COUNT-1], b[0:COUNT-1];
  reg [31:0] x, y;
  wire [31:0] sum, product, flushed, narrow;
  fos_fp32_add add (.a(x), .b(y), .sum(sum));
  fos_fp32_mul mul (.a(x), .b(y), .product(product));
  fos_fp32_mul #(.SUBNORMAL(0)) flush (.a(x), .b(y), .product(flushed));
  fos_fp32_mul #(.A_BITS(6), .B_BITS(8), .SUBNORMAL(0)) few (
      .a(x & 32'hFFFC0000), .b(y & 32'hFFFF0000), .product(narrow)
  );
  integer i, out;
  initial begin
    $readmemh("a.memh", a);
    $readmemh("b.memh", b);
    out = $fopen("out.txt", "w");
    for (i = 0; i < COUNT; i = i + 1) begin
      x = a[i];
      y = b[i];
      #1 $fdisplay(out, "%h %h %h %h", sum, product, flushed, narrow);
    end
    $fclose(out);
  end
endmodule
"""


def simulated(folder, a, b):
    (folder / "fos_fp32.sv").write_bytes(static("mac")["fos_fp32.sv"])
    (folder / "bench.sv").write_text(BENCH.replace("COUNT", str(a.size)))
    for name, words in (("a", a), ("b", b)):
        (folder / f"{name}.memh").write_text("".join(f"{w:08X}\n" for w in words))
    assert run(["iverilog", "-g2012", "-Wall", "-o", "sim", "fos_fp32.sv", "bench.sv"], folder) == (0, "")
    assert run(["vvp", "-n", "sim"], folder)[0] == 0
    lines = (folder / "out.txt").read_text().splitlines()
    return np.array([[int(w, 16) for w in line.split()] for line in lines], dtype=np.uint32).T


def flushed(a, b):
    """Return the product of normal numbers and zeros; a product below 2^-126 before rounding is zero."""
    x, y = (np.where(v & 0x7F800000 == 0, v & np.uint32(1 << 31), v).view(np.float32) for v in (a, b))
    with np.errstate(all="ignore"):
        exact = x.astype(np.float64) * y.astype(np.float64)
        zero = np.copysign(np.float32(0), exact.astype(np.float32))
        return np.where(np.abs(exact) < 2.0**-126, zero, x * y)


def check(a, b, folder):
    added, product, flush, narrow = simulated(folder, a, b)
    x, y = a.view(np.float32), b.view(np.float32)
    with np.errstate(all="ignore"):
        assert np.array_equal(added, bits(x + y))
        assert np.array_equal(product, bits(x * y))
    finite = ((a & 0x7F800000) != 0x7F800000) & ((b & 0x7F800000) != 0x7F800000)
    assert np.array_equal(flush[finite], bits(flushed(a, b))[finite])
    few = flushed(a & np.uint32(0xFFFC0000), b & np.uint32(0xFFFF0000))
    assert np.array_equal(narrow[finite], bits(few)[finite])


def test_they_are_numpy_s(tmp_path):
    check(*patterns(), tmp_path)


@pytest.mark.exhaustive
def test_a_hundred_thousand_pairs(tmp_path):
    rng = np.random.Generator(np.random.Philox(11))
    a = rng.integers(0, 1 << 32, 100_000, dtype=np.uint32)
    near = (a & 0x7F800000).astype(np.int64) + (rng.integers(-27, 28, a.size) << 23)
    b = (np.clip(near, 0, 0x7F000000) & 0x7F800000) | rng.integers(0, 1 << 23, a.size)
    b |= rng.integers(0, 2, a.size) << 31
    check(a, b.astype(np.uint32), tmp_path)
