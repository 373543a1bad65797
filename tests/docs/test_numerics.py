"""docs/numerics.md is run, recomputed and compared with the recipes: text and model cannot part."""

import importlib
import re
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref.formats import decode, E2M1, E4M3, encode
from fos_ref.formats.bits import f32_bits, f32_hex, from_f32_hex
from fos_ref.model.candidates import MAP4_SCALE
from fos_ref.model.dequantize import DEQUANTIZE
from fos_ref.model.errors import ERROR_DOMAIN, ERROR_TERM
from fos_ref.model.quantize import tensor_amax
from fos_ref.model.reduce import FUSED_REDUCE, REDUCE
from fos_ref.model.rounding import fma, to_dtype
from fos_ref.model.scales import BLOCK_SCALE, TENSOR_SCALE
from fos_ref.model.scaling import ELEMENT_SCALING
from fos_ref.model.trace import Blocks, Scales
from fos_ref.model.trial import trial_difference
from fos_ref.recipes.axes import (
    BlockScale,
    Dequantize,
    ElementScaling,
    ErrorDomain,
    ErrorMetric,
    Map4Scale,
    NonFinite,
    Reduction,
    TensorScale,
)
from fos_ref.recipes.recipe import field_kind, MX_BLOCK_SCALES, SCALE_BOUNDS
from tests.docs.document import failing_examples, matching, near_power, read_tables, RECIPES, ROOT, text_of

TEXT = text_of("numerics.md")
AXES = [*next(iter(RECIPES.values())).axes()]
PAPER_CODES = 4  # the paper's block has four values

X = np.float32(
    [[-2.5, -0.21875, 0.78125, 0.25, -1.75, 0, 0.875, 0.40625, -1.375, 3.46875, -0.5, 0.875, -0.0, 1.25, 1]]
)
X = np.append(X, np.float32([[-0.78125]]), axis=1)
A, C = np.float32(6.53125), np.float32(1536)
R = fos_ref.recipe("4over6")  # C = 6 * 256
ONE, SIX = np.float32(1), np.float32(6)
DTYPES = [np.dtype(d) for d in (np.float32, np.float16, ml_dtypes.bfloat16)]


TABLES = read_tables(TEXT)


def test_every_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 40, "the examples were not found"
    assert report == ""


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
    values = [v.strip("`").replace("\\|", "|") for v, *_ in rows]
    bounds = {r.scale_max for r in RECIPES.values()}
    allowed = bounds if axis == "scale_max" else [m.value for m in field_kind(axis)]
    assert sorted(values) == sorted(map(str, allowed))
    used = {n: str(getattr(v := r.axes()[axis], "value", v)) for n, r in RECIPES.items()}
    named = {v: matching(row[-1]) for v, row in zip(values, rows, strict=True) if row[-1] != "all others"}
    rest = {n for n, v in used.items() if v != "None"}.difference(*named.values())
    assert len(values) - len(named) <= 1
    for value in values:
        assert named.get(value, rest) == {n for n, v in used.items() if v == value}, f"{axis} = {value}"


@pytest.mark.parametrize("row", TABLES["`tensor_scale`"][1], ids=lambda row: row[0])
def test_n3_specials_of_the_tensor_scale(row):
    says = {"S = 0": 0.0, "S = 1": 1.0, "S = FLT_MAX": np.finfo(np.float32).max, "S infinite": np.inf}
    step = TENSOR_SCALE[TensorScale(row[0].strip("`"))]
    for amax, cell in zip((0.0, 1e-37, np.inf), row[1:4], strict=True):
        with np.errstate(all="ignore"):
            s, _ = step(np.float32(amax), R, np.dtype(np.float32))
        assert s == says[re.split(r"[:,]", cell)[0]], f"A = {amax}"


def formula(label, symbol):
    """Return the document's own formula for `symbol`, under `label`, as a function of named operands."""
    place = TEXT.index(f"- **{label}:**")
    written = re.search(rf"`{symbol} = ([^`]+)`", TEXT[place:])
    assert written is not None
    code = compile(written[1], f"{label}", "eval")
    names = {"min": np.minimum, "RN": np.float32, "FLT_MAX": np.finfo(np.float32).max, "fma": fma}
    names |= {f.name: lambda v, f=f: decode(encode(v, f), f).astype(np.float32) for f in (E2M1, E4M3)}
    return lambda **operands: eval(code, names, operands)  # noqa: S307 -- text of this repository


