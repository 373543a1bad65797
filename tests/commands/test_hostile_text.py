"""Hostile words in every position of every command, and in what the files hold, are shown as text.

One line of printable characters below 1,000 on the error stream, printable lines on the other; no traceback.
"""

from __future__ import annotations

import io
import json
import re
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from fos_ref.cli import run
from fos_ref.report.console import errors, named, output, plain, table
from tests.meta.tree import ROOT

WORDS = {
    "title": "\x1b]0;pwn\x07q",
    "colour": "\x1b[31mred\x9b0m",
    "bidi": "\u202eabc\u2066def",
    "lines": "two\nlines\r\x85\u2028\u2029",
    "unseen": "zero\u200bwidth\u00ad\ufeff\u3164\U000e0041",
    "surrogate": "a\udcff",
    "markup": "[red]x[/red] :smile: [link=javascript:alert(1)]y[/link]",
    "formula": '=HYPERLINK("http://x")',
    "long": "n" * 3_900,
    "long and hostile": "\x1b" * 1_300,
}
ALL = " ".join(w for w in WORDS.values() if len(w) < 100)
#: Every command, every position that takes a word; W is the word, GOOD a checkpoint, NEW a free name.
POSITIONS = [
    "W",
    "recipes W",
    "recipes W nvfp4",
    "recipes diff W nvfp4",
    "recipes diff nvfp4 W",
    "recipes diff nvfp4 4over6 --on W",
    "recipes diff nvfp4 4over6 --on W.npy",
    "recipes diff nvfp4 4over6 --on W.safetensors",
    "recipes diff nvfp4 4over6 --distribution W",
    "quantize W NEW",
    "quantize W.safetensors NEW",
    "quantize GOOD W/x",
    "quantize GOOD NEW --recipe W",
    "quantize GOOD NEW --convention W",
    "quantize GOOD NEW --engine W",
    "quantize GOOD NEW --include W",
    "quantize GOOD NEW --W",
    "inspect W",
    "inspect GOOD --against W",
    "inspect GOOD --blocks W",
    "check W W W --recipe nvfp4",
    "check X X X --recipe W",
    "check X X X --recipe nvfp4 --scale-layout W",
    "check X X X --recipe nvfp4 --x-dtype W",
    "check X X X --recipe nvfp4 --amax W",
    "golden W",
    "golden lint --dir W",
    "golden verify --dir W",
    "golden verify --dir EMPTY --engine W",
    "golden verify --dir EMPTY --only W",
    "golden verify --dir EMPTY --steps W",
    "golden export --dir EMPTY -o NEW --format W",
    "golden export --dir W -o NEW --format c",
    "golden export --dir EMPTY -o W --format c",
    "golden export --dir GOLDEN -o NEW --format c --recipe W",
    "golden chain --engine W",
    "evidence --from W",
    "prove W",
    "prove codes --jobs W",
    "report --quick --out NEW --weights W",
    "report --quick --out NEW --engine W",
    "report --W",
    "--show-completion W",
    "--install-completion W",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    x = np.arange(1, 257, dtype=np.float32).reshape(16, 16)
    save_file({"a.weight": x}, folder / "good.safetensors")
    np.save(folder / "x.npy", x)
    (folder / "empty").mkdir()
    return {
        "GOOD": str(folder / "good.safetensors"),
        "X": str(folder / "x.npy"),
        "EMPTY": str(folder / "empty"),
        "GOLDEN": str(ROOT / "golden"),
        "NEW": str(folder / "new"),
    }


def judged(capsys) -> tuple[str, str]:
    """Return what was printed, which has to be printable and, as an error, one short line."""
    out, err = capsys.readouterr()
    for stream in (out, err):
        assert all(x.isprintable() for x in stream.split("\n")), stream[:300]
    assert err.count("\n") <= 1
    assert len(err) < 1_000
    return out, err


@pytest.mark.sample(1)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_word_in_any_position_is_shown_as_text(places, tmp_path, monkeypatch, capsys, position):
    monkeypatch.chdir(tmp_path)
    for word in (ALL, WORDS["long"], WORDS["long and hostile"]):
        args = [places.get(a, a.replace("W", word) if a != "NEW" else a) for a in position.split()]
        code = run(args)
        _, err = judged(capsys)
        assert code == 2, (position, word[:20])
        assert err.startswith("fos: ")
    assert not (tmp_path / "new").exists()


NAMES = [w for k, w in WORDS.items() if k != "surrogate"]


@pytest.fixture
def checkpoint(tmp_path):
    """Return a checkpoint of hostile names, and one that looks quantized and is not."""
    x = np.arange(1, 257, dtype=np.float32).reshape(16, 16)
    save_file(
        {f"{n}.weight": x for n in NAMES} | {f"{n}.bias": x[0] for n in NAMES}, tmp_path / "in.safetensors"
    )
    return tmp_path / "in.safetensors"


@pytest.mark.long
def test_names_of_tensors_are_shown_as_text_by_every_command(checkpoint, tmp_path, capsys):
    made = tmp_path / "out.safetensors"
    steps = [
        ["quantize", str(checkpoint), str(made), "--engine", "numpy"],
        ["inspect", str(made), "--against", str(checkpoint)],
        ["inspect", str(made)],
        ["recipes", "diff", "nvfp4", "4over6", "--on", str(checkpoint)],
    ]
    for args in steps:
        assert run(args) == 0
        out, err = judged(capsys)
        assert "traceback" not in (out + err).lower()
        assert run([*args, "--json", *(["--force"] if args[0] == "quantize" else [])]) == 0
        text = judged(capsys)[0]
        assert text.isascii()
        json.loads(text)
    assert run(["quantize", str(checkpoint), str(tmp_path / "b"), "--engine", "numpy"]) == 0
    out = judged(capsys)[0]
    assert "[red]x[/red] :smile: [link=javascript:alert(1)]y[/link].weight" in out
    assert "'\\x1b]0;pwn\\x07q.weight'" in out


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 20_000])
def test_thousands_of_names_make_one_short_line(tmp_path, capsys, count):
    """Each looks quantized: its scales lie beside it, of the wrong size."""
    tensors = {}
    for i in range(count):
        tensors[f"{WORDS['title']}{i}.weight"] = np.zeros((1, 7), np.uint8)
        tensors[f"{WORDS['title']}{i}.weight_scale"] = np.zeros((1, 1), np.uint8)
    save_file(tensors, tmp_path / "a.safetensors")
    assert run(["inspect", str(tmp_path / "a.safetensors")]) == 2
    err = judged(capsys)[1]
    assert "\\x1b]0;pwn\\x07" in err
    assert ("and 19,9" in err) == (count > 1)


