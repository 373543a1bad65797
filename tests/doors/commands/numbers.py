"""What is typed where a number is wanted."""

from __future__ import annotations

from tests.doors.row import Command, LONGEST

#: (what, text): no number at all, whatever its range.
NO_NUMBER = (
    ("nothing", ""),
    ("a word", "abc"),
    ("hexadecimal", "0x10"),
    ("an underscore", "1_000"),
    ("digits of another script", "\u0663"),
    ("two points", "1.2.3"),
    ("two numbers", "1 2"),
    ("a comma", "1,5"),
    ("an escape sequence", "1\x1b[31m"),
    ("a newline", "1\n2"),
    ("a bidirectional override", "\u202e1"),
    ("100,000 digits", "9" * 100_000 + "x"),
)
#: No whole number of 0 and above.
NOT_WHOLE = (*NO_NUMBER, ("negative", "-1"), ("a fraction", "1.5"), ("an exponent", "1e3"), ("nan", "nan"))
#: No finite float32 of 0 and above.
NOT_AMAX = (
    *NO_NUMBER,
    ("negative", "-1"),
    ("nan", "nan"),
    ("infinity", "inf"),
    ("minus infinity", "-inf"),
    ("beyond float64", "1e400"),
    ("beyond float32", "1e39"),
    ("between two float32 values", "0.1"),
    ("a subnormal of float64", "5e-324"),
)


#: The message shows these as Python writes a float.
ROUNDED = ("beyond float32", "a subnormal of float64")


def row(door: str, what: str, args: tuple[str, ...], named: tuple[str, ...], text: str) -> Command:
    """Return the row of a number; a word longer than any path is refused for its length."""
    return Command(door, what, args, ("characters",) if len(text) > LONGEST else (*named, *beginning(text)))


def beginning(text: str) -> tuple[str, ...]:
    """Return the part of what was given that every message can name: plain characters."""
    plain = text if text.isascii() and text.isprintable() else ""
    return (plain[:20],) if plain else ()
