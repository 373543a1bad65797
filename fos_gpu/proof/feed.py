"""`python -m fos_gpu.proof.feed`: which feed does cvt.rs.satfinite.e2m1x4 have? Three probes on this device.

Compiled for sm_100a and sm_103a by the proof of the targets; not run on either.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fos_gpu.build import modules, nvrtc
from fos_gpu.build.probe import available
from fos_gpu.build.training_units import HAVE_RS, probe_unit
from fos_gpu.engine import capability
from fos_gpu.proof.command import Parser
from fos_gpu.tensors import cupy
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import U32
from fos_ref.random import Feed, FEEDS, probe

WORDS, CODES = 32, 66
_UP = {1.25: 3, 0.25: 1}  #: probed value -> the code of the value above it
_ELEMENTS = 4


class Answer(NamedTuple):
    """What the codes say."""

    moved: tuple[int | None, ...]  #: of each word 1 << i the element that it moves up from 1.25; -1: several
    below_one: bool  #: whether 0.25 is moved by the same words
    wide: bool  #: whether an element has more than 8 bits
    feeds: tuple[str, ...]  #: the feeds of FEEDS that fit, by name


def read(codes: U32) -> Answer:
    """Return what 66 words of codes say, those of fos_feed_probe.cu; element 0 is in the low nibble."""
    moved = _moved(codes[:WORDS], _UP[1.25])
    wide = bool((codes[WORDS * 2 + 1] & 0xF) == _UP[1.25])
    fitting = [f.value for f in Feed if len(FEEDS[f]) == _ELEMENTS and probe(f) == moved]
    return Answer(moved, _moved(codes[WORDS : 2 * WORDS], _UP[0.25]) == moved, wide, tuple(fitting))


def _moved(codes: U32, up: int) -> tuple[int | None, ...]:
    found: list[int | None] = []
    for word in codes.tolist():
        elements = [i for i in range(_ELEMENTS) if word >> 4 * i & 0xF == up]
        found.append(elements[0] if len(elements) == 1 else -1 if elements else None)
    return tuple(found)


def ask() -> Answer:
    """Run the probe on the current device; ToolchainError where it has no such instruction."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    device, compute = cupy().cuda.runtime.getDevice(), capability()
    codes, flag = (cupy().zeros(n, dtype=np.uint32) for n in (CODES, 1))
    kernel: Any = modules.function(probe_unit(), "fos_feed_probe", compute, device)
    kernel((1,), (WORDS,), (codes, flag))
    if not int(flag[0]):
        needs = " or ".join(HAVE_RS)
        msg = f"cvt.rs.satfinite.e2m1x4.f32 needs {needs}; this is {nvrtc.target(compute)}"
        raise ToolchainError(msg)
    return read(cupy().asnumpy(codes))


def lines(found: Answer) -> list[str]:
    """Return the answer in words."""
    names = ", ".join(found.feeds) or "none that is known"
    moved = " ".join("-" if e is None else "?" if e < 0 else str(e) for e in reversed(found.moved))
    return [
        f"feed: {names}",
        f"bits 31..0 move element: {moved}",
        f"more than 8 bits an element: {'yes' if found.wide else 'no'}",
        f"the same below 1 (0.25): {'yes' if found.below_one else 'no'}",
    ]


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Ask the device and print the feed; 0 if it is a known one, 1 if not, 2 without the instruction."""
    Parser(description="Which feed does cvt.rs.satfinite.e2m1x4 have on this device?").parse_args(argv)
    found = ask()
    sys.stdout.write("\n".join(lines(found)) + "\n")
    return 0 if found.feeds else 1


if __name__ == "__main__":
    sys.exit(main())
