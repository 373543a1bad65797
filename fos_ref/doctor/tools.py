"""Programs and libraries of the system: compilers, simulators, NVRTC, the GPU's driver."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from importlib import import_module

from fos_ref.doctor.finding import Finding, found
from fos_ref.errors import ToolchainError

_SECONDS = 20  #: no program here takes a tenth to say its version
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)*")
#: name: (the arguments that print its version, what it is for, how to get it)
PROGRAMS = {
    "g++": (("--version",), "the kernels' header on this machine", "apt-get install g++"),
    "gcc": (("--version",), "exported C vectors and their checker", "apt-get install gcc"),
    "iverilog": (("-V",), "exported SystemVerilog: testbench", "apt-get install iverilog"),
    "verilator": (("--version",), "the same, compiled", "apt-get install verilator"),
    "nvidia-smi": (("-h",), "the driver of a GPU", "NVIDIA's driver"),
}
_NVRTC = "pip install 'fos-ref[nvrtc]'"


def tools() -> Iterator[Finding]:
    """Yield a finding for each program, and for NVRTC."""
    for name, (arguments, what, helps) in PROGRAMS.items():
        yield found("tool", name, partial(_program, name, arguments, what, helps), helps)
    yield found("tool", "nvrtc", _nvrtc, _NVRTC)


def _program(name: str, arguments: tuple[str, ...], what: str, helps: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding("tool", name, "missing", what, helps)
    done = subprocess.run(  # noqa: S603 -- a name of ours
        [path, *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        return Finding("tool", name, "broken", f"exit {done.returncode}: {said}", helps)
    first = done.stdout.partition("\n")[0]
    number = _VERSION.findall(first)
    return Finding("tool", name, "works", f"{number[-1]}: {what}" if number else what)


def _nvrtc() -> Finding:
    """Look for NVRTC as the kernels do (fos_gpu/build/nvrtc.py)."""
    what = "the kernels' compiler"
    try:
        major, minor = import_module("fos_gpu.build.nvrtc").version()
    except ToolchainError:
        return Finding("tool", "nvrtc", "missing", what, _NVRTC)
    return Finding("tool", "nvrtc", "works", f"{major}.{minor}: {what}")
