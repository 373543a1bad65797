"""docs/numerics.md is run, recomputed and compared with the recipes: text and model cannot part."""

import doctest
import importlib
import re
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.formats import decode, E2M1, E4M3, encode
from fos_ref.formats.bits import f32_bits, f32_hex, from_f32_hex
from fos_ref.model.dequantize import DEQUANTIZE
from fos_ref.model.errors import ERROR_DOMAIN, ERROR_TERM
from fos_ref.model.scales import BLOCK_SCALE, MAP4_SCALE, TENSOR_SCALE
from fos_ref.model.trace import Scales
from fos_ref.recipes.axes import BlockScale, Dequantize, ErrorDomain, ErrorMetric, TensorScale
from fos_ref.recipes.recipe import field_kind, SCALE_BOUNDS

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "numerics.md"
TEXT = DOC.read_text(encoding="utf-8")
RECIPES = {r.name: r for r in fos_ref.PRESETS.values()}
AXES = [*next(iter(RECIPES.values())).axes()]
PAPER_CODES = 4  # the paper's block has four values

X = np.float32(
    [[-2.5, -0.21875, 0.78125, 0.25, -1.75, 0, 0.875, 0.40625, -1.375, 3.46875, -0.5, 0.875, -0.0, 1.25, 1]]
)
X = np.append(X, np.float32([[-0.78125]]), axis=1)
A, C = np.float32(6.53125), np.float32(1536)


def read_tables() -> dict[str, tuple[list[str], list[list[str]]]]:
    """Return {first header cell: (header, rows)} of every table of the document."""
    found = {}
    for block in re.findall(r"(?:^\|.*\n)+", TEXT, flags=re.MULTILINE):
        header, _, *rows = ([c.strip() for c in line.strip("|").split(" |")] for line in block.splitlines())
        assert all(len(row) == len(header) for row in rows), header
        assert header[0] not in found, f"two tables are called {header[0]}"
        found[header[0]] = (header, rows)
    return found


TABLES = read_tables()


