"""The models: each accumulator against rational numbers, and the vectors that tell accumulators apart."""

from fractions import Fraction

import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.errors import InputError
from fos_ref.matmul.accumulate import accumulate, Accumulator, Order, Terms
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.matmul.models import MODELS
from fos_ref.matmul.operand import operands
from fos_ref.oracle import products as rational
from tests.matmul.lines import drawn, lines, tensor

ACCUMULATORS = {
    "te": lambda x, y: rational.sequential(rational.group_terms(x, y)),
    "cutlass": lambda x, y: rational.sequential(rational.element_terms(x, y)),
    "blackwell-fp4": rational.tensor_core,
    "hopper-f16": lambda x, y: rational.half_core(x, y, 25, 16),
    "ampere-f16": lambda x, y: rational.half_core(x, y, 24, 8),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("model", list(ACCUMULATORS))
@pytest.mark.parametrize("recipe", ["nvfp4", "fouroversix-nvint4"])
def test_an_accumulator_is_the_rational_one(model, recipe):
    rng = np.random.default_rng(20)
    inexact = 0
    for spread in (None, 5, 60):
        a, b = (drawn(rng, 3, 128, recipe, spread) for _ in range(2))
        got = matmul.raw(a, b, model)
        exact = matmul.exact(a, b)
        for i, x in enumerate(lines(a)):
            for j, y in enumerate(lines(b)):
                assert Fraction(float(got.total[i, j])) == ACCUMULATORS[model](x, y)
        error = np.abs(got.total.astype(np.float64) - exact.astype(np.float64))
        assert np.all(error <= got.bound)
        inexact += int(np.count_nonzero(error))
    assert inexact


@pytest.mark.parametrize("model", ["te", "blackwell-fp4"])
def test_mx_blocks_of_32_are_two_groups(model):
    rng = np.random.default_rng(21)
    a, b = (drawn(rng, 3, 128, "ocp-mxfp4", 30) for _ in range(2))
    got = matmul.raw(a, b, model).total
    want = [[ACCUMULATORS[model](x, y) for y in lines(b)] for x in lines(a)]
    assert [[Fraction(v) for v in row] for row in got.tolist()] == want


# --- the vectors of docs/products.md ---------------------------------------------------------------------


def row(*blocks):
    """Return a row of blocks (scale byte, leading codes)."""
    codes = [c + [0] * (16 - len(c)) for _, c in blocks]
    return tensor(np.concatenate(codes)[None], [[s for s, _ in blocks]])


def pair(*blocks):
    """Return (a, b) of blocks (scale byte, codes of a, codes of b)."""
    return row(*((s, a) for s, a, _ in blocks)), row(*((s, b) for s, _, b in blocks))


def step(*blocks):
    """Return blocks that fill whole instructions of 64."""
    return [*blocks, *[(0, [], [])] * (-len(blocks) % 4)]


UP, DOWN = (0x7E, [7], [7]), (0x7E, [7], [15])
SIXTEEN = (0x78, [6] * 16, [6] * 16)
UNIT = (0x38, [2], [2])
VECTORS = {
    "V1": pair(UP, (0x01, [1], [1]), DOWN, (0, [], [])),
    "V1b": pair(UP, (0x01, [1], [2]), DOWN, (0, [], [])),
    "V1c": pair(UP, (0x01, [2], [2]), DOWN, (0, [], [])),
    "V2": pair(*step((0x01, [1], [1])), *step(UP), *step(DOWN)),
    "V3": pair(*step(SIXTEEN), *step((0x38, [2], [3]))),
    "V4": pair(*step(SIXTEEN), *[b for _ in range(63) for b in step(UNIT)]),
    "V4b": pair(*[b for _ in range(63) for b in step(UNIT)], *step(SIXTEEN)),
    "V4c": pair(*step(SIXTEEN), *[b for _ in range(21) for b in step(UNIT, UNIT, UNIT)]),
    "V5": pair(*step(SIXTEEN), *step((0x38, [2] * 15, [2] * 8 + [10] * 7))),
}
BIG24 = 1 << 24
TABLE = {  # exact, te, te reversed, cutlass, 35 bits, 34 bits, 25 bits
    "V1": (2.0**-20, 0, 0, 0, 0, 0, 0),
    "V1b": (2.0**-19, 0, 0, 0, 2.0**-19, 0, 0),
    "V1c": (2.0**-18, 0, 0, 0, 2.0**-18, 2.0**-18, 0),
    "V2": (2.0**-20, 0, 2.0**-20, 0, 0, 0, 0),
    "V3": (BIG24 + 1.5, BIG24 + 2, BIG24 + 2, BIG24 + 2, BIG24, BIG24, BIG24),
    "V4": (BIG24 + 63, BIG24, BIG24 + 64, BIG24, BIG24, BIG24, BIG24),
    "V4b": (BIG24 + 63, BIG24 + 64, BIG24, BIG24 + 64, BIG24 + 62, BIG24 + 62, BIG24 + 62),
    "V4c": (BIG24 + 63, BIG24, BIG24 + 64, BIG24, BIG24 + 42, BIG24 + 42, BIG24 + 42),
    "V5": (BIG24 + 1, BIG24, BIG24, BIG24 - 7, BIG24, BIG24, BIG24),
}


def variants(a, b):
    x, y = operands(a, b, "test")
    forms = [
        Accumulator(terms=Terms.GROUPS),
        Accumulator(terms=Terms.GROUPS, order=Order.REVERSE),
        Accumulator(terms=Terms.ELEMENTS),
        *(Accumulator(terms=Terms.GROUPS, align=f, step=64) for f in (35, 34, 25)),
    ]
    return tuple(float(accumulate(x, y, f).total[0, 0]) for f in forms)


@pytest.mark.parametrize("name", list(TABLE))
def test_a_vector_tells_accumulators_apart(name):
    a, b = VECTORS[name]
    assert (float(matmul.exact(a, b)[0, 0]), *variants(a, b)) == TABLE[name]


# --- alpha and the last rounding -------------------------------------------------------------------------


@pytest.mark.long
def test_forms_of_alpha():
    a, b = (fos_ref.quantize(np.full((1, 16), v, np.float32), "nvfp4") for v in (3e-20, 3e-17))
    small = {name: float(form(a, b)) for name, form in ALPHAS.items()}
    assert small["amax-product"] == np.float32(1.25e-43)
    assert small["encode-product"] == 0
    rng = np.random.default_rng(22)
    amaxes = np.exp(rng.normal(size=(400, 2))).astype(np.float32)
    differ = dict.fromkeys(ALPHAS, 0)
    template = fos_ref.quantize(np.ones((1, 16), np.float32), "nvfp4")
    codes, scales = template.codes, template.block_scales
    for x, y in amaxes:
        a, b = (fos_ref.from_bytes(codes, scales, "nvfp4", amax=v) for v in (x, y))
        exact = ALPHAS["exact"](a, b)
        for name, form in ALPHAS.items():
            differ[name] += bool(form(a, b) != exact)
    shares = {name: n / len(amaxes) for name, n in differ.items()}
    assert shares["exact"] == 0
    assert 0.2 < shares["amax-product"] < 0.30
    assert 0.34 < shares["encode-product"] < 0.49
    assert 0.28 < shares["decode-product"] < 0.42


def test_torchao_rounds_before_alpha_and_after():
    rng = np.random.default_rng(23)
    a, b = (fos_ref.quantize(rng.normal(size=(64, 128)).astype(np.float32), "nvfp4") for _ in range(2))
    got, plain = (matmul.run(a, b, m, "bfloat16") for m in ("torchao", "blackwell-fp4"))
    share = np.mean(got != plain)
    assert 0.2 < share < 0.5
    huge = tensor(np.full((1, 64), 7), np.full((1, 4), 0x7E))
    assert np.isinf(matmul.run(huge, huge, "torchao", "float16")[0, 0].astype(np.float32))


@pytest.mark.parametrize("model", [m for m in MODELS if m != "ggml"])
def test_a_nan_scale_is_nan_in_every_model(model):
    a = tensor(np.full((2, 64), 2), [[0x7F, 0x38, 0x38, 0x38], [0x38] * 4])
    b = tensor(np.full((1, 64), 2), [[0x38] * 4])
    got = matmul.run(a, b, model)
    assert np.isnan(got[0, 0])
    assert got[1, 0] == 64


def test_ggml_takes_7f_for_zero():
    a, one = (tensor(np.full((1, 64), 2), [[0x38] * 4]) for _ in range(2))
    b = tensor(np.full((1, 64), 2), [[0x7F, 0x38, 0x38, 0x38]])
    assert matmul.run(a, b, "ggml")[0, 0] * 4 == matmul.run(a, one, "ggml")[0, 0] * 3 == np.float32(191.98828)


def test_ggml_in_rational_numbers():
    rng = np.random.default_rng(24)
    x = rng.normal(size=(3, 128)).astype(np.float32)
    a = fos_ref.quantize(x, "nvfp4", engine="numpy")
    b = drawn(rng, 3, 128, spread=60)
    values = fos_ref.dequantize(a)
    got = matmul.run(a, b, "ggml")
    for i in range(3):
        for j, y in enumerate(lines(b)):
            assert Fraction(float(got[i, j])) == ggml(values[i], y)


def ggml(x, y):
    """One output from the description in docs/products.md, each rounding on its own."""
    f32 = rational.rounded
    found = Fraction(0)
    for k in range(0, len(x), 16):
        block = [Fraction(v) for v in x[k // 32 * 32 :][:32].tolist()]
        d = f32(max(map(abs, block)) / 127)
        inverse = f32(1 / d) if d else Fraction(0)
        da = Fraction(float(np.float16(float(d))))
        here = [f32(Fraction(v) * inverse) for v in x[k : k + 16].tolist()]
        whole = [int(abs(v) + Fraction(1, 2)) * (1 if v >= 0 else -1) for v in here]
        dots = sum(int(2 * y.element(k + i)) * n for i, n in enumerate(whole))
        found = f32(found + f32(f32(da * y.scale(k) / 2) * dots))
    return found


def test_models_say_what_they_cannot():
    flagged = tensor(np.zeros((1, 64)), [[0xB8] * 4], "fouroversix-if4-mse")
    with pytest.raises(InputError, match=r"elements of E2M1\|INT4"):
        matmul.run(flagged, flagged, "te")
    plain = tensor(np.zeros((1, 48)), [[0x38] * 3])
    with pytest.raises(InputError, match="superblocks of 64"):
        matmul.run(plain, plain, "ggml")
    with pytest.raises(InputError, match="no accumulator"):
        matmul.raw(plain, plain, "vllm-emulation")
    with pytest.raises(InputError, match="model 'cublas'"):
        matmul.run(plain, plain, "cublas")


def test_every_model_says_where_it_comes_from():
    for name, m in MODELS.items():
        assert m.name == name
        assert m.source
        assert m.evidence in ("own", "read", "ran", "ran where certified", "public model, not measured here")
        assert m.alpha is None or m.alpha in ALPHAS
