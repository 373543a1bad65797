"""Which accumulator is it? Whole numbers beside arrays of floats, and every known form from its outputs."""

from dataclasses import replace

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.errors import InputError
from fos_ref.matmul import which_accumulator
from fos_ref.matmul.accumulate import accumulate, Accumulator, Order, Terms
from fos_ref.matmul.integer_accumulators import added, terms_of
from fos_ref.matmul.models import MODELS
from fos_ref.matmul.operand import operands
from fos_ref.matmul.telling import added_of, ASKED, forms, operands_of, VECTORS
from tests.matmul import test_models
from tests.matmul.lines import drawn


def outputs(form, names=ASKED):
    return {name: added_of(name, form) for name in names}


def test_the_vectors_are_those_of_the_document():
    for name, (a, b) in test_models.VECTORS.items():
        for got, want in zip(operands_of(name), (a, b), strict=True):
            k = want.codes.shape[1]
            assert np.array_equal(got.codes[:, :k], want.codes)
            assert not got.codes[:, k:].any()
            assert np.array_equal(got.block_scales[:, : k // 8], want.block_scales)
    assert list(VECTORS) == list(test_models.VECTORS)


def test_whole_numbers_add_as_arrays_of_floats_do():
    rng = np.random.default_rng(80)
    chosen = [*forms()[:4], *(forms()[i] for i in range(4, len(forms()), 97))]
    for spread in (6, 60):
        a, b = (drawn(rng, 2, 128, spread=spread) for _ in range(2))
        pairs = [(i, j) for i in range(2) for j in range(2)]
        rows = {n: [_row(q, i) for i in range(2)] for n, q in (("a", a), ("b", b))}
        for form in chosen:
            want = accumulate(*operands(a, b, "test"), form).total
            got = [added(terms_of(rows["a"][i], rows["b"][j], form), form) for i, j in pairs]
            assert got == want.ravel().tolist(), form


def _row(q, i):
    return replace(q, codes=q.codes[i : i + 1], block_scales=q.block_scales[i : i + 1], shape=(1, q.shape[1]))


@pytest.mark.parametrize("model", ["te", "cutlass", "blackwell-fp4", "hopper-f16"])
def test_five_outputs_of_a_model_name_it(model):
    form = MODELS[model].accumulator
    found = which_accumulator(outputs(form))
    assert form in found.forms
    assert model in found.models
    assert not found.exact
    if model in ("te", "cutlass"):
        assert found.forms == (form,)


def test_the_bits_the_order_and_the_step_are_narrowed():
    core = Accumulator(terms=Terms.GROUPS, align=35, step=64)
    five, all_of_them = which_accumulator(outputs(core)), which_accumulator(outputs(core, VECTORS))
    assert five.to_dict()["bits"] == [35, 36, 37, 38, 39, 40]
    assert all_of_them.forms == (core,)
    longer = which_accumulator(outputs(Accumulator(terms=Terms.GROUPS, align=35, step=128)))
    assert longer.to_dict()["step"] == [128, 256]
    back = Accumulator(terms=Terms.GROUPS, order=Order.REVERSE)
    assert back in which_accumulator(outputs(back)).forms
    assert which_accumulator(outputs(back)).to_dict()["order"] == ["reverse"]
    assert "bits: 35 to 40" in str(five)


def test_exact_sums_and_what_nothing_gives():
    exact = {"V1": 2.0**-20, "V2": 2.0**-20, "V3": float(np.float32(16777217.5)), "V5": 16777216.0}
    found = which_accumulator(exact)
    assert (found.exact, found.forms) == (True, ())
    none = which_accumulator({"V3": 3.0})
    assert (none.exact, none.forms, none.models) == (False, (), ())
    assert str(none).startswith("no accumulator")
    with pytest.raises(InputError, match="vector 'V9'"):
        which_accumulator({"V9": 0})
    with pytest.raises(InputError, match="no output"):
        which_accumulator({})


@pytest.mark.long
def test_the_command(capsys):
    given = [f"{n}={v:.17g}" for n, v in outputs(MODELS["blackwell-fp4"].accumulator).items()]
    assert run(["matmul", "accumulator", *given]) == 0
    assert "models: blackwell-fp4, flashinfer, torchao" in capsys.readouterr().out
    assert run(["matmul", "accumulator", "V3=0x4B800000", "V5=0x4B800000", "--json"]) == 0
    assert '"blackwell-fp4"' in capsys.readouterr().out
    assert run(["matmul", "accumulator", "V3=3"]) == 1
    for text in ("V3=0.1", "V3", "V3=x", "V3=0x4B80000000", "W=1"):
        assert run(["matmul", "accumulator", text]) == 2
