"""The last guard of a program: what it answers to an error, as a line and an exit code, and its streams.

Input, memory, files and the machine fail in ways that no command foresees. Each has one line here. An error
that is not here is a fault of this package: it keeps its traceback.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, ParamSpec, TextIO

from fos_ref.errors import BitMismatch, FosError
from fos_ref.errors.text import line, lines, shown

MISMATCH = 1
UNUSABLE = 2
INTERRUPTED = 130
_OURS = ("fos_ref", "fos_gpu")
_PARTS = ("fos_gpu",)  #: of ours that may be left out of an installation
#: Packages that an extra brings, by the name that is imported.
_EXTRAS = dict.fromkeys(("pandas", "matplotlib", "scipy", "PIL", "jinja2"), "report")
_BLAS = "OPENBLAS_NUM_THREADS"  #: of a library that NumPy brings and nothing here calls
_Given = ParamSpec("_Given")
_NO_THREAD = "can't start new thread"  #: CPython raises a bare RuntimeError for it


class Answer(NamedTuple):
    """What a program ends with."""

    code: int
    said: str = ""  #: for the error stream; empty: nothing


def answer(error: BaseException, said: Callable[[FosError], str] = str) -> Answer | None:
    """Return what to end with after `error`; None for a fault of the package.

    said: how an error of the package is told, where a program names its options for what helps.
    """
    if isinstance(error, BitMismatch):
        return Answer(MISMATCH, said(error))
    if isinstance(error, KeyboardInterrupt):
        return Answer(INTERRUPTED)
    if isinstance(error, FosError):
        return Answer(UNUSABLE, line(said(error)))
    told = _told(error)
    return None if told is None else Answer(UNUSABLE, line(told))


def _told(error: BaseException) -> str | None:
    """Return what the machine or the input did, None for an error that says neither."""
    if isinstance(error, OSError):
        return f"{_place(error)}: {error.strerror or str(error) or type(error).__name__}"
    if isinstance(error, ImportError) and not _is_ours(error.name):
        first = _first(error)
        why = "not enough memory" if isinstance(first, MemoryError) else str(first)
        return f"a part of this installation cannot be loaded: {why}{_helps(first)}"
    for kinds, what in _OUTSIDE:
        if isinstance(error, kinds):
            return f"{what} ({detail})" if (detail := str(error).strip()) else what
    return _of_workers(error) if isinstance(error, RuntimeError) else None


def _of_workers(error: RuntimeError) -> str | None:
    """Return what kept threads or processes from working."""
    if _NO_THREAD in str(error):
        return "no thread can be started: the system's limit is reached (ulimit -u)"
    from concurrent.futures import BrokenExecutor  # noqa: PLC0415 -- `fos --help` loads none of it

    if isinstance(error, BrokenExecutor):
        return "a worker process ended early: memory, most likely, or a signal"
    return None


#: Errors that tell of the input or the machine, wherever they are raised.
_OUTSIDE: tuple[tuple[type[Exception], str], ...] = (
    (MemoryError, "not enough memory for this"),
    (RecursionError, "the input is nested too deeply"),
    (UnicodeError, "text that cannot be read or written in its encoding"),
)


def _place(error: OSError) -> str:
    name = error.filename
    return (
        "output" if name is None or name == "" else shown(os.fsdecode(name) if _is_path(name) else str(name))
    )


def _helps(error: BaseException) -> str:
    """Return the extra that brings the package which is not there, for a message; "" for any other error."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    extra = _EXTRAS.get((missing or "").partition(".")[0])
    return f": pip install 'fos-ref[{extra}]'" if extra else ""


def _is_path(name: object) -> bool:
    return isinstance(name, str | bytes | os.PathLike)


def _is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] in _OURS and module not in _PARTS


def _first(error: BaseException) -> BaseException:
    """Return the error that a failed import began with."""
    seen = {id(error)}
    while (before := error.__cause__ or error.__context__) is not None and id(before) not in seen:
        error = before
        seen.add(id(error))
    return error


def reader_left(error: BaseException) -> bool:
    """Return whether the reader of a pipe (head, less) has gone; a parser makes an exit of that."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def ready_process() -> None:
    """Let no character, no closed stream and no idle thread end a program, nor a traceback show raw text."""
    os.environ.setdefault(_BLAS, "1")  # before NumPy loads; it ends the process where it cannot start threads
    for number in range(3):  # a file of ours with the number of a closed stream would get what C code prints
        with contextlib.suppress(OSError):
            _open_if_closed(number)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed: what is printed goes nowhere
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 -- to the end
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is escaped
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = _say_traceback


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, and those below are open


def _say_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a fault of the package: its traceback, then a line that says what it is."""
    import traceback  # noqa: PLC0415 -- nobody waits for it

    text = "".join(traceback.format_exception(kind, error, trace))
    say(f"{lines(text.rstrip())}\nThis is a fault of fos-ref: please report it with these lines.")


def say(text: str) -> None:
    """Print on the error stream; the exit code stands even where that cannot be written."""
    try:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    except (OSError, UnicodeError, ValueError, AttributeError):  # full, closed, or none
        close(sys.stderr)


def close(stream: TextIO | None) -> None:
    """Send what `stream` still holds to nowhere, so that the interpreter does not fail on it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def guarded(program: Callable[_Given, int]) -> Callable[_Given, int]:
    """Return `program` with its last guard: it gives its exit code, the answer's after an error.

    For the programs beside `fos`; a fault of the package passes with its traceback.
    """

    @wraps(program)
    def run(*given: _Given.args, **named: _Given.kwargs) -> int:
        ready_process()
        try:
            code = program(*given, **named)
            sys.stdout.flush()
        except BaseException as e:  # noqa: BLE001 -- a fault of the package is raised again
            return ended(e)
        return code

    return run


def ended(error: BaseException, said: Callable[[FosError], str] = str, name: str = "error") -> int:
    """Say what ends a program and return its exit code; a fault of the package is raised again.

    name: the word before the line, but not before the lines of a comparison that failed.
    """
    if reader_left(error):
        close(sys.stdout)  # nothing more to say
        return 0
    found = answer(error, said)
    if found is None:
        raise error
    if isinstance(error, OSError) and not error.filename:
        close(sys.stdout)  # which may be what could not be written
    if found.said:
        say(found.said if found.code == MISMATCH else f"{name}: {found.said}")
    return found.code
