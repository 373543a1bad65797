"""Rows of `fos golden` and its commands."""

from __future__ import annotations

from tests.doors.commands.numbers import NOT_WHOLE
from tests.doors.commands.numbers import row as number
from tests.doors.kit import documents, golden
from tests.doors.row import Command, each, hostile

_BROKEN = (
    *golden.VECTORS,
    *golden.MAPS,
    *golden.ARCHIVES,
    *(f"worked-{k}" for k in documents.FOREIGN),
    *(f"manifest-{k}" for k in documents.FOREIGN),
    *(f"frozen-{k}" for k in golden.TEXTS),
)
#: What an export does not read, or takes as it is.
_UNREAD = (*golden.MAPS, *golden.ARCHIVES, "frozen-not-utf-8", "frozen-empty-text", "pipe")
_NO_FOLDER = (
    ("nothing in it", "nothing"),
    ("other files in it", "taken"),
    ("missing", "nowhere"),
    ("a file", "file"),
    ("a pipe", "pipe"),
    ("a pipe for a manifest", "golden-pipe"),
    ("a loop of links", "loop.json"),
    ("a device", "zeros.json"),
    ("this folder", "."),
    ("the root folder", "/"),
    ("a name of 300 characters", "n" * 300),
)
_LINT, _VERIFY = ("golden", "lint"), ("golden", "verify")
_OUT = ("-o", "out")
_C = ("golden", "export", "--format", "c")


def _dirs(door: str, *args: str) -> list[Command]:
    return [
        *each(f"{door} --dir", _NO_FOLDER, *args, "--dir", "{}"),
        *hostile(f"{door} --dir", *args, "--dir", "{}"),
    ]


def _export(door: str, what: str, *args: str, named: tuple[str, ...] = ()) -> Command:
    return Command(f"golden export {door}", what, ("golden", "export", "--dir", "golden", *args), named)


_NO_PATTERNS = [
    ("a pattern of nothing", "v9/*"),
    ("nothing", ""),
    ("a newline", "a\nb"),
    ("an escape sequence", "\x1b]0;pwn\x07"),
    ("a bidirectional override", "\u202e"),
    ("100,000 letters", "a" * 100_000),
    ("stars", "*a" * 5000),
]
ROWS = [
    *_dirs("golden lint", *_LINT),
    *_dirs("golden verify", *_VERIFY),
    *_dirs("golden export", *_C, *_OUT),
    *each(
        "golden write --dir",
        [("a file", "file"), ("a pipe", "pipe"), ("under a file", "file/a"), ("a loop", "loop.json")],
        *("golden", "write", "--dir", "{}"),
    ),
    *each(
        "golden chain --dir",
        [("a file", "file"), ("a pipe", "pipe"), ("under a file", "file/a"), ("a loop", "loop.json")],
        *("golden", "chain", "--dir", "{}"),
    ),
    *hostile("golden chain --engine", "golden", "chain", "--engine", "{}", named=("engine", "numpy")),
    Command(
        "golden chain --engine", "auto", ("golden", "chain", "--dir", "out", "--engine", "auto"), ("auto",)
    ),
    *(
        Command("golden lint --dir", name, (*_LINT, "--dir", f"golden-{name}"), codes=(1, 2))
        for name in (*_BROKEN, *(f"readme-{k}" for k in golden.TEXTS))
    ),
    *(
        Command("golden verify --dir", name, (*_VERIFY, "--dir", f"golden-{name}"), codes=(1, 2))
        for name in (*golden.VECTORS, *golden.MAPS, *(f"worked-{k}" for k in documents.FOREIGN))
        if not name.startswith(("comment", "flags"))
    ),
    *(
        Command("golden verify --dir", name, (*_VERIFY, "--dir", f"golden-{name}"))
        for name in (f"manifest-{k}" for k in documents.FOREIGN)
    ),
    *(
        Command("golden export --dir", name, (*_C, *_OUT, "--dir", f"golden-{name}"), codes=(1, 2))
        for name in _BROKEN
        if name not in _UNREAD
    ),
    *hostile(
        "golden verify --engine", *_VERIFY, "--dir", "golden", "--engine", "{}", named=("engine", "numpy")
    ),
    *each("golden verify --only", _NO_PATTERNS, *_VERIFY, "--dir", "golden", "--only", "{}"),
    *each("golden chain --only", _NO_PATTERNS, "golden", "chain", "--dir", "out", "--only", "{}"),
    *[
        number(
            "golden verify --steps",
            what,
            (*_VERIFY, "--dir", "golden", "--steps", text),
            ("--steps",),
            text,
        )
        for what, text in (*NOT_WHOLE, ("more than a chain has", "10001"), ("beyond any machine", "9" * 30))
    ],
    _export("--format", "another form", "--format", "verilog", *_OUT, named=("verilog", "memh", "npz")),
    _export("--format", "in other case", "--format", "JSON", *_OUT, named=("JSON", "json")),
    *hostile(
        "golden export --format",
        *("golden", "export", "--dir", "golden", *_OUT, "--format", "{}"),
        named=("memh", "npz"),
    ),
    _export("--format", "given never", *_OUT, named=("--format",)),
    _export("--out", "given never", "--format", "c", named=("--out",)),
    *each(
        "golden export --out",
        [
            ("not empty", "taken"),
            ("a file", "file"),
            ("under a file", "file/a"),
            ("a pipe", "pipe"),
            ("a loop of links", "loop.json"),
            ("a link to a file", "to-file"),
            ("this folder", "."),
            ("the golden folder", "golden"),
            ("a name of 300 characters", "n" * 300),
        ],
        *(*_C, "--dir", "golden", "-o", "{}"),
    ),
    *hostile("golden export --recipe", *_C, *_OUT, "--dir", "golden", "--recipe", "{}"),
    _export("--recipe", "one without vectors", "--format", "c", *_OUT, "--recipe", "te-mse-448"),
    *(
        _export("--recipe", f"{name}.json", "--format", "c", *_OUT, "--recipe", f"{name}.json")
        for name in (*documents.FOREIGN, *documents.RECIPES)
    ),
    Command("golden", "no such command", ("golden", "zzz"), ("zzz", "write")),
    Command("golden", "a hostile command", ("golden", "\x1b]0;pwn\x07\n\u202e" * 500)),
    Command("golden lint", "an unknown option", (*_LINT, "--nope"), ("--nope",)),
    Command("golden verify", "a word too many", (*_VERIFY, "a"), ("a",)),
]
