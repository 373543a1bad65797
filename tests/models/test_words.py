"""What the command says is what the room has; the file of a run; texts of a GGUF header."""

from __future__ import annotations

import io
import json
import struct

import numpy as np
import pytest

from fos_ref.commands.model import evaluate
from fos_ref.commands.output import finite, say_json
from fos_ref.errors import CheckpointError, InputError
from fos_ref.models import arms, draws, windows
from fos_ref.models.evaluate import Evaluation
from fos_ref.models.results import continued, fresh, read, save
from fos_ref.models.text import text_of_file
from fos_ref.outside.gguf import read_gguf_texts


def test_the_options_are_those_of_the_room():
    assert windows.CONVENTIONS == evaluate.CONVENTIONS
    assert arms.SCOPES == evaluate.SCOPES
    assert arms.AMAXES == evaluate.AMAXES
    assert evaluate._MOST_DRAWS == draws.MOST
    assert evaluate.QUICK_TOKENS % evaluate.QUICK_WINDOW == 0


BOUNDS = np.array([0, 2, 3])  #: two windows


def test_a_file_of_results_comes_back_and_another_run_is_refused(tmp_path):
    settings = {"arms": [{"a": 1}, {"a": 2}], "window": 4}
    r, path = fresh(settings, 3), tmp_path / "r.npz"
    r.nll[0] = 1.5, 2.25, 0.125
    r.done[0] = 3
    r.layers["0"] = {"blk": [0.5, None, 0.25]}
    save(path, r)
    again = continued(path, settings, BOUNDS)
    assert again.nll.tobytes() == r.nll.tobytes()
    assert (again.done.tolist(), again.layers, again.whole) == ([3, 0], r.layers, False)
    with pytest.raises(InputError, match="of another run: window differ"):
        continued(path, {**settings, "window": 5}, BOUNDS)
    with pytest.raises(InputError, match="the number of tokens"):
        continued(path, settings, np.array([0, 4]))
    assert continued(tmp_path / "none.npz", settings, BOUNDS).done.tolist() == [0, 0]


def test_another_archive_is_no_file_of_results(tmp_path):
    path = tmp_path / "r.npz"
    np.savez(path, nll=np.zeros((1, 2), np.float32))
    with pytest.raises(InputError, match="not the results of an evaluation"):
        read(path)


WRONG = {
    "done \\[4, 0\\] of 3 tokens": {"done": np.int64([4, 0])},
    "done \\[-1, 0\\]": {"done": np.int64([-1, 0])},
    "done of shape \\(3,\\)": {"done": np.int64([0, 0, 0])},
    "/layers/0/blk: 2 items": {"layers": b'{"0": {"blk": [0.5, 1]}}'},
    "/settings: \\[1\\]": {"settings": b"[1]"},
    "whole windows, of \\[0, 2, 3\\]": {"done": np.int64([1, 0])},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_run_goes_on_from_whole_windows_of_its_own_only(words, tmp_path):
    """It would put losses beside other tokens, or end in another program's words."""
    settings, path = {"arms": [1, 2]}, tmp_path / "r.npz"
    save(path, fresh(settings, 3))
    with np.load(path) as found:
        arrays = dict(found)
    for key, value in WRONG[words].items():
        arrays[key] = np.frombuffer(value, np.uint8) if isinstance(value, bytes) else value
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=words):
        continued(path, settings, BOUNDS)


def test_a_share_that_is_no_number_stops_no_run(tmp_path):
    r, path = fresh({"arms": [1]}, 3), tmp_path / "r.npz"
    r.layers["0"] = {"blk": [0.5, float("nan"), None]}
    save(path, r)
    assert repr(continued(path, r.settings, BOUNDS).layers) == repr(r.layers)


def test_the_json_of_a_model_that_gives_no_numbers_has_null_there(capsys):
    r = fresh({"arms": [1, 2]}, 3)
    r.nll[:], r.done[:] = [[1.0, 2.0, 3.0], [1000.0, 2000.0, np.nan]], 3
    r.layers["1"] = {"blk": [0.5, float("inf"), None]}
    with np.errstate(all="ignore"):
        found = evaluate._document(Evaluation(r, {"float32": [0], "nvfp4": [1]}, BOUNDS, ()))
    say_json(finite(found))
    told = json.loads(capsys.readouterr().out)
    assert [a["token"] for a in told["arms"]] == [float(np.exp(2.0)), None]
    assert told["layers"]["nvfp4"] == {"blk": [0.5, None, None]}
    assert [p["ordered"] for p in told["pairs"]] == [False]


def test_a_text_has_words_in_utf_8(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"a \xff")
    with pytest.raises(InputError, match="UTF-8"):
        text_of_file(path)
    path.write_bytes(b" \n")
    with pytest.raises(InputError, match="no text"):
        text_of_file(path)
    path.write_bytes("naïve".encode())
    assert text_of_file(path).joined == "naïve"


def gguf(*entries):
    """Return a GGUF file of lists of texts, without tensors."""
    out = io.BytesIO()
    out.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)))
    for key, texts in entries:
        name = key.encode()
        out.write(struct.pack("<Q", len(name)) + name + struct.pack("<IIQ", 9, 8, len(texts)))
        for t in texts:
            out.write(struct.pack("<Q", len(t)) + t)
    return out.getvalue()


def texts(data, *keys):
    return read_gguf_texts(io.BytesIO(data), len(data), "a.gguf", keys, CheckpointError)


def test_lists_of_texts_of_a_gguf_header():
    data = gguf(("a", [b"x", "ü".encode()]), ("b", [b""]), ("c", [b"\xff"]))
    assert texts(data, "a", "b", "none") == {"a": ["x", "ü"], "b": [""]}
    assert texts(data) == {}
    with pytest.raises(CheckpointError, match="UTF-8"):
        texts(data, "c")
    with pytest.raises(CheckpointError, match="takes"):
        texts(data[:-1], "c")
