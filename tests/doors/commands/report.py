"""Rows of `fos report`, `fos evidence` and `fos prove`."""

from __future__ import annotations

from importlib.util import find_spec

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.kit import checkpoints, documents
from tests.doors.row import Command, each, hostile

_ODD = ("pipe", "folder", "loop", "zeros", "nowhere")
_QUICK = ("report", "--quick", "--out", "out")
_WEIGHTS = (*checkpoints.FOREIGN, *checkpoints.LIES, *checkpoints.UNFIT)
_PROVE = ("prove", "products", "--jobs", "1")
_NO_FOLDER = (
    ("a file", "file"),
    ("under a file", "file/a"),
    ("a pipe", "pipe"),
    ("a loop of links", "loop.json"),
    ("a link to a file", "to-file"),
    ("a name of 300 characters", "n" * 300),
)


def _evidence(name: str, codes: tuple[int, ...] = (2,)) -> list[Command]:
    """Return the rows of a file: shown, as JSON, and as a page. No page may be half a page."""
    base = ("evidence", "--from", name)
    return [
        Command("evidence --from", f"{name}{how}", (*base, *extra), codes=codes)
        for how, extra in (("", ()), (" to JSON", ("--json",)), (" to a page", ("--write", "out.md")))
    ]


ROWS = [
    *(
        Command("report --weights", name, (*_QUICK, "--weights", f"{name}.safetensors"))
        for name in (*_WEIGHTS, *_ODD)
    ),
    *(
        Command("report --weights", name, (*_QUICK, "--weights", name), ("GGUF", "safetensors is allowed"))
        for name in ("m.gguf", "gguf.safetensors")
    ),
    *hostile("report --weights", *_QUICK, "--weights", "{}", without=("nothing",)),
    *each("report --out", _NO_FOLDER, "report", "--quick", "--out", "{}"),
    *hostile("report --engine", *_QUICK, "--engine", "{}", named=("engine", "numpy")),
    *(
        [Command("report --engine", "one that is not here", (*_QUICK, "--engine", "cuda"), ("cuda",))]
        if find_spec("cupy") is None
        else []
    ),
    Command("report", "a word too many", ("report", "x"), ("x",)),
    Command("report", "an unknown option", ("report", "--nope"), ("--nope",)),
    *(row for name in documents.FOREIGN for row in _evidence(f"{name}.json")),
    *(row for name in documents.EVIDENCE if name != "good" for row in _evidence(f"evidence-{name}.json")),
    *(row for name in _ODD for row in _evidence(f"{name}.json")),
    *hostile("evidence --from", "evidence", "--from", "{}"),
    *each(
        "evidence --write",
        [
            ("under a file", "file/out.md"),
            ("a folder that is missing", "nowhere/out.md"),
            ("a folder", "taken"),
            ("a pipe", "pipe"),
            ("a name of 300 characters", "n" * 300 + ".md"),
        ],
        *("evidence", "--from", "evidence-good.json", "--write", "{}"),
    ),
    Command("evidence", "a word too many", ("evidence", "x"), ("x",)),
    *hostile("prove NAME", "prove", "{}", named=("codes", "oracle")),
    Command("prove NAME", "in other case", ("prove", "Codes"), ("Codes", "codes")),
    Command("prove NAME", "one good, one not", ("prove", "products", "\u202ex"), ("products",)),
    *each("prove --out", _NO_FOLDER, *_PROVE, "--out", "{}"),
    *(
        Command("prove --against", name, (*_PROVE, "--against", f"finding-{name}"))
        for name in (*documents.FOREIGN, *documents.FINDINGS)
    ),
    *each(
        "prove --against",
        [("missing", "nowhere"), ("a file", "file"), ("a pipe", "pipe"), ("nothing in it", "nothing")],
        *(*_PROVE, "--against", "{}"),
    ),
    *hostile("prove --against", *_PROVE, "--against", "{}", without=("nothing",)),
    *[
        number("prove --jobs", what, ("prove", "products", "--jobs", text), ("--jobs",), text)
        for what, text in (*NOT_WHOLE, ("beyond any machine", "9" * 30))
    ],
    Command("prove", "an unknown option", ("prove", "--nope"), ("--nope",)),
]
