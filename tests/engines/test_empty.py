"""A tensor without values costs nothing, however many rows or columns it has, in any call."""

from __future__ import annotations

import faulthandler
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import fos_ref
from fos_ref import cli
from fos_ref.dialects.values import value_sums
from fos_ref.errors import FosError
from fos_ref.exactness.near_tie import near_ties
from fos_ref.verify import assert_bits_equal, check
from fos_ref.verify.disagreement import disagreement
from fos_ref.verify.hardware import hardware_decides
from tests.every import every

P = fos_ref.PRESETS
HUGE = 2**40
SHAPES = [(HUGE, 0), (0, HUGE), (HUGE, 0, 64), (HUGE, 16, 0), (0, 16, HUGE), (0, 64), (16, 0)]
NAMES = (
    "4over6",
    "4over6-16x16",
    "te-nvfp4-row",
    "te-mse-256-row",
    "flashinfer-default-mse-448-row",
    "flashinfer-mae-256",
    "fouroversix-mxfp4-static6",
    "fouroversix-if4-mse",
    "modelopt-4over6",
    "compressed-tensors-nvfp4",
)


@contextmanager
def quickly() -> Iterator[None]:
    """Fail for what takes the processor seconds; end a process that does not come back, with a traceback."""
    faulthandler.dump_traceback_later(120, exit=True, file=sys.__stderr__)
    start = time.process_time()
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
    assert time.process_time() - start < 5


def shapes_of(q) -> tuple:
    lead = q.shape[:-1]
    return q.codes.shape == (*lead, q.shape[-1] // 2), q.block_scales.shape == q.picked4.shape


@every(NAMES)
def test_every_call_takes_it_at_no_cost(name):
    fos_ref.quantize(np.zeros((16, 64), np.float32), name, engine="numba")  # compiled before the clock starts
    for shape in SHAPES:
        x = np.zeros(shape, np.float32)
        with quickly():
            for engine in ("numpy", "numba", "auto"):
                q = fos_ref.quantize(x, name, engine=engine)
                assert all(shapes_of(q)), shape
            assert q.shape == fos_ref.dequantize(q).shape == shape
            assert fos_ref.trace(x, name).scales.amax.shape[:1] == q.tensor_amax.shape
            assert fos_ref.exact_error(x, q).shape == q.block_scales.shape
            assert_bits_equal(q, q)
            assert check(x, q.codes, q.block_scales, recipe=name).equal
            fos_ref.quantize(x, name, padding="zero")
            fos_ref.trace(x, name, padding="zero")


@every(["4over6", "te-nvfp4"])
def test_a_caller_s_amax_and_scale_stand_for_it(name):
    for shape in SHAPES:
        x = np.zeros(shape, np.float32)
        with quickly():
            assert fos_ref.quantize(x, name, amax=3.0).tensor_amax == 3
            assert fos_ref.quantize(x, name, tensor_scale=2.0).decode_scale == 2
            q = fos_ref.quantize(x, name)
            assert check(x, q.codes, q.block_scales, recipe=name, amax=3.0).equal
            with pytest.raises(FosError):
                check(x, q.codes, q.block_scales, recipe=name, amax=-3.0)
            with pytest.raises(FosError):
                fos_ref.quantize(x, name, engine="nope")


@every([n for n in NAMES if n.endswith("-row")])
def test_the_scales_of_rows_are_those_of_a_row_of_zeros(name):
    few, many = (fos_ref.quantize(np.zeros((rows, 0), np.float32), name) for rows in (3, HUGE))
    zeros = fos_ref.quantize(np.zeros((3, 64), np.float32), name)
    for part in ("tensor_amax", "encode_scale", "decode_scale"):
        assert getattr(few, part).tobytes() == getattr(zeros, part).tobytes()
        assert getattr(many, part).shape == (HUGE,)
        assert getattr(many, part)[-1].tobytes() == getattr(zeros, part)[-1].tobytes()


def test_comparisons_of_recipes_take_it_too():
    for shape in ((HUGE, 0), (0, HUGE), (0, 64), (16, 0)):
        x = np.zeros(shape, np.float32)
        with quickly():
            assert disagreement(x, P["4over6"], P["te-mse-256-row"]).blocks == 0
            assert hardware_decides(x, P["flashinfer-default-mse-448"]).size == 0
            assert near_ties(x) == []
            assert value_sums(x, P["4over6"], P["te-mse-256-row"]).values == 0


def test_the_layout_takes_it_too():
    for shape in ((HUGE, 0), (0, HUGE)):
        with quickly():
            flat = fos_ref.swizzle(np.zeros(shape, np.uint8))
            assert flat.shape == (0,)
            assert fos_ref.unswizzle(flat, *shape).shape == shape


@pytest.mark.sample(1)
@pytest.mark.parametrize("shape", [(HUGE, 0), (0, HUGE), (0, 16)])
def test_the_commands_answer_at_once_too(tmp_path, shape, capsys):
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    np.save(tmp_path / "codes.npy", np.zeros((shape[0], shape[1] // 2), np.uint8))
    np.save(tmp_path / "scales.npy", np.zeros((shape[0], shape[1] // 16), np.uint8))
    files = [str(tmp_path / f"{n}.npy") for n in ("x", "codes", "scales")]
    with quickly():
        assert cli.run(["check", *files, "--recipe", "4over6"]) == 0
        assert cli.run(["recipes", "diff", "4over6", "nvfp4", "--on", files[0]]) == 2  # nothing to count on
    said = capsys.readouterr()
    assert "all 0 blocks equal" in said.out
    assert "x.npy: empty: a 2-D tensor" in said.err
