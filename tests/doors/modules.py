"""Rows of the proofs on a device, which are run as modules: `python -m fos_gpu.proof.NAME`."""

from __future__ import annotations

from dataclasses import dataclass

from tests.doors.kit import documents

_FOLDER = "fos_gpu.proof."
_EVIDENCE, _FEED = f"{_FOLDER}evidence", f"{_FOLDER}feed"
_NAMES = (
    "targets",
    "golden",
    "host",
    "conversions",
    "fast",
    "device",
    "products",
    "training.__main__",
    "training.host",
)
PROOFS = tuple(_FOLDER + name for name in _NAMES)
MODULES = (_EVIDENCE, _FEED, *PROOFS)


@dataclass(frozen=True)
class Run:
    """A call of a module: exit 2 and an error of a line, the usage above it where the words are wrong."""

    module: str
    what: str
    args: tuple[str, ...]
    named: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.module.removeprefix(_FOLDER)} as a module: {self.what}"


def _words(module: str) -> list[Run]:
    """Return the rows that every module has."""
    return [
        Run(module, "an unknown option", (*_needed(module), "--nope"), ("--nope",)),
        Run(module, "a word too many", (*_needed(module), "\x1b]0;pwn\x07"), ("arguments",)),
    ]


def _outputs(module: str) -> list[Run]:
    """Return the rows of those that write."""
    return [
        Run(module, "an output under a file", ("--out", "file/a")),
        Run(module, "an output that is a file", ("--out", "file")),
    ]


def _needed(module: str) -> tuple[str, ...]:
    return ("--out", "o") if module.endswith("evidence") else ()


def _proofs(module: str) -> list[Run]:
    """Return the rows of those that are proofs: their numbers, and findings to compare with."""
    return [
        *(
            Run(module, f"--jobs {what}", ("--jobs", text), ("--jobs",))
            for what, text in (("a word", "x"), ("a fraction", "1.5"), ("negative", "-1"), ("0x1", "0x1"))
        ),
    ]


_TARGETS = "fos_gpu.proof.targets"
ROWS = [
    *(row for module in MODULES for row in _words(module)),
    *(row for module in (_EVIDENCE, *PROOFS) for row in _outputs(module)),
    *(row for module in PROOFS for row in _proofs(module)),
    *(
        Run(f"{_FOLDER}training.__main__", f"--tensors {what}", ("--tensors", text), ("--tensors",))
        for what, text in (("a word", "x"), ("a fraction", "1.5"), ("negative", "-1"), ("0x1", "0x1"))
    ),
    Run(_EVIDENCE, "an unknown part", ("--out", "o", "--only", "\x1b[31m\u202e"), ("part",)),
    Run(_EVIDENCE, "a limit that is no number", ("--out", "o", "--limit", "x"), ("--limit",)),
    Run(_EVIDENCE, "no output", (), ("--out",)),
    Run("fos_gpu.proof.golden", "no golden folder", ("--golden", "nothing")),
    Run("fos_gpu.proof.golden", "steps that are no number", ("--steps", "x"), ("--steps",)),
    *(
        Run(_TARGETS, f"--against {name}", ("--against", f"finding-{name}"))
        for name in (*documents.FOREIGN, *documents.FINDINGS)
    ),
    Run(_TARGETS, "--against nothing", ("--against", "nowhere")),
]
