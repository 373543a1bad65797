"""`fos recipes diff A B --on FILE | --distribution NAME`: the counts, the tables, the errors."""

from __future__ import annotations

import json
import re

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref import PRESETS
from fos_ref.cli import run
from fos_ref.dialects.hardware import hardware_decides
from fos_ref.dialects.measure import measure, total
from fos_ref.inputs.distributions import make
from tests.meta.tree import ROOT

A, B = "te-mse-256", "fouroversix-mae"


def shown(capsys, *arguments, code=0):
    assert run(["recipes", "diff", *arguments]) == code
    return capsys.readouterr()


def counts(x, a=A, b=B):
    return json.loads(json.dumps(measure(x, PRESETS[a], PRESETS[b]).to_dict()))


def test_without_a_tensor_only_the_axes_are_shown(capsys):
    data = json.loads(shown(capsys, A, B, "--json").out)
    assert data["tensors"] == []
    assert list(data["axes"]) == list(PRESETS[A].diff(PRESETS[B]))
    assert data["axes"]["error_metric"] == ["mse", "mae"]
    assert data["same_bits"] is False


def test_two_names_of_one_recipe_have_the_same_bits(capsys):
    data = json.loads(shown(capsys, "4over6", "4over6-mse", "--json").out)
    assert (data["same_bits"], data["axes"]) == (True, {})
    assert "the same bits" in " ".join(shown(capsys, "4over6", "4over6-mse").out.split())


@pytest.mark.long
def test_a_distribution_is_counted_on_a_tensor_that_the_output_names(capsys):
    data = json.loads(shown(capsys, A, B, "--distribution", "coarse", "--json").out)
    (tensor,) = data["tensors"]
    assert tensor.pop("tensor") == "coarse 512x1024 bfloat16"
    assert tensor == counts(make("coarse", (512, 1024), 0, "bfloat16"))
    assert data["total"] == tensor
    assert tensor["blocks"] == 32768
    assert tensor["differing"] > 0


@pytest.mark.long
def test_a_npy_file_is_counted(capsys, tmp_path):
    x = make("normal", (32, 64), 3)
    np.save(tmp_path / "x.npy", x)
    data = json.loads(shown(capsys, A, B, "--on", str(tmp_path / "x.npy"), "--json").out)
    (tensor,) = data["tensors"]
    assert tensor.pop("tensor") == "x.npy"
    assert tensor == counts(x)


@pytest.mark.long
def test_the_tensors_of_a_checkpoint_that_fit_are_counted_one_by_one(capsys, tmp_path):
    fits, other = make("normal", (16, 64), 1), make("coarse", (32, 32), 1)
    file = tmp_path / "m.safetensors"
    tensors = {
        "a.weight": fits,
        "b.weight": other,
        "bias": fits[0].copy(),
        "odd": np.zeros((4, 24), np.float32),
    }
    save_file({**tensors, "ids": np.zeros((16, 16), np.int64)}, file)
    data = json.loads(shown(capsys, A, B, "--on", str(file), "--json").out)
    found = {t.pop("tensor"): t for t in data["tensors"]}
    assert found == {"a.weight": counts(fits), "b.weight": counts(other)}
    both = total([measure(x, PRESETS[A], PRESETS[B]) for x in (fits, other)])
    assert data["total"] == json.loads(json.dumps(both.to_dict()))


def test_tiles_need_rows_that_fit(capsys, tmp_path):
    file = tmp_path / "m.safetensors"
    save_file({"a": make("normal", (16, 64), 1), "b": make("normal", (24, 64), 1)}, file)
    data = json.loads(shown(capsys, "4over6-16x16", "4over6-mae-16x16", "--on", str(file), "--json").out)
    assert [t["tensor"] for t in data["tensors"]] == ["a"]


