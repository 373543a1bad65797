"""The engines: each is run on the worked block, unless it would have to be compiled first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version

import numpy as np

from fos_ref.doctor.finding import Finding, found
from fos_ref.engines.front import quantize
from fos_ref.engines.registry import Engine, load_engine
from fos_ref.engines.stream import Compiled
from fos_ref.errors import ToolchainError
from fos_ref.recipes import PRESETS

#: 4/6 of [10, 20, 30, 40] at a tensor scale of 1: codes and block scale, N15 and N7.
CODES, SCALE = bytes.fromhex("42650000" + "00000000"), b"\x52"
RECIPE = "4over6"
LATER = "the first large tensor compiles it, once: 20 to 80 seconds"
_CUDA = "pip install 'fos-ref[gpu]', on a machine with an NVIDIA GPU"
_NUMBA = "pip install -U numba, or set NUMBA_CACHE_DIR to a folder of yours"


def engines() -> Iterator[Finding]:
    """Yield a finding for each engine."""
    for name, look, helps in (
        ("numpy", _numpy, "pip install -U numpy"),
        ("numba", _numba, _NUMBA),
        ("cuda", _cuda, _CUDA),
    ):
        yield found("engine", name, partial(_loaded, name, look, helps), helps)


def _loaded(name: str, look: Callable[[Engine], Finding], helps: str) -> Finding:
    """Return what is found of an engine; "missing", with the reason, where it does not load."""
    try:
        return look(load_engine(name))
    except ToolchainError as e:
        return Finding("engine", name, "missing", e.said, helps)


def _numpy(_: Engine) -> Finding:
    return _run("numpy", f"NumPy {version('numpy')}: the specification")


def _numba(engine: Engine) -> Finding:
    what = f"Numba {version('numba')}"
    if isinstance(engine, Compiled) and not engine.is_compiled():
        return Finding("engine", "numba", "later", f"{what}: {LATER}")
    return _run("numba", f"{what}: compiled code is kept")


def _cuda(engine: Engine) -> Finding:
    reason = engine.refuses(PRESETS[RECIPE])
    if reason is not None:
        return Finding("engine", "cuda", "missing", reason)
    return _run("cuda", "CuPy, a device and NVRTC")


def _run(name: str, says: str) -> Finding:
    """Return "works" where the engine gives the worked block's bytes, else "broken"."""
    x = np.zeros((1, 16), np.float32)
    x[0, :4] = 10, 20, 30, 40
    q = quantize(x, RECIPE, tensor_scale=1.0, engine=name)
    got = q.codes.tobytes(), q.block_scales.tobytes()
    if got != (CODES, SCALE):
        wrong = f"other bytes for [10, 20, 30, 40]: {got[0].hex()}, {got[1].hex()}"
        return Finding("engine", name, "broken", wrong, "report it: an engine never gives other bits")
    return Finding("engine", name, "works", says)
