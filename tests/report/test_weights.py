"""Real weights: which tensors are measured, under which figures, and what is said of the others."""

from __future__ import annotations

import hashlib

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.errors import CheckpointError, InputError
from fos_ref.exactness.sums import Sums
from fos_ref.inputs.distributions import make
from fos_ref.report.lineup import LINEUP, RECIPES
from fos_ref.report.metrics import figures, in_chunks, measure, tensor_amax
from fos_ref.report.weights import measure_weights, TOTAL, TOTAL_DEFAULT, values_to_measure


def tensors():
    nan = make("normal", (16, 32), 8)
    nan[3, 3] = np.nan
    return {
        "layer.0.weight": make("normal", (32, 64), 0),
        "layer.1.weight": make("laplace", (21, 48), 1, "bfloat16"),
        "model.embed_tokens.weight": make("uniform", (40, 32), 2, "float16"),
        "layer.0.bias": make("normal", (1, 64), 3)[0],
        "positions": np.arange(64, dtype=np.int64).reshape(2, 32),
        "odd.weight": make("normal", (16, 32), 4)[:, :24].copy(),
        "zero.weight": np.zeros((16, 16), np.float32),
        "nan.weight": nan,
        "conv.weight": np.ones((2, 2, 16), np.float32),
        "none.weight": np.zeros((0, 16), np.float32),
        "doubles.weight": np.ones((16, 16), np.float64),
    }


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(tensors(), file)
    return file


def sums(x):
    chunks = in_chunks(x)
    return measure(chunks, tensor_amax(chunks), RECIPES, "numpy")


MEASURED = ("layer.0.weight", "layer.1.weight", "model.embed_tokens.weight")


def test_the_others_are_named_with_the_reason(path):
    assert measure_weights(path, "numpy", lambda _: None).left == {
        "layer.0.bias": "1-D",
        "positions": "dtype I64",
        "odd.weight": "last axis 24 is not a multiple of 16",
        "zero.weight": "every value is 0",
        "nan.weight": "it holds a NaN or an infinity",
        "conv.weight": "3-D",
        "none.weight": "empty",
        "doubles.weight": "dtype F64",
    }


def test_each_tensor_has_the_figures_of_its_values(path):
    table = measure_weights(path, "numpy", lambda _: None).tensors
    assert len(table) == len(MEASURED) * len(LINEUP)
    for name in MEASURED:
        want = sums(tensors()[name])
        rows = table[table["tensor"] == name].set_index("recipe")
        assert (rows["rows"].iloc[0], rows["cols"].iloc[0]) == tensors()[name].shape
        for preset, s in want.items():
            got = rows.loc[preset]
            assert {k: got[k] for k in figures(s, want["nvfp4"])} == figures(s, want["nvfp4"])


def test_the_totals_are_sums_over_tensors(path):
    w = measure_weights(path, "numpy", lambda _: None)
    for title, names in ((TOTAL, MEASURED), (TOTAL_DEFAULT, MEASURED[:2])):
        rows = w.totals[w.totals["total"] == title].set_index("recipe")
        assert (rows["tensors"] == len(names)).all()
        per_tensor = [sums(tensors()[n]) for n in sorted(names)]
        want = {p: figures(*(sum((s[q] for s in per_tensor), Sums()) for q in (p, "nvfp4"))) for p in RECIPES}
        for preset, expected in want.items():
            got = rows.loc[preset]
            assert [f"{got[k]:.12g}" for k in expected] == [f"{v:.12g}" for v in expected.values()]


def test_progress_counts_every_value_once(path):
    seen = []
    measure_weights(path, "numpy", seen.append)
    assert sum(seen) == values_to_measure(path)


def test_the_file_is_named_and_hashed(path):
    w = measure_weights(path, "numpy", lambda _: None)
    assert (w.name, w.sha256) == ("model.safetensors", hashlib.sha256(path.read_bytes()).hexdigest())


def test_bfloat16_is_measured_as_it_is(tmp_path):
    x = make("normal", (16, 32), 0, "bfloat16")
    for name, values in (("a", x), ("b", x.astype(np.float32))):
        save_file({"w.weight": values}, tmp_path / f"{name}.safetensors")
    a, b = (measure_weights(tmp_path / f"{n}.safetensors", "numpy", lambda _: None) for n in "ab")
    assert x.dtype == ml_dtypes.bfloat16
    assert a.tensors.equals(b.tensors)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"bias": np.ones(16, np.float32)}, "no tensor can be measured: 1-D"),
        ({"w": np.zeros((16, 16), np.float32)}, "no tensor can be measured: every value is 0"),
    ],
)
def test_a_file_without_anything_to_measure_is_an_error(tmp_path, content, problem):
    file = tmp_path / "x.safetensors"
    save_file(content, file)
    with pytest.raises(InputError, match=problem):
        measure_weights(file, "numpy", lambda _: None)


def test_a_file_without_a_fitting_tensor_is_refused_before_any_work(tmp_path):
    file = tmp_path / "x.safetensors"
    save_file({"bias": np.ones(16, np.float32)}, file)
    with pytest.raises(InputError, match="no tensor to measure"):
        values_to_measure(file)


def test_a_truncated_file_is_an_error(path):
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError):
        values_to_measure(path)
