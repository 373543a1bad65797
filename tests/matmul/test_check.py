"""`check_matmul`: right outputs of every model in every order, planted mistakes, outputs that are none."""

import ml_dtypes
import numpy as np
import pytest

import fos_ref
from fos_ref import matmul
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.inputs.distributions import make
from fos_ref.matmul.accumulate import toward_zero
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.matmul.judge.diagnosis import ANY_ORDER, CERTIFIED, OUTSIDE, RUNNING, VERDICTS
from fos_ref.matmul.models import MODELS
from fos_ref.verify import check_matmul
from tests.matmul.lines import tensor
from tests.matmul.planted import alpha_of, behind, PLANTED, summed, values


def pair(distribution, shape=(16, 256), recipe="nvfp4"):
    return tuple(fos_ref.quantize(make(distribution, shape, s), recipe, engine="numpy") for s in (0, 1))


@pytest.mark.long
@pytest.mark.parametrize("out", ["float32", "bfloat16"])
@pytest.mark.parametrize("distribution", ["normal", "heavy-tailed"])
def test_the_output_of_every_model_is_named_and_never_outside(distribution, out):
    a, b = pair(distribution, (8, 128))
    for name in MODELS:
        found = check_matmul(matmul.run(a, b, name, out), a, b)
        assert name in found.models
        assert found.equal
        assert found.verdict != OUTSIDE
        assert (found.verdict == CERTIFIED) <= (found.certified == 1)


def test_certified_outputs_have_one_value():
    a, b = pair("normal")
    got = matmul.run(a, b, "te")
    found = check_matmul(got, a, b)
    assert (found.verdict, found.certified, found.alpha) == (CERTIFIED, 1.0, found.alpha)
    assert found.alpha in ("exact", "amax-product", "encode-product", "decode-product")
    assert check_matmul(got, a, b, model="te")
    assert not check_matmul(got, a, b, model="vllm-emulation")
    raw = matmul.raw(a, b, "cutlass").total
    assert check_matmul(raw, a, b, alpha=1).verdict == CERTIFIED
    raw[3, 4] = np.nextafter(raw[3, 4], np.float32(np.inf))
    found = check_matmul(raw, a, b, alpha=1)
    assert (found.verdict, found.wrong, found.equal) == (OUTSIDE, 1, False)
    assert (found.first.row, found.first.column, found.first.certified) == (3, 4, True)
    assert "(3, 4)" in str(found)


def test_a_step_of_one_ulp_is_no_alpha_when_none_was_given():
    """Without alpha its last bits are unknown: then one ulp is inside, and no model has these bits."""
    a, b = pair("normal")
    got = matmul.run(a, b, "te")
    got[3, 4] = np.nextafter(got[3, 4], np.float32(np.inf))
    found = check_matmul(got, a, b)
    assert (found.verdict, found.equal, found.models) == (ANY_ORDER, False, ())


@pytest.mark.long
def test_the_ladder():
    """One-signed data round in every order: reversed sums are no model's bits, and inside both bounds."""
    a, b = (fos_ref.quantize(np.abs(make("normal", (8, 3072), s)), "nvfp4", engine="numpy") for s in (0, 1))
    x = matmul.raw(a, b, "te")
    assert check_matmul(x.total, a, b, alpha=1).verdict == RUNNING
    for factor, verdict in ((0.5, RUNNING), (30, ANY_ORDER), (1e5, OUTSIDE)):
        moved = (matmul.exact(a, b) + factor * x.bound).astype(np.float32)
        sure = matmul.certificate(a, b, "element")
        moved[sure] = x.total[sure]
        found = check_matmul(moved, a, b, alpha=1)
        assert (found.verdict, found.equal) == (verdict, False)


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", list(PLANTED))
@pytest.mark.parametrize("distribution", ["normal", "outlier-channels"])
def test_a_planted_mistake_is_named_first(name, distribution):
    a, b = pair(distribution)
    found = check_matmul(PLANTED[name](a, b), a, b)
    assert found.verdict == OUTSIDE
    assert found.causes[0].startswith(name.partition("-")[0] + ":")


def test_a_tail_that_is_read_past_the_end_of_k():
    """K = 80 in tiles of 64: the other 48 columns are those of the next row."""
    a, b = pair("normal", (16, 80))
    out = summed(behind(values(a)), behind(values(b))) * alpha_of(a, b)
    found = check_matmul(out, a, b)
    assert found.verdict == OUTSIDE
    assert found.causes[0].startswith("TailRead: 48 columns")


def test_another_form_of_alpha_than_was_given():
    a, b = pair("normal")
    given = ALPHAS["encode-product"](a, b)
    out = matmul.run(a, b, "flashinfer")
    assert check_matmul(out, a, b, alpha=given).verdict == CERTIFIED
    other = np.nextafter(given, np.float32(1))
    found = check_matmul(out, a, b, alpha=other)
    assert found.verdict == OUTSIDE
    assert found.causes[0].startswith("AlphaForm: alpha is another one than was given: ")


def test_a_bias_after_alpha_is_one_too():
    a, b = pair("normal")
    out = matmul.run(a, b, "te") + np.float32(3)
    assert check_matmul(out, a, b).causes[0].startswith("BiasBeforeScale: one number a column")
    assert "3 after it" in check_matmul(out, a, b).causes[0]


