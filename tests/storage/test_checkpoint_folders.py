"""Checkpoints in folders: shards and their index, the configuration, and where they may not go."""

from __future__ import annotations

import json

import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError, InputError
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.shards import Shards
from tests.storage.models import (
    CONFIG,
    folder,
    GATE,
    HOLDING,
    matrices,
    MX,
    same,
    SHARDS,
    single,
    tensors,
    values,
)


@pytest.mark.parametrize(("convention", "recipe"), HOLDING)
def test_a_folder_becomes_a_folder_and_each_matrix_is_what_quantize_gives(tmp_path, convention, recipe):
    source, out = folder(tmp_path / "in"), tmp_path / "new" / "out"
    done = quantize_checkpoint(source, out, recipe, convention=convention)
    with QuantizedCheckpoint(out) as ck:
        want = matrices(tensors())
        assert set(ck.names) == set(want)
        for name, x in want.items():
            same(ck.tensor(name), fos_ref.quantize(x, recipe))
    config = {"hf_quant_config.json"} if convention == "modelopt" else set()
    kept = {"config.json", "model.safetensors.index.json", "tokenizer.json", "merges.txt"}
    assert {p.name for p in out.iterdir()} == {*SHARDS, *kept, *config} == set(done.files)
    assert done.orientation == "out-in"


def test_each_part_is_in_the_shard_of_its_original(tmp_path):
    quantize_checkpoint(folder(tmp_path / "in"), tmp_path / "out")
    index = json.loads((tmp_path / "out/model.safetensors.index.json").read_text())
    with Shards(tmp_path / "in/model.safetensors.index.json") as old:
        homes = {name: old.file_of(name).path.name for name in old.tensors}
    total = 0
    for shard in SHARDS:
        with SafetensorsFile(tmp_path / "out" / shard) as f:
            assert f.metadata["format"] == "pt"
            assert {index["weight_map"][n] for n in f.tensors} == {shard}
            own = json.loads(f.metadata["fos_tensors"])
            assert {homes[n.partition("[")[0]] for n in own} == {shard}
            total += sum(i.nbytes for i in f.tensors.values())
    assert index["metadata"] == {"total_size": total}
    assert sorted(index["weight_map"]) == list(index["weight_map"])


def test_the_configuration_that_loaders_read(tmp_path):
    source = folder(tmp_path / "in")
    for convention, recipe in HOLDING:
        out = tmp_path / f"{convention}-{recipe}"
        done = quantize_checkpoint(source, out, recipe, convention=convention)
        config = json.loads((out / "config.json").read_text())
        inner = config.pop("quantization_config")
        assert config == CONFIG
        if convention == "modelopt":
            assert json.loads((out / "hf_quant_config.json").read_text()) == done.config
            own = done.config["quantization"]
            assert (inner["quant_method"], inner["quant_algo"]) == ("modelopt", "W4A16_NVFP4")
            assert inner["ignore"] == own["exclude_modules"] == ["m.mixer.conv1d", "m.mlp.gate"]
            continue
        assert inner == done.config
        if convention == "gpt-oss":
            assert inner == {
                "quant_method": "mxfp4",
                "modules_to_not_convert": ["m.mixer.conv1d", "m.mlp.gate"],
            }
        else:
            form = "mxfp4-pack-quantized" if recipe == MX else "nvfp4-pack-quantized"
            assert (inner["format"], inner["config_groups"]["group_0"]["weights"]["group_size"]) == (
                form,
                32 if recipe == MX else 16,
            )


def test_an_index_and_a_folder_of_one_file(tmp_path):
    folder(tmp_path / "in")
    quantize_checkpoint(tmp_path / "in/model.safetensors.index.json", tmp_path / "a")
    quantize_checkpoint(tmp_path / "in", tmp_path / "b")
    assert [p.name for p in sorted((tmp_path / "a").iterdir())] == [
        p.name for p in sorted((tmp_path / "b").iterdir())
    ]
    (tmp_path / "one").mkdir()
    save_file({GATE: tensors()[GATE]}, tmp_path / "one/model.safetensors")
    quantize_checkpoint(tmp_path / "one", tmp_path / "c")
    assert {p.name for p in (tmp_path / "c").iterdir()} == {
        "model.safetensors",
        "config.json",
        "hf_quant_config.json",
    }
    with QuantizedCheckpoint(tmp_path / "c") as ck:
        same(ck.tensor(GATE), fos_ref.quantize(tensors()[GATE]))


