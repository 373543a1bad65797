"""Field 2.1 row 18, 2.2: prefixes, folders, indexes, two quantized files, a recipe alone."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.verify.inspect import inspect
from tests.inspect.field.files import shards, write, write_gguf
from tests.inspect.field.judge import equal, fos, inspected, judge, refused, told
from tests.inspect.field.parts import (
    compressed,
    compressed_mx,
    count_of_blocks,
    ggml,
    held,
    layers,
    modelopt,
    weights,
)

PREFIXES = [
    ("language_model.model.", "model.language_model."),
    ("model.", ""),
    ("", "model."),
    ("model.language_model.", "model."),
]


@pytest.mark.long
@pytest.mark.parametrize(("old", "new"), PREFIXES)
def test_the_same_model_under_another_prefix(old, new, tmp_path):
    source = weights("layers.0.o_proj.weight", "layers.1.o_proj.weight")
    q = write(tmp_path / "q", held({old + n: x for n, x in source.items()}))
    o = write(tmp_path / "o", {new + n: x for n, x in source.items()})
    said = refused("inspect", q, "--against", o)
    assert "--map" in said
    found = judge(q, o, {}, "--map", f"{old}={new}")
    assert set(found["weights"]) == {old + n for n in source}
    assert equal(found) == (count_of_blocks(source),) * 2
    again = inspect(q, o, renames=((old, new),)).to_dict()
    assert again["weights"] == found["weights"]


@pytest.mark.long
def test_two_prefixes_and_a_problem_under_one(tmp_path):
    source = weights("layers.0.o_proj.weight", "layers.1.o_proj.weight")
    one, two = (dict([pair]) for pair in source.items())
    tensors = held({f"a.{n}": x for n, x in one.items()}) | held({f"b.{n}": x for n, x in two.items()})
    tensors["b.layers.1.o_proj.weight"] *= 0
    o = write(tmp_path / "o", {f"x.y.{n}": x for n, x in one.items()} | two)
    q = write(tmp_path / "q", tensors)
    wanted = {"b.layers.1.o_proj.weight": "blocks-differ no-reading?"}
    found = judge(q, o, wanted, "--map", "a.=x.y.", "--map", "b.=")
    assert set(found["compared"]) == {"a.layers.0.o_proj.weight", "b.layers.1.o_proj.weight"}


@pytest.mark.parametrize("value", ["a", "=", ""])
def test_a_map_that_is_none(value, tmp_path):
    o, q = write(tmp_path / "o", layers(1)), write(tmp_path / "q", held(layers(1)))
    assert "--map" in refused("inspect", q, "--against", o, "--map", value)


@pytest.mark.long
def test_a_folder_stands_for_its_index_or_its_only_file(tmp_path):
    source = layers(4)
    halves = [{k: v for k, v in source.items() if int(k[2]) // 2 == n} for n in range(2)]
    o = shards(tmp_path / "o", halves)
    q = shards(tmp_path / "q", [held(h) for h in halves])
    by_index = judge(q, o, {})
    assert equal(by_index) == (count_of_blocks(source),) * 2
    for a, b in ((q.parent, o), (q, o.parent), (q.parent, o.parent)):
        assert judge(a, b, {})["weights"] == by_index["weights"]
    (tmp_path / "single").mkdir()
    write(tmp_path / "single" / "model.safetensors", held(source))
    assert judge(tmp_path / "single", o, {})["weights"] == by_index["weights"]


def test_a_folder_without_a_checkpoint(tmp_path):
    (tmp_path / "empty").mkdir()
    said = refused("inspect", tmp_path / "empty")
    assert "not a regular file" not in said
    assert "safetensors" in said
    two = tmp_path / "two"
    two.mkdir()
    for name in ("a.safetensors", "b.safetensors"):
        write(two / name, held(layers(1)))
    said = refused("inspect", two)
    assert "a.safetensors" in said
    assert "b.safetensors" in said


@pytest.mark.long
def test_quantize_reads_an_index_and_a_folder(tmp_path):
    source = layers(4)
    halves = [{k: v for k, v in source.items() if int(k[2]) // 2 == n} for n in range(2)]
    o = shards(tmp_path / "o", halves)
    for i, given in enumerate((o, o.parent)):
        out = tmp_path / f"out{i}"
        code, _, err = fos("quantize", given, out)
        assert (code, err) == (0, "")
        found = judge(out, o, {})
        assert equal(found) == (count_of_blocks(source),) * 2
        assert found["manifest"]["holds"] is True


# --- two quantized files ------------------------------------------------------------------------------------


def as_gguf(path, source, recipe):
    return write_gguf(path, held(source, ggml, recipe))


@pytest.mark.sample(1)
@pytest.mark.parametrize("style", [modelopt, compressed])
def test_a_quantized_file_against_another_of_the_same_bytes(style, tmp_path):
    source = layers(3)
    a, b = write(tmp_path / "a", held(source)), write(tmp_path / "b", held(source, style))
    found = judge(a, b, {})
    assert equal(found) == (count_of_blocks(source),) * 2
    judge(b, a, {})


@pytest.mark.long
def test_two_quantized_files_that_differ_in_one_weight(tmp_path):
    source = layers(4)
    tensors = held(source)
    a = write(tmp_path / "a", tensors)
    tensors = tensors | {"l.1.weight": tensors["l.1.weight"].copy()}
    tensors["l.1.weight"][7, 3] ^= 1
    b = write(tmp_path / "b", tensors)
    found = judge(a, b, {"l.1.weight": "blocks-differ"}, says={"blocks-differ": "1 of"})
    assert equal(found) == (count_of_blocks(source) - 1, count_of_blocks(source))
    c = write(tmp_path / "c", tensors | {"l.2.weight_scale_2": np.float32(1e-4)})
    judge(b, c, {"l.2.weight": "tensor-scale|blocks-differ"})
    assert "l.2.weight" in told(b, "--against", c)


def test_two_recipes_of_one_model(tmp_path):
    source = layers(3)
    a, b = (write(tmp_path / r, held(source, modelopt, r)) for r in ("nvfp4", "4over6"))
    code, found = inspected(a, "--against", b)
    assert code == 1
    same, blocks = equal(found)
    assert same < blocks == count_of_blocks(source)
    assert {w for p in found["problems"] for w in p["weights"]} == set(source)


def test_one_model_in_two_layouts(tmp_path):
    """The bytes are held weight by weight as they are read: names, nibble order and GGUF blocks aside."""
    source = weights("blk.0.ffn_down.weight", "blk.1.ffn_down.weight")
    a = write(tmp_path / "a", held(source, modelopt, "nvfp4"))
    b = as_gguf(tmp_path / "b.gguf", source, "nvfp4")
    for x, y in ((a, b), (b, a)):
        assert equal(judge(x, y, {})) == (count_of_blocks(source),) * 2


def test_a_stack_against_a_stack(tmp_path):
    source = weights("m.experts.down_proj", shape=(3, 32, 64))
    one, two = held(source), held(source, compressed)
    a, b = write(tmp_path / "a", one), write(tmp_path / "b", two)
    assert equal(judge(a, b, {})) == (count_of_blocks(source),) * 2
    two["m.experts.down_proj_packed"][1, 4, 4] ^= 1
    b = write(tmp_path / "c", two)
    judge(a, b, {"m.experts.down_proj[1]": "blocks-differ"})


# --- a recipe without the original --------------------------------------------------------------------------


def test_bytes_that_can_be_a_recipe_s(tmp_path):
    source = layers(3)
    for recipe in ("4over6", "nvfp4"):
        q = write(tmp_path / recipe, held(source, modelopt, recipe))
        judge(q, None, {}, "--recipe", recipe)
    q = write(tmp_path / "mx", held(source, compressed_mx))
    judge(q, None, {}, "--recipe", "fouroversix-mxfp4-static6")


@pytest.mark.sample(1)
@pytest.mark.parametrize(("made", "asked"), [("4over6", "nvfp4"), ("nvfp4", "4over6")])
def test_bytes_that_cannot_be_a_recipe_s(made, asked, tmp_path):
    q = write(tmp_path / "q", held(layers(3), modelopt, made))
    code, found = inspected(q, "--recipe", asked, "--strict")
    assert code == 1
    assert {w for p in found["problems"] for w in p["weights"]} == {f"l.{i}.weight" for i in range(3)}
    assert inspected(q, "--recipe", asked)[0] == 0
    text = told(q, "--recipe", asked)
    assert asked in text


def test_a_recipe_that_is_none(tmp_path):
    q = write(tmp_path / "q", held(layers(1)))
    assert "no-such" in refused("inspect", q, "--recipe", "no-such")
