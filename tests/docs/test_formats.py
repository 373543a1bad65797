"""The formats of docs/numerics.md: N1's tables of formats and of integers beside floats, N7k, N9d."""

from __future__ import annotations

import re

import numpy as np

from fos_ref.formats import decode, FORMATS, INT4
from fos_ref.formats.bits import f32_bits, f32_hex
from fos_ref.model.candidates import e4m3_half_up
from fos_ref.model.elements import cast_integer, ELEMENT_FORMAT
from fos_ref.model.errors import input_amax
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import ElementFormat
from fos_ref.recipes.elements import element
from tests.docs.document import read_tables, text_of

TEXT = text_of("numerics.md")
TABLES = read_tables(TEXT)
ROWS = {element(f).first.format.name: element(f) for f in ElementFormat}
ONE = np.float32(1)


def test_n1_every_element_format_is_in_the_table():
    named = {f.name for e in map(element, ElementFormat) for f in e.formats}
    assert {row[0] for row in TABLES["format"][1]} == named


def test_n1_the_table_of_formats():
    for name, bits, largest, smallest, nan, exponent in TABLES["format"][1]:
        fmt = FORMATS[name]
        values = decode(np.arange(fmt.max_code + 1), fmt)
        assert (str(fmt.bits), float(largest), float(smallest)) == (bits, values[-1], values[1]), name
        assert nan == ("none" if fmt.nan_code is None else f"{fmt.nan_code:X}")
        assert 2.0 ** int(exponent) <= values[-1] < 2.0 ** (int(exponent) + 1)
        assert ROWS[name].exponent == int(exponent)
        assert ROWS[name].maximum == values[-1]


def test_n1_the_constants_of_integers_beside_floats():
    pairs = [f for f in ElementFormat if element(f).second is not None]
    assert len(pairs) == len(TABLES["formats"][1])
    by_names = {", ".join(x.name for x in element(f).formats): ELEMENT_FORMAT[f] for f in pairs}
    for names, r, u in TABLES["formats"][1]:
        floats, integers = by_names[names]
        for cell, constant in ((r, integers.rescale), (u, integers.unit)):
            written = re.match(r"(?:RN\(([\d./]+)\)|([\d.]+)) = ([0-9A-F]{8})", cell)
            top, _, bottom = (written[1] or written[2]).partition("/")
            assert f32_hex(np.float32(float(top) / float(bottom or 1))) == written[3] == f32_hex(constant)
        assert (floats.rescale, floats.unit) == (ONE, ONE)
    assert f32_hex(np.float32(7.5 / 31)) in TEXT


def test_n7k_the_casts_of_ggml_that_part_from_e4m3():
    base = np.float32([np.nextafter(np.float32(2.0**-10), np.float32(0)), 2.0**-10, 7.5 * 2.0**-9])
    assert e4m3_half_up(base)[0].tolist() == [1, 1, 7]
    base = np.float32([np.nextafter(np.float32(248), np.float32(0)), 248, 300, 447, np.inf, np.nan, 0, -1])
    assert e4m3_half_up(base)[0].tolist() == [0x77, 0x7E, 0x7E, 0x7E, 0x7E, 0, 0, 0]
    assert "the codes 78 to 7D never come out" in TEXT


def test_n9d_int4():
    y = np.float32([np.nan, -np.inf, -7.6, -6.5, -0.4, 0.5, 1.5, 6.5, 9])
    codes, values = cast_integer(y, INT4)
    assert codes.tolist() == [0, 9, 9, 10, 0, 0, 2, 6, 7]
    assert values.tolist() == [0, -7, -7, -6, 0, 0, 2, 6, 7]
    assert f"RN(7/6) = {f32_hex(ELEMENT_FORMAT[ElementFormat.E2M1_OR_INT4][1].rescale)}" in TEXT


def test_n10_formula_of_int4_beside_e2m1():
    g = np.random.default_rng(6)
    q, s, x, amax = (np.exp2(g.uniform(-8, 8, 4096)).astype(np.float32) for _ in range(4))
    unit, c = ELEMENT_FORMAT[ElementFormat.E2M1_OR_INT4][1].unit, np.float32(1536)
    assert f32_hex(unit) == re.search(r"u = RN\(6/7\) = (\w{8})", TEXT)[1]
    written = re.search(r"`d = ([^`]+)`", TEXT[TEXT.index("- **IF4:**") :])[1]
    want = eval(written, {}, {"q": q, "s": s, "x": x, "A": amax, "u": unit, "C": c})  # noqa: S307 -- text of this repository
    t = Scales(amax=amax, encode=ONE, decode=ONE, range_max=c, dtype=np.dtype(np.float32))
    assert f32_bits(input_amax(q, s, x, t, unit)).tolist() == f32_bits(want).tolist()
