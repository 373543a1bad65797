"""What a good refusal looks like: one line, short, clean, with the words that help."""

from __future__ import annotations

import unicodedata

MOST = 1000  #: characters of a line
#: Turn the direction of what follows, or end a line in some viewers.
TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def unclean(text: str) -> set[str]:
    """Return the control characters, surrogates and turns of direction in a text."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cs") or c in TURNING}


def faults_of_line(text: str, named: tuple[str, ...]) -> list[str]:
    """Return what is wrong with the words of a refusal, the newline at its end left out."""
    found = []
    if not text.strip():
        found.append("it says nothing")
    if len(text.splitlines()) > 1:
        found.append(f"{len(text.splitlines())} lines: {text[:200]!r}")
    if unclean(text):
        found.append(f"control characters {sorted(map(ascii, unclean(text)))}: {text[:200]!a}")
    if len(text) >= MOST:
        found.append(f"{len(text):,} characters: {text[:200]!a}")
    if "Traceback" in text:
        found.append("a traceback")
    if missing := [word for word in named if word not in text]:
        found.append(f"does not name {missing}: {text[:300]!a}")
    return found
