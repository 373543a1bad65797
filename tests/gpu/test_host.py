"""The kernels' header under g++ beside the model, byte by byte."""

from __future__ import annotations

import shutil

import pytest

from fos_gpu.build import host
from fos_gpu.build.host import HostKernel
from fos_gpu.proof import host as prove_host
from fos_gpu.proof.beside import compare, differing, mixed_tasks, SUPPORTED
from fos_ref.errors import ToolchainError
from fos_ref.proof.engine import NAN, Task
from fos_ref.recipes.axes import NonFinite
from tests.gpu.cases import BY_NAME, FEW, FORMATS, inputs, SEARCHES, TILES

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the header is not run"
)

LEVELS = ("-O0", "-O2", "-O3")
BUILDS = [(level, *native) for level in LEVELS for native in ((), ("-march=native",))]


def compared(kernel, r) -> tuple[int, int]:
    """Return (blocks, differing bytes) over the small inputs."""
    blocks = bad = 0
    for kind, x in inputs():
        task = Task(NAN if kind == NAN else kind, 0, ())
        if kind == NAN and r.nonfinite is NonFinite.RAISE:
            continue
        blocks += x.size // r.block_cols
        bad += differing(kernel, x, r, task)
    return blocks, bad


@pytest.mark.sample(1)
@pytest.mark.parametrize("name", [FEW[0], FEW[1], TILES[0], *FORMATS, *SEARCHES])
def test_the_header_gives_the_model_s_bytes(name):
    blocks, bad = compared(HostKernel(BY_NAME[name]), BY_NAME[name])
    assert bad == 0
    assert blocks >= 1500


@pytest.mark.long
def test_the_comparison_sees_another_recipe():
    mse, mae = BY_NAME["te-mse-256"], BY_NAME["te-mae-256"]
    assert compared(HostKernel(mae), mse)[1] > 0


def test_tensor_scales_are_the_model_s():
    found = prove_host.compare_tensor_scales(10_000, FEW[0])
    assert found[FEW[0], "amaxes"] == 3 * 10_005
    assert found[FEW[0], "differing"] == 0


def test_a_value_without_code_does_not_compile(monkeypatch):
    r = BY_NAME["te-nvfp4"]
    given = [o if "ZERO_SIGN" not in o else "-DFOS_ZERO_SIGN=upside_down" for o in host.definitions(r)]
    monkeypatch.setattr(host, "definitions", lambda _: tuple(given))
    with pytest.raises(ToolchainError, match="upside_down"):
        host.build(r)


def test_without_a_compiler_the_error_says_what_to_install(monkeypatch):
    host.compiler_version.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolchainError, match=r"apt install g\+\+"):
        host.build(BY_NAME["te-nvfp4"])
    host.compiler_version.cache_clear()


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", BUILDS, ids=" ".join)
@pytest.mark.parametrize("name", [*FEW, *TILES])
def test_no_optimisation_changes_a_bit(name, options):
    blocks, bad = compared(HostKernel(BY_NAME[name], options), BY_NAME[name])
    assert bad == 0
    assert blocks >= 3000


@pytest.mark.exhaustive
@pytest.mark.parametrize("r", SUPPORTED, ids=lambda r: r.name)
def test_a_million_blocks_of_every_preset(r):
    found = sum(
        (compare(prove_host.kernel, task) for task in mixed_tasks((r.name,))), start=prove_host.Counter()
    )
    assert found[r.name, "differing"] == 0
    assert found[r.name, "blocks"] >= 1_000_000
