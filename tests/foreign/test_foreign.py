"""The guard around foreign code: whatever it raises is one line of ours, and what is no Exception passes."""

from __future__ import annotations

import pytest

from fos_ref.errors import CheckpointError, FosError, InputError, ShapeError
from fos_ref.foreign import cut, foreign, said, SHOWN, shown
from tests.every import every

ALLOWED = "a .npy file is allowed"


class RudeError(Exception):
    """An exception whose words cannot be had."""

    def __str__(self) -> str:
        raise ValueError


class Unshowable:
    """An object without a repr."""

    def __repr__(self) -> str:
        msg = "no"
        raise RuntimeError(msg)


RAISED = (
    KeyError("a"),
    ValueError("first\nsecond"),
    MemoryError(),
    RecursionError("deep"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    OSError(5, "Input/output error"),
    StopIteration(3),
    AssertionError(),
    RudeError(),
    RuntimeError("\x1b]0;pwn\x07 \u202e" + "x" * 100_000),
    ExceptionGroup("many", [ValueError(), KeyError()]),
)


@every(RAISED, name=said)
def test_whatever_is_raised_is_one_short_line(error):
    with pytest.raises(CheckpointError) as e, foreign("X.npy", ALLOWED, CheckpointError):
        raise error
    words = str(e.value)
    assert words.startswith(f"X.npy: {type(error).__name__}")
    assert words.endswith(f": {ALLOWED}")
    assert len(words) <= SHOWN + len("X.npy: : ") + len(ALLOWED)
    assert words.isprintable()
    assert e.value.__cause__ is error


@every([KeyboardInterrupt(), SystemExit(3), GeneratorExit()], name=repr)
def test_what_is_no_exception_passes(error):
    with pytest.raises(type(error)) as e, foreign("x", ALLOWED):
        raise error
    assert e.value is error


def test_an_error_of_ours_passes_as_it_is():
    mine = ShapeError("mine")
    with pytest.raises(FosError) as e, foreign("x", ALLOWED):
        raise mine
    assert e.value is mine


def test_input_error_is_the_default_and_nothing_raised_is_nothing():
    with foreign("x", ALLOWED):
        pass
    with pytest.raises(InputError, match=r"x: ZeroDivisionError \(.*zero\): a \.npy"):  # noqa: SIM117
        with foreign("x", ALLOWED):
            _ = 1 // 0


def test_text_is_escaped_and_cut():
    assert cut("plain") == "plain"
    assert cut("a\x1b\n\u202e\ud800") == r"a\x1b\n\u202e\ud800"
    for text in ("x" * 10**6, "\U000e0001" * 1000, "ab" * 80 + "c"):
        assert len(cut(text)) <= SHOWN
        assert "..." in cut(text)
    assert cut("a" * 10**6 + "z")[-1] == "z"


def test_a_value_is_shown_by_its_repr_or_its_type():
    assert shown("a") == "'a'"
    assert shown(Unshowable()) == "a Unshowable"
    assert len(shown("x" * 10**6)) <= SHOWN
