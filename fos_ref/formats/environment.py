"""The float environment of the thread: what a result depends on besides its operands.

A library may switch a thread to flushing subnormals (torch.set_flush_denormal, -ffast-math, crtfastmath.o)
or to another rounding mode (fesetround). Results would then have other bits, without a word. So each public
call that computes with floats asks here first, in the thread that computes.

Threads: those that a call starts take over the environment of the thread that starts them (Linux, Windows) or
the ordinary one (macOS), so what holds for the caller holds for them. A GPU has modes of its own, which the
kernels' code fixes. The precision of the x87 unit is not asked for: nothing is computed in it.
"""

from __future__ import annotations

import numpy as np

from fos_ref.errors import ToolchainError

_TIE = np.float32(2**-24)
#: a * b + c and what it gives: a subnormal times 1, a normal times a half, exactly and not; then ties.
_A = np.array([0x00012345, 0x00A00000, 0x00A00001, 0x3F800000, 0xBF800000, 0x3F800001], dtype=np.uint32)
_B = np.array([1, 0.5, 0.5, 1, 1, 1], dtype=np.float32)
_C = np.array([0, 0, 0, _TIE, -_TIE, _TIE], dtype=np.float32)
_WANT = (0x00012345, 0x00500000, 0x00500000, 0x3F800000, 0xBF800000, 0x3F800002)
_FLUSHING = "torch.set_flush_denormal, or a library built with -ffast-math"
_PRODUCTS = 3  #: the first of them show a flush
#: The last three under each other rounding mode.
_MODES = {
    (0x3F800001, 0xBF800000, 0x3F800002): "upward",
    (0x3F800000, 0xBF800001, 0x3F800001): "downward",
    (0x3F800000, 0xBF800000, 0x3F800001): "toward zero",
}


def check_float_environment(where: str = "this thread") -> None:
    """Raise ToolchainError, naming the property, unless this thread keeps subnormals and rounds to nearest.

    Bits are compared, because a thread that flushes may also read a subnormal as equal to zero.
    """
    with np.errstate(all="ignore"):
        found = tuple((_A.view(np.float32) * _B + _C).view(np.uint32).tolist())
    if found == _WANT:
        return
    said = []
    if 0 in found[:_PRODUCTS]:
        said.append(f"flushes subnormal floats to zero ({_FLUSHING})")
    if found[_PRODUCTS:] != _WANT[_PRODUCTS:]:
        mode = _MODES.get(found[_PRODUCTS:], "by another rule")
        said.append(f"rounds floats {mode}, not to nearest (fesetround, or a library that calls it)")
    what = " and ".join(said) or "computes floats by other rules than IEEE 754's"
    msg = f"{where} {what}: other bits would come out. Switch that off first"
    raise ToolchainError(msg)


check_float_environment()  # what is imported now computes its constants now