@pytest.mark.long
def test_the_tables_hold_the_numbers(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    d = counts(make("coarse", (512, 1024), 0, "bfloat16"))
    text = " ".join(shown(capsys, A, B, "--distribution", "coarse").out.split())
    assert f"{len(PRESETS[A].diff(PRESETS[B]))} axes differ" in text
    assert f"{d['differing']:,} of 32,768 blocks differ" in text
    assert f"{d['choice']:,} choose otherwise, {d['block_scale']:,} other scale byte" in text
    largest = d["axes"][0]
    assert " + ".join(largest["axes"]) in text
    assert f"{largest['explained']:,} ({largest['explained'] / d['differing']:.1%})" in text


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nvfp4", "nvfp5"], "no recipe is called 'nvfp5'"),
        (["nvfp4"], "Missing argument 'B'"),
        ([A, B, "--distribution", "norml"], "no distribution is called 'norml'"),
        ([A, B, "--on", "missing.npy"], "missing.npy: No such file"),
        ([A, B, "--on", "missing.safetensors"], "missing.safetensors"),
        ([A, B, "--on", "x.txt"], "a .npy or .safetensors file is allowed"),
        ([A, B, "--on", "x.npy", "--distribution", "normal"], "both given"),
        (["nvfp4", "fouroversix-mxfp4-static6", "--distribution", "normal"], "blocks of 16"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(capsys, arguments, problem):
    result = shown(capsys, *arguments, code=2)
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert problem in result.err


def test_a_file_without_a_tensor_that_fits_is_an_error(capsys, tmp_path):
    file = tmp_path / "m.safetensors"
    save_file({"odd": np.zeros((4, 24), np.float32)}, file)
    assert "no 2-D float32" in shown(capsys, A, B, "--on", str(file), code=2).err
    (tmp_path / "text.npy").write_bytes(b"not an array")
    assert "not a .npy array" in shown(capsys, A, B, "--on", str(tmp_path / "text.npy"), code=2).err
    np.save(tmp_path / "odd.npy", np.zeros((4, 24), np.float32))
    assert shown(capsys, A, B, "--on", str(tmp_path / "odd.npy"), code=2).err.startswith("fos: ")


@pytest.mark.long
def test_a_tensor_that_no_block_fits_is_refused_by_its_shape(capsys, tmp_path):
    """An empty one of 2^40 rows has a file of 128 bytes: it cost time and memory by its rows."""
    path = tmp_path / "x.npy"
    for shape in ((2**40, 0), (0, 16), (0,), (4,), (2, 4, 16), (4, 24)):
        with path.open("wb") as f:
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(f, header)
            f.write(bytes(4 * int(np.prod(shape, dtype=object))))
        err = shown(capsys, A, B, "--on", str(path), code=2).err
        assert "whose blocks fit both recipes is allowed" in err
        assert err.count("\n") == 1
    np.save(path, np.zeros((4, 32), np.float64))
    assert "dtype float64" in shown(capsys, A, B, "--on", str(path), code=2).err


DEFAULT = "flashinfer-default-mse-256"


def saved(folder, x):
    np.save(folder / "x.npy", x)
    return ["--on", str(folder / "x.npy")]


@pytest.mark.long
def test_blocks_that_a_chip_decides_are_counted_and_said(capsys, tmp_path):
    """By exact reciprocals no block differs, and that is not all there is to say."""
    x = make("coarse", (64, 256), 0)
    decided, on = int(hardware_decides(x, PRESETS[DEFAULT]).sum()), saved(tmp_path, x)
    assert decided > 500
    text = shown(capsys, "te-mse-256", DEFAULT, *on).out
    assert "0 of 1,024 blocks differ" in text
    share = f"a chip decides up to {decided:,} of 1,024 ({decided / 1024:.2%})"
    assert f"{share}: {DEFAULT} has approximate reciprocals" in text
    data = json.loads(shown(capsys, "te-mse-256", DEFAULT, *on, "--json").out)
    assert data["total"]["hardware_decides"] == {"a": 0, "b": decided, "either": decided}
    assert "a chip decides" not in shown(capsys, A, B, *on).out.split("to agree")[0]


def test_values_stand_beside_bytes(capsys, tmp_path):
    x = make("normal", (64, 256), 0)
    d = counts(x, "te-mse-256", "flashinfer-mse-256")["values"]
    lines = shown(capsys, "te-mse-256", "flashinfer-mse-256", *saved(tmp_path, x)).out.splitlines()
    rows = {" ".join(line.split()) for line in lines}
    assert f"that differ {d['differing']:,} of 16,384 ({d['differing'] / 16384:.2%})" in rows
    assert d["dequantize_alone"] > 0
    assert f"that the axis dequantize alone changes {d['dequantize_alone']:,}" in rows
    assert f"relative error, ||A - B|| / ||A|| (Euclidean) {d['relative_error']:.6g}" in rows
    assert f"mean squared error of te-mse-256 (A) {d['mse_a']:.6g}" in rows


@pytest.mark.long
def test_a_file_has_one_table_and_a_line_for_each_tensor_that_differs(capsys, tmp_path):
    file = tmp_path / "m.safetensors"
    zeros = {f"zero.{n}": np.zeros((16, 32), np.float32) for n in range(9)}
    save_file(zeros | {"x": make("coarse", (64, 64), 0), "y": make("coarse", (64, 64), 1)}, file)
    text = shown(capsys, A, B, "--on", str(file)).out
    assert text.count("blocks it changes") == 1
    assert "\n11 tensors: " in text
    assert "2 of 11 tensors have a block that differs or that a chip decides" in text
    first = [line.split()[0] for line in text.splitlines() if line]
    assert [word for word in first if word in ("x", "y") or word in zeros] == ["x", "y"]
    data = json.loads(shown(capsys, A, B, "--on", str(file), "--json").out)
    assert len(data["tensors"]) == 11


def packed(folder, more=None):
    from fos_ref.engines.front import quantize  # noqa: PLC0415

    q = quantize(make("normal", (16, 64), 0), "4over6")
    file = folder / "packed.safetensors"
    parts = {"a.weight": q.codes, "a.weight_scale": q.block_scales.view(ml_dtypes.float8_e4m3fn)}
    save_file({**parts, "a.weight_scale_2": np.ones((), np.float32), **(more or {})}, file)
    return file


@pytest.mark.long
def test_weights_that_are_quantized_already_are_announced(capsys, tmp_path):
    file = packed(tmp_path, {"lm_head": make("normal", (16, 64), 1)})
    text = shown(capsys, A, B, "--on", str(file)).out
    assert "1 weight of the file is quantized already and not measured: what follows is of the others" in text
    data = json.loads(shown(capsys, A, B, "--on", str(file), "--json").out)
    assert (data["packed_weights"], [t["tensor"] for t in data["tensors"]]) == (1, ["lm_head"])


def test_a_file_of_quantized_weights_alone_is_refused(capsys, tmp_path):
    error = shown(capsys, A, B, "--on", str(packed(tmp_path)), code=2).err
    assert "1 of its weights are quantized already; the file they were made from is allowed" in error


def test_the_last_line_says_what_to_set(capsys, tmp_path):
    on = saved(tmp_path, make("coarse", (64, 256), 0))
    line = shown(capsys, "4over6", "te-cuda-mae-256", *on).out.splitlines()[-1]
    assert line.startswith("to agree, set NVTE_NVFP4_4OVER6_ERR_MODE=MSE (now MAE) in TransformerEngine: ")
    assert " 4over6 and te-cuda-mse-256 differ in none of 1,024 blocks, and no chip decides one; " in line
    assert line.endswith(
        "; on other data they may part by zero_scale, nonfinite; values still differ by dequantize"
    )
    data = json.loads(shown(capsys, "4over6", "te-cuda-mae-256", *on, "--json").out)
    assert data["advice"]["line"] == line
    assert data["advice"]["b"]["change"] == {"NVTE_NVFP4_4OVER6_ERR_MODE": {"now": "MAE", "set": "MSE"}}


def test_the_last_line_says_where_no_setting_helps(capsys, tmp_path):
    on = saved(tmp_path, make("subnormal-scale", (64, 256), 0))
    line = shown(capsys, "modelopt-4over6", "te-mse-256", *on).out.splitlines()[-1]
    none = "no setting of TransformerEngine's reference makes them agree (none is known for modelopt-4over6)"
    assert line.startswith(f"{none}; nothing is nearer than modelopt-4over6 and te-mse-256, which differ in ")
    assert "axes that remain: tensor_scale, block_scale" in line
    line = shown(capsys, "4over6", "4over6-mae").out.splitlines()[-1]
    assert line.startswith(
        "no setting makes them agree in every axis (none is known for 4over6 and 4over6-mae);"
    )
    assert line.endswith("nothing is nearer than 4over6 and 4over6-mae; axes that remain: error_metric")


def test_two_names_of_one_recipe_need_no_setting(capsys):
    line = shown(capsys, "4over6", "4over6-mse").out.splitlines()[-1]
    assert line == "no setting needs to change: 4over6 and 4over6 have the same bytes on every tensor"


@pytest.mark.long
def test_the_line_of_the_document_is_what_the_command_prints(capsys):
    text = (ROOT / "docs" / "divergences.md").read_text(encoding="utf-8")
    (arguments,) = re.findall(r"^    fos recipes diff (te-.*)$", text, flags=re.MULTILINE)
    line = shown(capsys, *arguments.split()).out.splitlines()[-1]
    assert f"    {line}\n" in text