def operands(seed, lo=-8.0, hi=8.0):
    """Return 4096 positive float32 values with full significands, from 2^lo to 2^hi."""
    return np.exp2(np.random.default_rng(seed).uniform(lo, hi, 4096)).astype(np.float32)


def assert_same_bits(got, want):
    assert np.asarray(got).dtype == np.float32
    assert f32_bits(got).tolist() == f32_bits(want).tolist()


def scales(amax=A, encode_scale=ONE, decode_scale=ONE, dtype=DTYPES[0]):
    return Scales(amax=amax, encode=encode_scale, decode=decode_scale, range_max=C, dtype=dtype)


def labels(axis):
    """Return (label, value) per row of an axis table."""
    header, rows = TABLES[f"`{axis}`"]
    return [(row[header.index("label")], row[0].strip("`").replace("\\|", "|")) for row in rows]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("label", "value"), labels("tensor_scale"))
def test_n3_formulas(label, value, dtype):
    amax = operands(1)
    known = {"C": C, "M": np.float32(256), "E": SIX, "A": amax, "RN_T": lambda v: to_dtype(v, dtype)}
    symbols = re.findall("`([SD]) = ", TEXT[TEXT.index(f"- **{label}:**") :])[:2]
    with np.errstate(over="ignore"):  # C / A in float16
        s, d = TENSOR_SCALE[TensorScale(value)](amax, R, dtype)
        for symbol in symbols:
            known[symbol] = formula(label, symbol)(**known)
    if label == "N3e":
        finite = np.isfinite(known["S"])
        assert finite.all() == (dtype != np.float16)
        known = {k: np.where(finite, known[k], ONE) for k in "SD"}
    assert_same_bits(s, np.ones_like(amax) * known["S"])
    assert_same_bits(d, np.ones_like(amax) * known["D"])


def test_n3_given_encode_scale():
    for s in operands(15)[:16]:
        t = fos_ref.trace(X, "4over6", encode_scale=s)
        assert_same_bits(t.encode_scale, s)
        assert_same_bits(t.decode_scale, np.float32(1) / s)
        assert_same_bits(t.tensor_amax, (np.float32(1) / s) * C)


def test_n3_given_tensor_scale():
    for d in operands(15)[:16]:
        t = fos_ref.trace(X, "4over6", tensor_scale=d)
        assert_same_bits(t.decode_scale, d)
        assert_same_bits(t.encode_scale, np.float32(1) / d)
        assert_same_bits(t.tensor_amax, d * C)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("element_max", np.float32([6, 4, 7]))
@pytest.mark.parametrize(("label", "value"), labels("block_scale"))
def test_n5_formulas(label, value, element_max, dtype):
    b, t = operands(2), scales(operands(16), operands(3), operands(17), dtype)
    known = {"b": b, "A": t.amax, "S": t.encode, "D": t.decode, "E": element_max, "M": np.float32(256)}
    known |= {"P": lambda v: near_power(v, DTYPES[0]), "P_T": lambda v: near_power(v, dtype)}
    want = formula(label, "base")(**known, RN_T=lambda v: to_dtype(v, dtype))
    assert_same_bits(BLOCK_SCALE[BlockScale(value)](b, t, element_max, R), want)


@pytest.mark.parametrize("block_scale", [m for m in BlockScale if m not in MX_BLOCK_SCALES])
@pytest.mark.parametrize(("label", "value"), labels("map4_scale"))
def test_n6_formulas(label, value, block_scale):
    r, b, t = (
        replace(R, block_scale=block_scale),
        operands(4),
        scales(operands(16), operands(3), operands(17)),
    )
    n5 = BLOCK_SCALE[block_scale]
    base = n5(b, t, SIX, r)
    known = {"base": base, "b": b, "E": SIX, "D": t.decode}
    want = formula(label, "base4")(**known, N5=lambda b, m: n5(b, t, np.float32(m), r))
    assert_same_bits(MAP4_SCALE[Map4Scale(value)](base, b, t, r), want)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("label", "value"), labels("element_scaling"))