def test_every_example_prints_what_the_document_says():
    fences_removed = re.sub(r"^```.*$", "", TEXT, flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(fences_removed, {}, DOC.name, str(DOC), 0)
    report: list[str] = []
    result = doctest.DocTestRunner().run(examples, out=report.append)
    assert result.attempted >= 25, "the examples were not found"
    assert result.failed == 0, "".join(report)


def test_labels_of_the_document_and_of_the_code_are_the_same():
    in_code = set()
    for path in (ROOT / "fos_ref").rglob("*.py"):
        in_code |= set(re.findall(r"\bN\d{1,2}[a-z]?\b", path.read_text(encoding="utf-8")))
    headings = re.findall(r"^## (N\d+)\. ", TEXT, flags=re.MULTILINE)
    assert headings == [f"N{i}" for i in range(1, 17)]
    variants = re.findall(r"^- \*\*(N\d+[a-z]):\*\*", TEXT, flags=re.MULTILINE)
    assert {v for v in in_code if not v[-1].isdigit()} == set(variants)
    assert {v for v in in_code if v[-1].isdigit()} <= set(headings)


def test_every_place_in_the_code_exists():
    places = re.findall(r"`(fos_ref/[\w/]+\.py)::(\w+)`", TEXT)
    assert len(places) > 20
    for path, symbol in places:
        module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        assert hasattr(module, symbol), f"{path}::{symbol}"


@pytest.mark.parametrize("axis", AXES)
def test_axis_table_has_every_value_and_exactly_its_presets(axis):
    header, rows = TABLES[f"`{axis}`"]
    assert header[-1] == "presets"
    values = [v.strip("`") for v, *_ in rows]
    allowed = SCALE_BOUNDS if axis == "scale_max" else [m.value for m in field_kind(axis)]
    assert sorted(values) == sorted(map(str, allowed))
    for value, row in zip(values, rows, strict=True):
        used = {n for n, r in RECIPES.items() if str(getattr(v := r.axes()[axis], "value", v)) == value}
        assert matching(row[-1]) == used, f"{axis} = {value}"


def matching(cell):
    """Return the presets that a cell's patterns name; a shape-less pattern does not reach 16x16 tiles."""
    patterns = re.findall(r"`([^`]+)`", cell)
    named = {p: {n for n in RECIPES if fnmatchcase(n, p)} for p in patterns}
    assert all(named.values()), f"a pattern names nothing: {named}"
    return set().union(*named.values())


@pytest.mark.parametrize("row", TABLES["`tensor_scale`"][1], ids=lambda row: row[0])
def test_n3_specials_of_the_tensor_scale(row):
    says = {"S = 0": 0.0, "S = 1": 1.0, "S = FLT_MAX": np.finfo(np.float32).max, "S infinite": np.inf}
    step = TENSOR_SCALE[TensorScale(row[0].strip("`"))]
    for amax, cell in zip((0.0, 1e-37, np.inf), row[1:4], strict=True):
        with np.errstate(all="ignore"):
            s, _ = step(np.float32(amax), C)
        assert s == says[re.split(r"[:,]", cell)[0]], f"A = {amax}"


def formula(label, symbol):
    """Return the document's own formula for `symbol`, under `label`, as a function of named operands."""
    place = f"**{label}:**" if label[-1].isalpha() else f"## {label}. "
    written = re.search(rf"`{symbol} = ([^`]+)`", TEXT[TEXT.index(place) :])
    assert written is not None
    code = compile(written[1], f"{DOC.name} {label}", "eval")
    names = {"min": np.minimum, "RN": np.float32, "FLT_MAX": np.finfo(np.float32).max}
    return lambda **operands: eval(code, names, operands)  # noqa: S307 -- text of this repository


def operands(seed, lo=-8.0, hi=8.0):
    """Return 4096 positive float32 values with full significands, from 2^lo to 2^hi."""
    return np.exp2(np.random.default_rng(seed).uniform(lo, hi, 4096)).astype(np.float32)


def assert_same_bits(got, want):
    assert np.asarray(got).dtype == np.float32
    assert f32_bits(got).tolist() == f32_bits(want).tolist()


@pytest.mark.parametrize("step", TENSOR_SCALE.values(), ids=lambda f: f.__name__)
def test_n3_formula(step):
    amax = operands(1)
    s, d = step(amax, C)
    assert_same_bits(s, formula("N3", "S")(C=C, A=amax))
    assert_same_bits(d, formula("N3", "D")(S=s))


def test_n3_given_tensor_scale():
    for d in operands(15)[:16]:
        t = fos_ref.trace(X, "4over6", tensor_scale=d)
        assert_same_bits(t.decode_scale, d)
        assert_same_bits(t.encode_scale, np.float32(1) / d)
        assert_same_bits(t.tensor_amax, d * C)


@pytest.mark.parametrize("element_max", np.float32([6, 4]))
@pytest.mark.parametrize(("label", "axis"), [("N5a", "(b/6)*S"), ("N5b", "b*(S*(1/6))")])
def test_n5_formulas(label, axis, element_max):
    b, s = operands(2), operands(3)
    want = formula(label, "base")(b=b, S=s, E=element_max)
    assert_same_bits(BLOCK_SCALE[BlockScale(axis)](b, s, element_max), want)


def test_n6_formula():
    base = operands(4)
    for step in MAP4_SCALE.values():
        assert_same_bits(step(base), formula("N6", "base4")(base=base))


def test_n8_formulas():
    x = operands(5).reshape(2, 128, 16)
    for name in ("4over6", "fouroversix-mse"):
        t = fos_ref.trace(x.reshape(2, -1), name)
        for c in (t.map6, t.map4):
            assert_same_bits(c.multiplier, formula("N8", "m")(s=c.scale, D=t.decode_scale))
            assert_same_bits(c.scaled, formula("N8", "y")(x=x, m=c.multiplier[..., None]))


@pytest.mark.parametrize("row", TABLES["`error_domain`"][1], ids=lambda row: row[1])
def test_n10_formulas(row):
    product, x, amax, s_enc, s_dec = (operands(6 + i) for i in range(5))
    t = Scales(amax=amax, encode=s_enc, decode=s_dec, range_max=C)
    written = formula(row[1], "d")(q=product, s=np.float32(1), x=x, A=amax, S=s_enc, D=s_dec, C=C)
    assert_same_bits(ERROR_DOMAIN[ErrorDomain(row[0].strip("`"))](product, x, t), written)


def test_n11_terms():
    d = np.append(-operands(11), operands(12))
    assert_same_bits(ERROR_TERM[ErrorMetric.MSE](d), d * d)
    for metric in (ErrorMetric.MAE, ErrorMetric.ABS_MAX):
        assert_same_bits(ERROR_TERM[metric](d), abs(d))


@pytest.mark.parametrize("row", TABLES["`dequantize`"][1], ids=lambda row: row[0])
def test_n14_formulas(row):
    value = row[0].strip("`")
    q, s = decode(np.arange(1, 8), E2M1).astype(np.float32), np.float32(0.8125)
    amax, s_dec = operands(13)[:, None], operands(14)[:, None]
    written = eval(value, {}, {"q": q, "s": s, "A": amax, "D": s_dec, "C": C})  # noqa: S307 -- ours
    assert_same_bits(DEQUANTIZE[Dequantize(value)](q, s, amax, s_dec, C), written)


def test_n16_formula():
    linear = np.arange(256 * 8).reshape(256, 8)
    place = re.search(r"`(\(\(r // 128\)[^`]+)`", TEXT)[1]
    r, k = np.divmod(linear, 8)
    at = eval(place, {}, {"r": r, "k": k, "KT": 2})  # noqa: S307 -- text of this repository
    scales = (linear % 251).astype(np.uint8)
    assert np.array_equal(fos_ref.swizzle(scales)[at], scales)


def test_n1_table_of_e2m1():
    rows = TABLES["E2M1 code"][1]
    assert [int(code) for code, *_ in rows] == list(range(8))
    for code, value, midpoint, tie in rows:
        c = int(code)
        assert decode(np.array([c, c | 8]), E2M1).tolist() == [float(value), -float(value)]
        if c == 7:
            assert encode(np.array(np.inf), E2M1) == int(tie)
            continue
        middle = np.float32(midpoint)
        assert encode(np.array([middle]), E2M1) == int(tie)
        assert encode(np.nextafter(middle, np.float32([-9, 9])), E2M1).tolist() == [c, c + 1]


def test_n1_table_of_e4m3():
    rows = TABLES["E4M3 byte"][1]
    assert len(rows) == 9
    for byte, value, _ in rows:
        assert np.array_equal(decode(np.array(int(byte, 16)), E4M3), float(value), equal_nan=True)
        assert encode(np.array(float(value)), E4M3) == int(byte, 16)
    assert encode(np.array(2.0**-10), E4M3) == 0


@pytest.fixture(scope="module")
def worked():
    return fos_ref.trace(X, "4over6", amax=A)


def assert_bits_and_value(bits, value, want):
    assert bits == f32_hex(want)
    assert f32_hex(np.float32(value)) == bits, f"{value} is not {bits}"


def test_worked_block_shared_steps(worked):
    t = worked
    want = {
        "A": A,
        "S": t.encode_scale,
        "D": t.decode_scale,
        "b": t.block_amax[0, 0],
        "base": t.base[0, 0],
    }
    rows = TABLES["shared"][1]
    assert [name for name, *_ in rows] == [*want]
    for name, _, bits, value in rows:
        assert_bits_and_value(bits, value, want[name])


def test_worked_block_candidates(worked):
    rows = {row[0]: row[2:] for row in TABLES["candidate"][1]}
    assert [*rows] == ["base", "byte", "s * D", "m", "e"]
    for at, c in ((0, worked.map6), (2, worked.map4)):
        want = {"base": c.base, "s * D": c.scale * worked.decode_scale, "m": c.multiplier, "e": c.error}
        for name, array in want.items():
            assert_bits_and_value(rows[name][at], rows[name][at + 1], array[0, 0])
        assert rows["byte"][at] == f"{c.scale_code[0, 0]:02X}"
        assert float(rows["byte"][at + 1]) == c.scale[0, 0]


@pytest.mark.parametrize("name", ["map6", "map4"])
def test_worked_block_elements(worked, name):
    c = getattr(worked, name)
    v = c.values[0, 0] * c.scale[0, 0] * A / C
    d = v - X[0]
    total = np.float32(0)
    for i, row in enumerate(TABLES[f"map-to-{name[-1]}"][1]):
        index, x, x_bits, y_bits, y, code, q, v_bits, d_bits, term_bits = row
        assert int(index) == i
        assert_bits_and_value(x_bits, x, X[0, i])
        assert (y_bits, y) == (f32_hex(c.scaled[0, 0, i]), f"{c.scaled[0, 0, i]:.4f}")
        assert (code, q) == (f"{c.codes[0, 0, i]:X}", f"{c.values[0, 0, i]:g}")
        assert (v_bits, d_bits) == (f32_hex(v[i]), f32_hex(d[i]))
        assert term_bits == f32_hex(d[i] * d[i])
        total = total + from_f32_hex(term_bits)
    assert i == 15
    assert f32_hex(total) == f32_hex(c.error[0, 0])


@pytest.mark.parametrize("row", TABLES["preset"][1], ids=lambda row: row[0].strip("`"))
def test_worked_block_under_other_presets(row):
    name, e6, e4, kept, scale, codes = row
    t = fos_ref.trace(X, name.strip("`"), amax=A)
    errors = [None if c is None or c.error is None else f32_hex(c.error[0, 0]) for c in (t.map6, t.map4)]
    assert errors == [None if e == "none" else e for e in (e6, e4)]
    q = fos_ref.quantize(X, name.strip("`"), amax=A)
    assert (kept == "4") == bool(q.picked4[0, 0])
    assert (scale, codes) == (f"{q.block_scales[0, 0]:02X}", q.codes.tobytes().hex(" ").upper())


def test_papers_block():
    x = np.zeros((1, 16), np.float32)
    x[0, :PAPER_CODES] = 10, 20, 30, 40
    t = fos_ref.trace(x, "4over6", tensor_scale=1.0)
    rows = TABLES["paper"][1]
    assert [row[0] for row in rows] == ["map-to-6", "map-to-4"]
    for (_, base, byte, s, codes, values, mse), c in zip(rows, (t.map6, t.map4), strict=True):
        v = (c.values * c.scale[..., None])[0, 0, :PAPER_CODES]
        assert (base, byte) == (f32_hex(c.base[0, 0]), f"{c.scale_code[0, 0]:02X}")
        assert float(s) == c.scale[0, 0]
        assert codes.split() == [f"{k:X}" for k in c.codes[0, 0, :PAPER_CODES]]
        assert [float(k) for k in values.split()] == v.tolist()
        assert float(mse) == ((v - x[0, :PAPER_CODES]).astype(np.float64) ** 2).mean()
