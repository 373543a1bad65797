"""What Numba's own environment must not say: before anything is compiled, because LLVM ends the process."""

from __future__ import annotations

import re

from numba import config

from fos_ref.errors import ToolchainError

_FEATURES = re.compile(r"[+-][\w.-]+(,[+-][\w.-]+)*")  #: LLVM aborts on a name without its sign


def check_environment() -> None:
    """Raise ToolchainError for what keeps Numba from compiling, or has LLVM end the process."""
    if config.DISABLE_JIT:
        msg = "engine 'numba': the environment variable NUMBA_DISABLE_JIT keeps Numba from compiling"
        raise ToolchainError(msg)
    features = str(config.CPU_FEATURES or "")
    if features and not _FEATURES.fullmatch(features):
        msg = f"engine 'numba': NUMBA_CPU_FEATURES is {features!r}: names such as +avx2,-fma are allowed"
        raise ToolchainError(msg)
