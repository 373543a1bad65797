"""`fos matmul segments`: random segments for a multiply-accumulate unit in hardware, with a bench."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fos_ref.commands.options import one_of, whole
from fos_ref.commands.output import say

#: As fos_ref.export.segments and fos_ref.matmul.units have them; a test holds them to it.
UNITS = ("nvfp4", "if4", "nvfp4-folded", "if4-folded")
POLICIES = ("datapath", "assert")
MOST = 10_000_000
_MOST_SEED = (1 << 64) - 1


def segments(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="A new or an empty folder.")],
    unit: Annotated[str, one_of(UNITS, "Whose bits and cycles are expected.")],
    count: Annotated[int, whole("How many segments.", 1, MOST)] = 100_000,
    seed: Annotated[int, whole("Which segments.", 0, _MOST_SEED)] = 0,
    code8: Annotated[str, one_of(POLICIES, "Whether codes 8 occur (datapath) or not (assert).")] = "datapath",
) -> None:
    """Write random segments for a MAC unit: memh files, a testbench, designs; README.md says how.

    The same arguments give the same bytes. DIR appears whole or not at all.
    """
    from fos_ref.export.segments import segment_files
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import whole_folder

    targets = whole_folder(out)
    check_targets(targets)
    found = segment_files(unit, count, seed, code8)
    write_all(targets, found)
    size = sum(map(len, found.values()))
    results = found["acc.memh"].count(b"\n")
    say(f"{out}: {unit}, {count} segments, {results} results, {len(found)} files, {size / 1e6:.1f} MB")


__all__ = ["segments"]
