"""Text from outside: what a terminal, a page or a spreadsheet acts on is escaped; every script stays."""

from __future__ import annotations

import pickle
import sys
import unicodedata

import pytest

import fos_ref
from fos_ref.errors import BitMismatch, FosError, InputError, RecipeError, Remedy
from fos_ref.errors.text import cut, line, listed, MESSAGE, NAME, printable, shown

SCRIPTS = "é ß Ж λ 日本語 한국어 हिन्दी عربى עברית ไทย ∑ € 😀 e\u0301"
HOSTILE = {"\x1b": "\\x1b", "\n": "\\n", "\x85": "\\x85", "\u202e": "\\u202e", "\ud800": "\\ud800"}
#: By category, and by what shows nothing without being of these categories.
ESCAPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
UNSEEN = "\u034f\u115f\u1160\u17b4\u2800\u3164\ufe0f\uffa0\U000e01ef"


@pytest.mark.long
def test_every_code_point_is_escaped_or_stays_by_its_category():
    """All of Unicode: nothing that acts or hides is left, and no letter is touched."""
    for code in range(sys.maxunicode + 1):
        c = chr(code)
        kind, got = unicodedata.category(c), printable(c)
        if kind in ESCAPED:
            assert got != c, hex(code)
        elif kind[0] in "LN" and got != c:
            assert c in "\u115f\u1160\u3164\uffa0", hex(code)
        assert got.isprintable(), hex(code)


def test_what_nobody_sees_is_escaped_and_scripts_are_not():
    assert printable(SCRIPTS) == SCRIPTS
    assert [printable(c) for c in UNSEEN] == [
        f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}" for c in UNSEEN
    ]
    assert {c: printable(c) for c in HOSTILE} == HOSTILE


def test_two_names_never_look_the_same():
    names = ["a", "'a'", '"a"', "", " a", "a ", "a\n", "a\\n", "'a\\n'", "a\x1b", "a\\x1b", "all", "a'\n"]
    seen = [shown(n, reserved=("all",)) for n in names]
    assert len(set(seen)) == len(names)
    assert seen[0] == "a"
    assert seen[names.index("all")] == "'all'"
    assert shown("all") == "all"


def test_a_long_name_shows_both_ends_and_how_much_is_left_out():
    name = "head" + "x" * 100_000 + "tail"
    assert NAME - 1 <= len(shown(name)) <= NAME
    assert shown(name).startswith("head")
    assert shown(name).endswith("tail")
    assert "more characters" in shown(name)
    left = int(shown(name).split("(")[1].split()[0].replace(",", ""))
    kept = len(shown(name)) - len(f"...({left:,} more characters)...")
    assert left + kept == len(name)
    assert shown(name, None) == name
    assert cut("abc", 3) == "abc"


def test_a_list_is_cut_with_a_count():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(i) for i in range(20_000)], 2) == "0, 1, and 19,998 more"
    assert "\n" not in listed(["a\nb"])


@pytest.mark.parametrize("kind", [FosError, *FosError.__subclasses__()])
@pytest.mark.parametrize("text", ["a\x1b]0;pwn\x07b", "\u202eabc", "n" * 1_000_000, "\x00" * 5_000, "\ud800"])
def test_an_error_is_printable_and_short_whatever_stands_in_it(kind, text):
    error = kind(f"{text}: is wrong", remedy=Remedy("overwrite=True", "replaces it"))
    for told in (str(error), error.said, error.args[0]):
        assert told.isprintable()
        assert len(told) < 1_000
    assert ": is wrong" in str(error)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert str(again) == str(error)


def test_a_mismatch_keeps_its_own_lines():
    error = BitMismatch("a differs:\n  x\x1b[2J\n  y")
    assert str(error) == "a differs:\n  x\\x1b[2J\n  y"
    assert line("\na\nb\n") == "a\\nb"


def test_what_a_caller_hands_over_by_mistake_is_cut():
    """The whole table of presets for the name of one: 194,692 characters once."""
    for call in (fos_ref.recipe, lambda x: fos_ref.quantize(__import__("numpy").ones((1, 16), "f4"), x)):
        with pytest.raises(RecipeError) as e:
            call(fos_ref.PRESETS)
        assert len(str(e.value)) <= MESSAGE + 100
    with pytest.raises(InputError, match="more characters"):
        raise InputError("x" * 10_000)
