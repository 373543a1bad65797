"""`fos golden export`: the vectors for SystemVerilog, C, and whatever reads JSON or npz."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fos_ref.commands.options import presets
from fos_ref.commands.output import say

Folder = Annotated[Path, typer.Option("--dir", metavar="DIR", help="The golden folder.")]
#: A folder to read: the vectors came with the program, so that it need not be named.
Source = Annotated[
    Path | None,
    typer.Option(
        "--dir", metavar="DIR", help="The golden folder; else ./golden, else the vectors of the program."
    ),
]


class Form(StrEnum):
    """What can be written."""

    MEMH = "memh"
    C = "c"
    JSON = "json"
    NPZ = "npz"


def export(
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="A new or an empty folder.")],
    form: Annotated[Form, typer.Option("--format", metavar="memh|c|json|npz", help="What to write.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|FILE", autocompletion=presets, help="Only this recipe; may be repeated."),
    ] = None,
    folder: Source = None,
) -> None:
    """Write the vectors for other languages, with a testbench (memh) or a checker (c); README.md says how.

    The same vectors give the same bytes. DIR appears whole or not at all.
    """
    from fos_ref.export.document import documents
    from fos_ref.export.source import load
    from fos_ref.publish.publication import check_targets, write_all
    from fos_ref.publish.targets import whole_folder
    from fos_ref.vectors.packaged import HERE, named_or_packaged

    taken, files = named_or_packaged(folder)
    targets = whole_folder(out, inputs=[taken])
    check_targets(targets)
    source = load(files, recipe or ())
    found = documents(form.value, source)
    write_all(targets, found)
    size = sum(map(len, found.values()))
    say(f"{out}: {len(found)} files, {size / 1e6:.1f} MB, recipes {', '.join(source.vectors)}")
    if folder is None and taken != HERE:
        say(f"made of the vectors that came with {source.named()}")


__all__ = ["Folder", "Source", "export"]