def test_a_folder_that_does_not_say_what_to_read(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(CheckpointError, match="no checkpoint is in this folder"):
        quantize_checkpoint(tmp_path / "in", tmp_path / "out")
    for name in ("a", "b"):
        save_file({GATE: tensors()[GATE]}, tmp_path / "in" / f"{name}.safetensors")
    with pytest.raises(CheckpointError, match=r"2 files could be meant: a\.safetensors, b\.safetensors"):
        quantize_checkpoint(tmp_path / "in", tmp_path / "out")


def test_where_a_folder_may_not_go(tmp_path):
    source = folder(tmp_path / "in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").write_text("mine")
    for target in ("full", "full/x"):
        with pytest.raises(InputError, match="a new or an empty folder is allowed"):
            quantize_checkpoint(source, tmp_path / target, overwrite=True)
    with pytest.raises(InputError, match="which is read"):
        quantize_checkpoint(source, source / "out")
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted(
        ["full", "x", "in", *(p.name for p in source.iterdir())]
    )


def test_a_configuration_with_an_infinity_keeps_it(tmp_path):
    config = {**CONFIG, "time_step_limit": [0.0, float("inf")]}
    quantize_checkpoint(folder(tmp_path / "in", config=config), tmp_path / "out")
    found = json.loads((tmp_path / "out/config.json").read_text())
    assert found.pop("quantization_config")["quant_method"] == "modelopt"
    assert found == config


@pytest.mark.parametrize("text", ["[]", "{", '{"a": 1, "a": 2}', "\x00"])
def test_a_configuration_that_is_none_is_one_line(tmp_path, text):
    source = folder(tmp_path / "in")
    (source / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        quantize_checkpoint(source, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_folder_that_says_that_it_is_quantized(tmp_path):
    source = folder(tmp_path / "in", config={**CONFIG, "quantization_config": {"quant_method": "fp8"}})
    with pytest.raises(CheckpointError, match="has a quantization_config"):
        quantize_checkpoint(source, tmp_path / "out")
    quantize_checkpoint(folder(tmp_path / "good"), tmp_path / "once")
    with pytest.raises(CheckpointError, match="quantized already"):
        quantize_checkpoint(tmp_path / "once", tmp_path / "twice")


@pytest.mark.parametrize(
    ("convention", "name"), [("modelopt", "hf_quant_config.json"), ("compressed-tensors", "config.json")]
)
def test_the_configuration_beside_a_file(tmp_path, convention, name):
    source = single(tmp_path, {GATE: tensors()[GATE]})
    (tmp_path / "out").mkdir()
    done = quantize_checkpoint(source, tmp_path / "out/q", convention=convention, config=True)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"q", name} == set(done.files)
    found = json.loads((tmp_path / "out" / name).read_text())
    assert found == (done.config if convention == "modelopt" else {"quantization_config": done.config})
    (tmp_path / "out/q").unlink()
    with pytest.raises(InputError, match=f"{name} exists already"):
        quantize_checkpoint(source, tmp_path / "out/q", convention=convention, config=True)
    quantize_checkpoint(source, tmp_path / "out/q", convention=convention, config=True, overwrite=True)


def test_the_configuration_of_the_original_is_not_replaced(tmp_path):
    source = single(tmp_path, {GATE: tensors()[GATE]})
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    with pytest.raises(InputError, match="is the input file"):
        quantize_checkpoint(
            source, tmp_path / "q", convention="compressed-tensors", config=True, overwrite=True
        )
    assert json.loads((tmp_path / "config.json").read_text()) == CONFIG
    assert not (tmp_path / "q").exists()


def test_shards_of_two_recipes_are_refused(tmp_path):
    source = folder(tmp_path / "in")
    quantize_checkpoint(source, tmp_path / "a", "4over6")
    quantize_checkpoint(source, tmp_path / "b", "nvfp4")
    (tmp_path / "b" / SHARDS[0]).replace(tmp_path / "a" / SHARDS[0])
    with pytest.raises(CheckpointError, match="different recipes"):
        QuantizedCheckpoint(tmp_path / "a")


def test_an_error_in_the_second_pass_leaves_nothing(tmp_path):
    source, total = folder(tmp_path / "in"), []

    def stop(done: int, whole: int) -> None:
        total.append(whole)
        if done > whole * 3 // 4:
            raise InputError(str(done))

    with pytest.raises(InputError):
        quantize_checkpoint(source, tmp_path / "out", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
    assert len(set(total)) == 1


@pytest.mark.parametrize("how", [{}, {"padding": True}, {"experts": "in-out"}, {"share": "fused"}])
def test_progress_counts_the_bytes_of_the_source(tmp_path, how):
    held = {**tensors(), "odd.weight": values(8, 40), "odd.experts.w1": values(2, 24, 32)}
    source, seen = folder(tmp_path / "in", held), []
    done = quantize_checkpoint(
        source, tmp_path / "out", progress=lambda n, total: seen.append((n, total)), **how
    )
    total = sum(o.bytes_in * (2 if o.left is None else 1) for o in done.outcomes)
    assert {t for _, t in seen} == {total}
    assert [n for n, _ in seen] == sorted(n for n, _ in seen)
    assert seen[-1][0] == total


def test_a_shard_that_changes_meanwhile_is_found(tmp_path):
    source = folder(tmp_path / "in")
    path = source / SHARDS[0]

    with pytest.raises(CheckpointError, match="changed while it was read"):
        quantize_checkpoint(source, tmp_path / "out", progress=lambda *_: path.write_bytes(path.read_bytes()))
    assert [p.name for p in tmp_path.iterdir()] == ["in"]