def shuffled(rng, a, b, rounding):
    """Return an accumulator that adds single products in a random order, by parts along K that it joins."""
    x, y = values(a), values(b)
    parts = []
    for columns in np.array_split(rng.permutation(x.shape[1]), rng.integers(1, 5)):
        total = np.zeros((len(x), len(y)), np.float32)
        for k in columns:
            total = rounding(total.astype(np.float64) + x[:, k, None] * y[:, k])
        parts.append(total)
    while len(parts) > 1:
        parts.append(rounding(parts.pop(0).astype(np.float64) + parts.pop(0)))
    return parts[0]


ROUNDINGS = (lambda v: v.astype(np.float32), toward_zero)


def check_orders(distribution, seeds, k):
    """Right outputs in random orders, in parts of K, with both roundings, are never outside; how many."""
    outputs = 0
    for seed in seeds:
        rng = np.random.default_rng([44, seed])
        a, b = (fos_ref.quantize(make(distribution, (16, k), s + 10 * seed), "nvfp4") for s in (0, 1))
        for rounding in ROUNDINGS:
            raw = shuffled(rng, a, b, rounding)
            for out in (raw, raw.astype(ml_dtypes.bfloat16)):
                assert check_matmul(out, a, b, alpha=1).verdict != OUTSIDE
                outputs += out.size
            for alpha in ALPHAS.values():
                assert check_matmul(raw * alpha(a, b), a, b).verdict != OUTSIDE
                outputs += raw.size
    return outputs


@pytest.mark.long
@pytest.mark.parametrize("distribution", ["normal", "heavy-tailed"])
def test_right_outputs_in_any_order_are_never_outside(distribution):
    assert check_orders(distribution, [0], 128) == 3072


@pytest.mark.exhaustive
@pytest.mark.parametrize("distribution", ["normal", "heavy-tailed", "outlier-channels", "student-t3"])
def test_many_right_outputs_in_any_order_are_never_outside(distribution):
    assert check_orders(distribution, range(20), 512) == 20 * 3072


@pytest.mark.exhaustive
def test_95_percent_of_planted_mistakes_are_named_first():
    named = tried = 0
    for distribution in ("normal", "heavy-tailed", "outlier-channels", "student-t3", "laplace"):
        for seed in range(6):
            a, b = (fos_ref.quantize(make(distribution, (16, 256), 2 * seed + s), "nvfp4") for s in (0, 1))
            for name, plant in PLANTED.items():
                found = check_matmul(plant(a, b), a, b)
                tried += 1
                named += bool(found.causes) and found.causes[0].startswith(name.partition("-")[0] + ":")
    assert named >= 0.95 * tried, (named, tried)


def test_scale_bytes_that_a_kernel_reads_otherwise():
    rng = np.random.default_rng(40)
    codes = rng.integers(0, 16, (4, 64))
    plain = np.full((4, 4), 0x38)
    for byte, name, factor in ((0xB8, "ScaleSign", -1), (0x7F, "ScaleNaN", 448), (0x7F, "ScaleNaN", 0)):
        scales = plain.copy()
        scales[1, 2] = byte
        a, b = tensor(codes, scales), tensor(codes, plain)
        other = matmul.exact(tensor(codes * (np.arange(64) // 16 != 2), plain), b)
        block = matmul.exact(tensor(codes * (np.arange(64) // 16 == 2), plain), b)
        wrong = matmul.exact(b, b)
        wrong[1] = other[1] + factor * block[1]
        found = check_matmul(wrong.astype(np.float32), a, b, alpha=1)
        assert found.verdict == OUTSIDE
        assert found.causes[0].startswith(name)


def test_nan_has_to_be_where_a_scale_is():
    codes = np.full((2, 32), 2)
    a, b = tensor(codes, [[0x7F, 0x38], [0x38, 0x38]]), tensor(codes, [[0x38, 0x38]] * 2)
    out = matmul.run(a, b, "te")
    assert check_matmul(out, a, b).equal
    out[1, 1] = np.nan
    assert check_matmul(out, a, b).wrong == 1


def test_row_scales_and_alphas_of_rows():
    a, b = pair("normal", recipe="te-nvfp4-row")
    assert check_matmul(matmul.run(a, b, "te"), a, b).equal
    alpha = np.asarray(a.decode_scale, np.float32).reshape(-1, 1)
    raw = matmul.raw(a, b, "te").total
    assert check_matmul(alpha * raw, a, b, alpha=alpha).verdict == CERTIFIED


def test_the_document_of_a_diagnosis():
    a, b = pair("normal")
    found = check_matmul(np.full((16, 16), np.nan, np.float32), a, b).to_dict()
    assert found["verdict"] == OUTSIDE
    assert found["first"]["got"] is None
    assert found["wrong"] == 256
    assert set(VERDICTS) >= {found["verdict"]}


def test_outputs_that_are_none():
    a, b = pair("normal")
    good = matmul.run(a, b, "te")
    with pytest.raises(ShapeError, match=r"out of shape \(15, 16\)"):
        check_matmul(good[1:], a, b)
    with pytest.raises(DtypeError, match="float64"):
        check_matmul(good.astype(np.float64), a, b)
    for alpha in (0.1, np.nan, "1", [1, 2], 1e39):
        with pytest.raises((InputError, ShapeError), match="alpha"):
            check_matmul(good, a, b, alpha=alpha)
    with pytest.raises(InputError, match="model 'cublas'"):
        check_matmul(good, a, b, model="cublas")
    assert check_matmul(good.astype(ml_dtypes.bfloat16), a, b).verdict == CERTIFIED