def test_n8_formulas(label, value, dtype):
    x, s = operands(5).reshape(256, 1, 16), operands(18)[:256, None]
    t = scales(A, operands(3)[:256, None], operands(17)[:256, None], dtype)
    with np.errstate(over="ignore"):
        m, y = ELEMENT_SCALING[ElementScaling(value)](x, s, t, R)
        assert_same_bits(m, formula(label, "m")(s=s, D=t.decode, S=t.encode))
        known = {"x": x, "m": m[..., None], "S": t.encode[..., None], "D": t.decode[..., None]}
        assert_same_bits(y, formula(label, "y")(**known, RN_T=lambda v: to_dtype(v, dtype)))


@pytest.mark.parametrize(
    ("label", "value"), [row for row in labels("error_domain") if row[1] not in ("trial", "unscaled")]
)
def test_n10_formulas(label, value):
    q, x, amax, s_enc, s_dec, s = (operands(6 + i) for i in range(6))
    written = formula(label, "d")(q=q, s=s, x=x, A=amax, S=s_enc, D=s_dec, C=C)
    step = ERROR_DOMAIN[ErrorDomain(value)]
    assert_same_bits(step(q, s, x, scales(amax, s_enc, s_dec), ONE), written)


@pytest.mark.parametrize("bound", SCALE_BOUNDS)
def test_n10_formulas_of_the_trial(bound):
    x = operands(9, -3, 1).reshape(256, 1, 16) * np.float32([1, -1] * 8)
    amax, b = np.float32(2.3), abs(x).max(-1)
    known = {"A": amax, "M": np.float32(bound), "b": b[..., None], "x": x}
    for symbol in "akzd":
        known[symbol] = formula("N10g", symbol)(**known)
    r = replace(R, scale_max=bound)
    assert_same_bits(trial_difference(Blocks(x=x, amax=b, scales=scales(amax)), r), known["d"])


@pytest.mark.parametrize("reduction", [Reduction.HALVES, *filter(None, FUSED_REDUCE)], ids=lambda r: r.value)
def test_n12_orders_over_16(reduction):
    d = operands(19).reshape(256, 16)
    fused = formula("fma-sequential", "e")

    def in_order(columns):
        total = np.float32(0) * d[:, 0]
        for i in columns:
            total = fused(d=d[:, i], e=total) if reduction in FUSED_REDUCE else total + d[:, i]
        return total

    first, second = range(8), range(8, 16)
    want = {
        Reduction.HALVES: lambda: in_order(first) + in_order(second),
        Reduction.FUSED_SEQUENTIAL: lambda: in_order(range(16)),
        Reduction.FUSED_EVEN_ODD: lambda: (
            (in_order(first[::2]) + in_order(first[1::2])) + (in_order(second[::2]) + in_order(second[1::2]))
        ),
    }[reduction]()
    assert_same_bits({**REDUCE, **FUSED_REDUCE}[reduction](d), want)


@pytest.mark.parametrize(("policy", "want"), [(NonFinite.PROPAGATE, np.nan), (NonFinite.DROP_NAN, 2.0)])
def test_n2_maxima_and_nan(policy, want):
    assert np.array_equal(
        tensor_amax(np.float32([[1, np.nan], [0, -2]]), replace(R, nonfinite=policy)), want, equal_nan=True
    )


def test_n11_terms():
    d = np.append(-operands(11), operands(12))
    assert_same_bits(ERROR_TERM[ErrorMetric.MSE](d), d * d)
    for metric in (ErrorMetric.MAE, ErrorMetric.ABS_MAX):
        assert_same_bits(ERROR_TERM[metric](d), abs(d))
    assert_same_bits(
        ERROR_TERM[ErrorMetric.POWER](d), (abs(d).astype(float) ** float(np.float32(2.4))).astype(d.dtype)
    )


@pytest.mark.parametrize("row", TABLES["`dequantize`"][1], ids=lambda row: row[0])
def test_n14_formulas(row):
    value = row[0].strip("`")
    q, s = decode(np.arange(1, 8), E2M1).astype(np.float32), np.float32(0.8125)
    amax, s_dec = operands(13)[:, None], operands(14)[:, None]
    known = {"q": q, "s": s, "A": amax, "D": s_dec, "S": np.float32(1) / s_dec, "C": C}
    written = eval(value, {}, known)  # noqa: S307 -- ours
    t = Scales(amax=amax, encode=known["S"], decode=s_dec, range_max=C, dtype=np.dtype(np.float32))
    assert_same_bits(DEQUANTIZE[Dequantize(value)](q, s, t), written)


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
