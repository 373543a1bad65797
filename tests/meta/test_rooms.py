"""The rooms: a folder holds few files, and a prefix that four of them share is a room of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath

from tests.meta.tree import files, name

MOST_FILES = 30
SHARED = 4  #: files of one prefix that make a room


def rooms(names: list[str]) -> dict[str, list[str]]:
    """Return folder -> the stems of its modules, `__init__` and `__main__` left out."""
    found: dict[str, list[str]] = {}
    for path in map(PurePosixPath, names):
        if not path.stem.startswith("__"):
            found.setdefault(str(path.parent), []).append(path.stem)
    return found


def unbuilt_walls(stems: list[str]) -> dict[str, list[str]]:
    """Return prefix -> the stems that share it: `a`, `a_b` and the plural, `as` and `as_b`, do."""
    heads = {s: s.partition("_")[0] for s in stems}
    counts = Counter(heads.values())
    return {
        head: alike
        for head in counts
        if len(alike := sorted(s for s in stems if heads[s] in (head, f"{head}s"))) >= SHARED
    }


ROOMS = rooms([name(p) for p in files("fos_ref", "fos_gpu")])


def test_a_room_has_few_files():
    assert {room: len(stems) for room, stems in ROOMS.items() if len(stems) > MOST_FILES} == {}


def test_a_prefix_that_many_files_share_is_a_room():
    assert {room: walls for room, stems in ROOMS.items() if (walls := unbuilt_walls(stems))} == {}


def test_a_full_room_and_a_prefix_would_be_seen():
    assert rooms(["fos_ref/a/__init__.py", "fos_ref/a/b.py"]) == {"fos_ref/a": ["b"]}
    assert unbuilt_walls(["flaw", "flaws_amax", "flaws_choice", "other"]) == {}
    four = ["flaw", "flaws_amax", "flaws_choice", "flaws_scales"]
    assert unbuilt_walls(four) == {"flaw": four}
    assert unbuilt_walls(["near_tie", "near", "near_edge", "near_block"])["near"]
    assert len(ROOMS) > 20
