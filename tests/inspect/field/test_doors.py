"""Field C10, 2.2: what cannot be read is refused in words that say what it is."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.verify.inspect import inspect
from tests.inspect.field.files import shards, write
from tests.inspect.field.judge import fos, inspected, judge, named, refused, told
from tests.inspect.field.parts import held, layers, weights


def test_an_unquantized_file(tmp_path):
    said = refused("inspect", write(tmp_path / "o", layers(2)))
    assert "BF16" in said or "none of its 2 tensors" in said


def test_a_gguf_that_is_cut_off(tmp_path):
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes(4))
    said = refused("inspect", path)
    assert "GGUF" in said
    assert "header too large" not in said


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", ["inspect", "quantize"])
def test_an_index_whose_shard_is_gone(command, tmp_path):
    index = shards(tmp_path / "q", [held(layers(1)), held(weights("x.weight"))])
    (index.parent / "model-00002-of-00002.safetensors").unlink()
    more = [tmp_path / "out"] if command == "quantize" else []
    for given in (index, index.parent):
        assert "model-00002-of-00002.safetensors" in refused(command, given, *more)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_a_problem_is_no_failure_unless_asked(tmp_path):
    """Exit 1 with --strict or --against; without them a problem is told, exit 0."""
    tensors = held(layers(2))
    del tensors["l.1.weight_scale"]
    q, o = write(tmp_path / "q", tensors), write(tmp_path / "o", layers(2))
    for options, code in (
        ((), 0),
        (("--strict",), 1),
        (("--against", o), 1),
        (("--against", o, "--strict"), 1),
    ):
        for form in ((), ("--json",)):
            assert fos("inspect", q, *options, *form)[0] == code
    assert named(inspected(q)[1]) == {"l.1.weight": {"missing-part"}}
    found = inspect(q)
    assert [(p.problem, tuple(p.weights)) for p in found.problems] == [("missing-part", ("l.1.weight",))]
    assert [p.what for p in found.problems] == [p["what"] for p in found.to_dict()["problems"]]


def test_nothing_to_compare(tmp_path):
    q, o = write(tmp_path / "q", held(layers(2))), write(tmp_path / "o", weights("other.weight"))
    assert "l.0.weight" in refused("inspect", q, "--against", o)


@pytest.mark.long
def test_a_tied_head_and_zero_sizes_are_sound(tmp_path):
    source = layers(2) | {"empty.weight": np.zeros((0, 64), np.float32)}
    q = write(tmp_path / "q", held(layers(2)) | {"empty.weight": np.zeros((0, 64), np.float32)})
    judge(q, write(tmp_path / "o", source), {})


@pytest.mark.long
def test_text_is_one_thing_and_json_another(tmp_path):
    """Sampling is honest in both: how many blocks of how many."""
    source = weights("a.weight", shape=(256, 64))
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", held(source))
    text = told(q, "--against", o, "--blocks", "100")
    found = judge(q, o, {}, "--blocks", "100")
    seen = found["weights"]["a.weight"]["blocks"]
    assert seen < 1024
    assert f"{seen:,}" in text
    assert "1,024" in text or "%" in text
    assert judge(q, o, {}, "--all")["weights"]["a.weight"]["blocks"] == 1024
