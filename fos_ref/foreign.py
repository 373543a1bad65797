"""One guard around code that is not ours: a parser, a protocol of arrays, another library's object.

Such code raises whatever it likes. Behind the guard it is one error of this package: what was given, what
the other side said, what is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fos_ref.errors import FosError, InputError
from fos_ref.errors.text import line

SHOWN = 160  #: characters of foreign text in a message


@contextmanager
def foreign(what: str, allowed: str, error: type[FosError] = InputError) -> Iterator[None]:
    """Turn every Exception raised inside, MemoryError and RecursionError too, into `error`.

    what:    what was given, the first words of the message: "X.npy", "x of type ArrayImpl"
    allowed: what is allowed, its last words: "a .npy file of float32 is allowed"
    A FosError passes as it is, and so do KeyboardInterrupt, SystemExit and whatever else is no Exception.
    """
    try:
        yield
    except FosError:
        raise
    except Exception as e:
        msg = f"{what}: {said(e)}: {allowed}"
        raise error(msg) from e


@contextmanager
def no_exit(what: str, allowed: str, error: type[FosError] = InputError) -> Iterator[None]:
    """Turn a SystemExit of code that is not ours into `error`: it does not say how this program ends."""
    try:
        yield
    except SystemExit as e:
        msg = f"{what}: {said(e)}: {allowed}"
        raise error(msg) from e


def said(e: BaseException) -> str:
    """Return the type and the first line of an exception that is not ours, escaped and cut."""
    name = type(e).__name__
    try:
        lines = str(e).strip().splitlines()
    except Exception:  # noqa: BLE001 -- its __str__ is foreign code as well
        lines = []
    return cut(f"{name} ({lines[0].strip()})" if lines else name)


def cut(text: str, length: int = SHOWN) -> str:
    """Return `text` as one line of at most `length` characters (fos_ref/errors/text.py)."""
    return line(text, length)


def shown(value: object, length: int = SHOWN) -> str:
    """Return repr(value), escaped and cut; the type alone where that fails."""
    try:
        return cut(repr(value), length)
    except Exception:  # noqa: BLE001 -- __repr__ is foreign code
        return f"a {cut(type(value).__name__)}"
