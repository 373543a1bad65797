"""A kernel that was given S or D: its bytes are compared under that very scale, not under one of an amax."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fos_ref
from fos_ref.cli import run
from fos_ref.inputs.distributions import make
from fos_ref.verify import check

X = make("normal", (32, 256), 3)
#: S = RN(C/A) for no A: an amax cannot say it.
S = np.float32(715.9503)


def given(recipe: str = "nvfp4", **fixed):
    return fos_ref.quantize(X, recipe, **fixed)


@pytest.mark.parametrize("recipe", ["nvfp4", "te-mse-256", "flashinfer-mse-448"])
@pytest.mark.parametrize("fixed", [{"encode_scale": S}, {"tensor_scale": np.float32(0.0014)}])
def test_equal_bytes_are_equal_under_the_scale_that_was_given(recipe, fixed):
    q = given(recipe, **fixed)
    assert check(X, q.codes, q.block_scales, recipe=recipe, **fixed).equal


@pytest.mark.long
def test_mistakes_are_named_under_it():
    q = given(encode_scale=S)
    signs = check(X, q.codes ^ 0x88, q.block_scales, recipe="nvfp4", encode_scale=S)
    assert signs.flags == ("SignLost",)
    bound = given("te-mse-256", encode_scale=S)
    metric = given("te-mae-256", encode_scale=S)
    d = check(X, metric.codes, metric.block_scales, recipe="te-mse-256", encode_scale=S)
    assert not np.array_equal(bound.codes, metric.codes)
    assert d.flags == ("MetricMae",)


@pytest.mark.long
def test_another_scale_than_the_one_given_is_named():
    q = given(encode_scale=S)
    d = check(X, q.codes, q.block_scales, recipe="nvfp4", encode_scale=np.float32(1000))
    assert d.flags[0] == "TensorScale"
    low, high = d.to_dict()["tensor_scale"]["from_bytes"]
    assert low <= S <= high


@pytest.mark.long
@pytest.mark.parametrize("name", ["encode_scale", "tensor_scale"])
def test_the_line_that_reproduces_a_block_gives_its_bytes(name):
    fixed = {name: {"encode_scale": S, "tensor_scale": np.float32(0.0013967)}[name]}
    q = given(**fixed)
    d = check(X, q.codes ^ 0x88, q.block_scales, recipe="nvfp4", **fixed)
    again = eval(d.first.reproduce(), {"fos_ref": fos_ref, "np": np})  # noqa: S307 -- our own line
    assert again.codes.tobytes().hex().upper() == d.first.want[1]
    assert again.block_scales.tobytes().hex().upper() == d.first.want[0]


def test_the_command_takes_them(tmp_path, capsys):
    q = given(encode_scale=S)
    names = [str(tmp_path / n) for n in ("x.npy", "c.npy", "s.npy")]
    for name, a in zip(names, (X, q.codes, q.block_scales), strict=True):
        np.save(name, a)
    scale = ["--encode-scale", repr(float(S))]
    assert run(["check", *names, "--recipe", "nvfp4", *scale]) == 0
    assert run(["check", *names, "--recipe", "nvfp4", *scale, "--amax", "3"]) == 2
    assert "amax and encode scale were given" in capsys.readouterr().err
    one = fos_ref.quantize(X, "nvfp4", tensor_scale=1.0)
    np.save(names[1], one.codes)
    np.save(names[2], one.block_scales)
    capsys.readouterr()
    assert run(["check", *names, "--recipe", "nvfp4", "--tensor-scale", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["equal"]


def test_unpacked_codes_are_taken():
    q = given()
    one_a_byte = np.stack([q.codes & 15, q.codes >> 4], axis=-1).reshape(X.shape)
    assert check(X, one_a_byte, q.block_scales, recipe="nvfp4").equal
