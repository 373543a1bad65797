"""What Numba's own environment must not say: before anything is compiled, because LLVM ends the process."""

from __future__ import annotations

import re
from pathlib import Path

from numba import config

from fos_ref.errors import ToolchainError

_FEATURES = re.compile(r"[+-][\w.-]+(,[+-][\w.-]+)*")  #: LLVM aborts on a name without its sign
ROOM = 1 << 30  #: bytes of address space: where a limit leaves less, LLVM aborts or tries for minutes


def check_environment() -> None:
    """Raise ToolchainError for what keeps Numba from compiling, or has LLVM end the process."""
    room = _room()
    if room is not None and room < ROOM:
        left = f"the memory limit leaves {room >> 20:,} MiB"
        msg = f"engine 'numba': {left}: {ROOM >> 20:,} are needed (ulimit -v)"
        raise ToolchainError(msg)
    if config.DISABLE_JIT:
        msg = "engine 'numba': the environment variable NUMBA_DISABLE_JIT keeps Numba from compiling"
        raise ToolchainError(msg)
    features = str(config.CPU_FEATURES or "")
    if features and not _FEATURES.fullmatch(features):
        msg = f"engine 'numba': NUMBA_CPU_FEATURES is {features!r}: names such as +avx2,-fma are allowed"
        raise ToolchainError(msg)


def _room() -> int | None:
    """Return how many bytes of address space the limit of this process leaves; None without a limit."""
    try:
        import resource  # noqa: PLC0415 -- not every system has it
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        pages = 0  # it does not tell: the limit alone
    return max(0, limit - pages * resource.getpagesize())