@pytest.mark.long
def test_fields_of_a_golden_file_are_shown_as_text(tmp_path, capsys):
    for word in (ALL, WORDS["long and hostile"]):
        document = {"format": 1, "kind": "manifest", word: 1, "files": {word: 1}}
        (tmp_path / "MANIFEST.json").write_text(json.dumps(document), encoding="utf-8")
        for args in (
            ["lint"],
            ["lint", "--json"],
            ["verify"],
            ["export", "-o", str(tmp_path / "n"), "--format", "c"],
        ):
            assert run(["golden", *args, "--dir", str(tmp_path)]) in (1, 2)
            out, err = capsys.readouterr()
            for x in (out + err).split("\n"):
                assert x.isprintable()
                assert len(x) < 1_000


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_terminal_gets_no_sequence_of_a_name(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    for make, stream in ((output, "stdout"), (errors, "stderr")):
        screen = Terminal()
        monkeypatch.setattr(sys, stream, screen)
        made = table((WORDS["title"],), (WORDS["markup"],))
        for word in WORDS.values():
            made.add_row(word, named(word))
            made.add_row(plain(word), word)
        make().print(made, WORDS["colour"])
        left = re.sub(r"\x1b\[[\d;]*m", "", screen.getvalue())
        assert all(x.isprintable() for x in left.split("\n"))
        assert "\x1b[31m" not in screen.getvalue()
        assert "[red]x[/red] :smile:" in left
        assert "\x1b]" not in screen.getvalue()
