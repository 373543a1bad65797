"""Whatever a comment holds, an export is printable ASCII, one line a text, and C that compiles."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.export.document import documents
from fos_ref.vectors.schema import check
from tests.export.exported import source

HOSTILE = 'a"; system("x"); //\n*/ \\ ??/ \x1b]0;\x07 \u202e é %s \\x41 $display("x")'


def worded(text):
    """Return the source of one recipe whose every text is this one."""
    found = source("4over6-absmax")
    vectors = {
        recipe: {
            group: [replace(v, id=text, flags=(text,), case=replace(v.case, comment=text)) for v in many]
            for group, many in groups.items()
        }
        for recipe, groups in found.vectors.items()
    }
    return replace(found, vectors=vectors)


def count(files, ending):
    return {name: data.count(b"\n") for name, data in files.items() if name.endswith(ending)}


@pytest.mark.parametrize(
    ("form", "ending"), [("c", ".h"), ("memh", "ids.txt"), ("memh", ".sv"), ("json", ".json")]
)
def test_a_text_stays_one_line_of_printable_ascii(form, ending):
    made, plain = (documents(form, worded(text)) for text in (HOSTILE, "plain"))
    assert count(made, ending) == count(plain, ending)
    for name in count(made, ending):
        lines = made[name].decode("ascii").split("\n")
        assert all(x.isprintable() for x in lines), name


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc here: not run")
def test_the_c_header_compiles_and_holds_the_text(tmp_path):
    header = documents("c", worded(HOSTILE))["4over6-absmax.h"]
    (tmp_path / "h.h").write_bytes(header)
    (tmp_path / "m.c").write_text(
        '#define FOS_VECTORS_DATA\n#include <stdio.h>\n#include "h.h"\n'
        "int main(void) { fputs(fos_vectors[0].comment, stdout); return 0; }\n",
        encoding="utf-8",
    )
    words = ["gcc", "-std=c99", "-Werror", "-trigraphs", "m.c", "-o", "m"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:500]
    said = subprocess.run([str(tmp_path / "m")], capture_output=True, text=True, check=True).stdout
    assert said == 'a"; system("x"); //\\n*/ \\ ??/ \\x1b]0;\\x07 \\u202e \\xe9 %s \\x41 $display("x")'


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x85", "\t"])
def test_a_golden_text_ends_where_its_pattern_ends(end):
    """`$` of Python's re also fits before a line break at the end."""
    note = {"bug": f"harmless{end}", "effect": "b", "seen": None}
    with pytest.raises(GoldenFormatError) as e:
        check({"format": 1, "kind": "notes", "notes": {"Unexplained": note}}, "notes", "notes.json")
    assert str(e.value).isprintable()
