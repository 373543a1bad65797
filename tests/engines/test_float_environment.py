"""The float environment at every door: a thread that flushes or rounds otherwise is refused, by property."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref import cli
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import UNUSABLE
from fos_ref.exactness.near_tie import near_ties
from fos_ref.formats.environment import check_float_environment
from fos_ref.inspect.api import inspect
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.vectors.on_disk import read_written
from fos_ref.vectors.verify import verify as verify_golden
from fos_ref.verify import assert_bits_equal, assert_quantized_equal, check, conformance
from fos_ref.verify.disagreement import disagreement
from fos_ref.verify.distributions import make
from fos_ref.verify.hardware import hardware_decides
from tests.float_environments import MODES, rounding, state, STATES

ROOT = Path(__file__).parents[2]
P = fos_ref.PRESETS


def normal() -> np.ndarray:
    return np.random.Generator(np.random.Philox(1)).standard_normal((16, 32)).astype(np.float32)


X = normal()
Q = fos_ref.quantize(X)
DOORS = {
    "quantize": lambda _: fos_ref.quantize(X),
    "quantize, numba": lambda _: fos_ref.quantize(X, engine="numba"),
    "quantize, given scale": lambda _: fos_ref.quantize(X, tensor_scale=1.0),
    "trace": lambda _: fos_ref.trace(X),
    "dequantize": lambda _: fos_ref.dequantize(Q),
    "exact_error": lambda _: fos_ref.exact_error(X, Q),
    "check": lambda _: check(X, Q.codes, Q.block_scales),
    "assert_quantized_equal": lambda _: assert_quantized_equal(X, Q.codes, Q.block_scales),
    "assert_bits_equal": lambda _: assert_bits_equal((Q.codes ^ 1, Q.block_scales), Q, x=X),
    "conformance": lambda _: conformance(fos_ref.quantize, groups=()),
    "disagreement": lambda _: disagreement(X, P["4over6"], P["nvfp4"]),
    "near_ties": lambda _: near_ties(X),
    "hardware_decides": lambda _: hardware_decides(X, P["flashinfer-default-mse-448"]),
    "make": lambda _: make("normal", (16, 32), 1),
    "verify golden": lambda _: verify_golden(read_written(ROOT / "golden"), "numpy", only="v1/nvfp4/worked*"),
    "quantize_checkpoint": lambda d: quantize_checkpoint(d / "x.safetensors", d / "new.safetensors"),
    "inspect": lambda d: inspect(d / "q.safetensors"),
    "inspect, against": lambda d: inspect(d / "q.safetensors", d / "x.safetensors"),
    "QuantizedCheckpoint": lambda d: _read(d / "q.safetensors"),
}
COMMANDS = {
    "quantize": "quantize {d}/x.safetensors {d}/new.safetensors",
    "inspect": "inspect {d}/q.safetensors",
    "check": "check {d}/x.npy {d}/codes.npy {d}/scales.npy --recipe 4over6",
    "recipes diff": "recipes diff 4over6 nvfp4 --on {d}/x.npy",
    "golden verify": "golden verify --dir {root}/golden --only v1/nvfp4/worked*",
    "report": "report --quick --out {d}/out",
    "prove": "prove e8m0",
}


def _read(path: Path) -> None:
    with QuantizedCheckpoint(path) as c:
        c.tensor(c.names[0])


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    d = tmp_path_factory.mktemp("environment")
    save_file({"a.weight": X}, d / "x.safetensors")
    quantize_checkpoint(d / "x.safetensors", d / "q.safetensors")
    for name, a in (("x", X), ("codes", Q.codes), ("scales", Q.block_scales)):
        np.save(d / f"{name}.npy", a)
    return d


@pytest.mark.sample(5)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_holds_in_an_ordinary_thread_and_in_no_other(door, files):
    call = DOORS[door]
    if door == "assert_bits_equal":
        with pytest.raises(fos_ref.errors.BitMismatch):
            call(files)
    else:
        call(files)
    (files / "new.safetensors").unlink(missing_ok=True)
    for name, (_, says) in STATES.items():
        with state(name), pytest.raises(ToolchainError, match=f"this thread {says}"):
            call(files)
    for name in MODES:
        with rounding(name), pytest.raises(ToolchainError, match=f"rounds floats {name}"):
            call(files)
    assert not (files / "new.safetensors").exists()


@pytest.mark.sample(4)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["both, as torch does", "upward"])
def test_every_command_says_so_in_one_line(command, name, files, capsys):
    arguments = COMMANDS[command].format(d=files, root=ROOT).split()
    with state(name):
        assert cli.run(arguments) == UNUSABLE
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert STATES[name][1] in said


def test_a_kernel_that_changes_the_environment_is_named():
    left = state("upward")

    def kernel(_x):
        left.__enter__()
        return Q

    try:
        with pytest.raises(ToolchainError, match=r"after the kernel.s call this thread rounds floats upward"):
            conformance(kernel, groups=("tensors",), shapes=((16, 32),))
    finally:
        left.__exit__(None, None, None)


def test_a_thread_takes_the_environment_of_the_one_that_starts_it():
    """What the check of the caller's thread says of the threads that a call starts (Linux)."""
    found = []

    def look() -> None:
        try:
            check_float_environment()
        except ToolchainError as e:
            found.append(str(e))

    with state("both, as torch does"):
        t = threading.Thread(target=look)
        t.start()
        t.join()
    assert len(found) == 1
    t = threading.Thread(target=look)
    t.start()
    t.join()
    assert len(found) == 1


BORN = """
from tests.float_environments import state
import numpy, ml_dtypes, fos_ref
x = numpy.full((1, 16), 0.3, numpy.float32)
for name in ("upward", "flush to zero"):
    with state(name):
        try:
            fos_ref.quantize(x, "fouroversix-if4-mse")
        except fos_ref.errors.ToolchainError:
            print("refused")
print(fos_ref.trace(x, "fouroversix-if4-mse").map4.scaled.view("u4")[0, 0, 0])
"""


@pytest.mark.long
def test_no_constant_is_computed_under_another_mode():
    """A first call that is refused leaves no module behind whose constants were rounded otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", BORN], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    want = fos_ref.trace(np.full((1, 16), 0.3, np.float32), "fouroversix-if4-mse").map4.scaled
    assert done.stdout.split() == ["refused", "refused", str(want.view("u4")[0, 0, 0])]


def test_an_ordinary_thread_is_fine():
    check_float_environment()
