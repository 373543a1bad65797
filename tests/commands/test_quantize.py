"""`fos quantize` from the command line: what it prints, what it leaves alone, how it refuses."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.cli import run
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import InputError
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_write import SafetensorsWriter
from fos_ref.storage.select import Selection
from fos_ref.storage.tensor_info import TensorInfo

TENSORS = {
    "model.embed_tokens.weight": (64, 32),
    "model.layers.0.mlp.up_proj.weight": (32, 64),
    "model.layers.0.mlp.gate.weight": (16, 64),
    "model.layers.0.mlp.gate_proj.weight": (24, 64),
    "model.layers.0.norm.weight": (64,),
    "model.layers.0.conv.weight": (4, 4, 16),
    "model.layers.0.odd.weight": (16, 40),
    "model.layers.0.none.weight": (0, 16),
    "model.layers.0.mlp.up_proj.bias": (32,),
    "lm_head.weight": (64, 32),
}
MX, GPT_OSS = "fouroversix-mxfp4-static6", ("--convention", "gpt-oss")
BY_DEFAULT = ["model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.up_proj.weight"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    arrays = {n: rng.standard_normal(s).astype(np.float32) for n, s in TENSORS.items()}
    arrays["model.layers.0.double.weight"] = np.ones((16, 16))
    arrays["model.layers.0.mlp.up_proj.weight"] = arrays["model.layers.0.mlp.up_proj.weight"].astype(
        ml_dtypes.bfloat16
    )
    path = tmp_path / "in.safetensors"
    save_file(arrays, path)
    return path


def _json(capsys: pytest.CaptureFixture[str], *args: object) -> dict[str, object]:
    capsys.readouterr()
    assert run(["quantize", *map(str, args), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""  # no progress when piped
    return json.loads(out)


def _names(document: dict[str, object]) -> list[str]:
    return sorted(t["name"] for t in document["quantized"])


def test_json_says_what_was_done_and_why_the_rest_was_left(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = _json(capsys, source, tmp_path / "out")
    assert _names(document) == BY_DEFAULT
    reasons = {t["name"].removeprefix("model.layers.0."): t["reason"] for t in document["copied"]}
    assert reasons == {
        "model.embed_tokens.weight": "excluded by *embed*",
        "lm_head.weight": "excluded by *lm_head*",
        "mlp.gate.weight": "excluded by *mlp.gate.*",
        "norm.weight": "1-D",
        "conv.weight": "3-D",
        "odd.weight": "last axis 40 is not a multiple of 16",
        "none.weight": "empty",
        "double.weight": "dtype F64",
        "mlp.up_proj.bias": "its name does not end in .weight",
    }
    assert (document["recipe"], document["convention"]) == ("4over6", "modelopt")
    assert document["recipe_fingerprint"] == fos_ref.recipe("4over6").fingerprint()
    left = document["quantization_config"]["quantization"]["exclude_modules"]
    assert "lm_head" in left
    assert "model.layers.0.norm" not in left
    with QuantizedCheckpoint(tmp_path / "out") as ck:
        for t in document["quantized"]:
            assert t["amax_bits"] == f"{ck.tensor(t['name']).tensor_amax.view(np.uint32).item():08X}"


@pytest.mark.long
def test_picked4_share_is_that_of_quantize(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(6)
    x = rng.standard_normal((160, 48)).astype(np.float32)
    save_file({"x.weight": x}, source)
    for recipe in ("4over6", "4over6-mse-16x16", "nvfp4", "fouroversix-static4"):
        document = _json(capsys, source, tmp_path / "out", "--recipe", recipe, "--force")
        assert document["quantized"][0]["picked4_share"] == fos_ref.quantize(x, recipe).picked4.mean()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--exclude", "*gate_proj*"], ["model.layers.0.mlp.up_proj.weight"]),
        (["--include", "*_proj.weight"], BY_DEFAULT),
        (["--include", "lm_head.weight"], ["lm_head.weight"]),
        (["--include", "*", "--exclude", "model.*"], ["lm_head.weight"]),
        (
            ["--include", "lm_head*", "--include", "*embed*"],
            ["lm_head.weight", "model.embed_tokens.weight"],
        ),
        (["--recipe", "4over6-16x16"], ["model.layers.0.mlp.up_proj.weight"]),
    ],
)
def test_include_and_exclude(
    options: list[str], names: list[str], source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _names(_json(capsys, source, tmp_path / "out", *options)) == names


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("bert.embeddings.word_embeddings.weight", True),
        ("transformer.wte.weight", True),
        ("shared.weight", True),
        ("output.weight", True),
        ("model.layers.3.block_sparse_moe.gate.weight", True),
        ("model.layers.3.block_sparse_moe.experts.0.w1.weight", False),
        ("bert.encoder.layer.0.output.dense.weight", False),
        ("model.layers.3.self_attn.o_proj.weight", False),
        ("mlp.gate_proj.weight", False),
    ],
)
def test_default_exclusions(name: str, left: bool) -> None:
    why = Selection().why_left(TensorInfo.of(name, "BF16", (16, 16)), fos_ref.recipe("4over6"))
    assert bool(why) is left


def test_tables_for_a_reader(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quantize", str(source), str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    assert "model.layers.0.mlp.gate_proj.weight" in out
    assert "excluded by *lm_head*" in out
    assert "2 of 11 tensors quantized by 4over6, modelopt convention" in " ".join(out.split())


@pytest.mark.long
def test_a_model_s_folder_and_what_its_reader_has_to_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(3)
    names = {"m.q_proj.weight": (16, 32), "m.k_proj.weight": (16, 32), "m.experts.gate_up_proj": (2, 48, 16)}
    (tmp_path / "in").mkdir()
    save_file(
        {n: rng.standard_normal(s).astype(np.float32) for n, s in {**names, "m.norm.weight": (64,)}.items()},
        tmp_path / "in/model.safetensors",
    )
    (tmp_path / "in/config.json").write_text('{"model_type": "gpt_oss"}')
    assert run(["quantize", str(tmp_path / "in"), str(tmp_path / "a")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "1 stack of experts: each is quantized by itself; they lie as (K, N), in-out" in text
    assert "1 group of weights that runtimes join" in text
    assert "--share fused gives them one" in text
    document = _json(capsys, tmp_path / "in", tmp_path / "b", "--share", "fused")
    assert (document["share"], document["fused_groups_apart"], document["experts"]) == ("fused", 0, "in-out")
    assert document["bytes_left"] == 64 * 4
    assert document["files"] == ["model.safetensors", "hf_quant_config.json", "config.json"]
    stack = next(t for t in document["quantized"] if t["experts"])
    assert (stack["name"], stack["experts"], stack["transposed"]) == ("m.experts.gate_up_proj", 2, True)
    assert "filled up" not in text
    filled = ["--recipe", MX, *GPT_OSS, "--padding"]
    assert run(["quantize", str(tmp_path / "in"), str(tmp_path / "c"), *filled]) == 0
    assert "1 weight: rows filled up with zeros" in " ".join(capsys.readouterr().out.split())
    assert run(["quantize", str(tmp_path / "in"), str(tmp_path / "b"), "--force"]) == 2
    assert "a new or an empty folder is allowed" in capsys.readouterr().err


def test_names_from_the_file_cannot_write_to_the_terminal(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file(
        {"\x1b[31m[red]x.weight": np.ones((1, 16), np.float32), "\x07b": np.ones(1, np.float32)}, source
    )
    assert run(["quantize", str(source), str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]x.weight" in out


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["{in}", "{out}", "--recipe", "4ovr6"], "did you mean 4over6"),
        (["{in}", "{out}", "--recipe", "te-mae-256-row"], "amax per row"),
        (["{in}", "{out}", "--convention", "gguf"], "modelopt, compressed-tensors, gpt-oss is allowed"),
        (["{in}", "{out}", "--convention", "gpt-oss"], "modelopt or compressed-tensors is allowed"),
        (["{in}", "{out}", "--recipe", MX], "compressed-tensors or gpt-oss is allowed"),
        (["{in}", "{out}", "--recipe", MX, *GPT_OSS, "--share", "fused"], "no tensor scale to share"),
        (["{in}", "{out}", "--share", "experts"], "none, fused is allowed"),
        (["{in}", "{out}", "--experts", "in-out"], "holds no stack of experts"),
        (["{in}", "{out}", "--experts", "out"], "out-in, in-out is allowed"),
        (["{in}", "{out}", "--engine", "abacus"], "auto, numpy"),
        (["{in}", "{out}", "--include", "*nothing*"], "none of its 11 tensors is to be quantized"),
        (["{in}", "{in}", "--force"], "is the input file"),
        (["{in}", "{old}"], "exists already (--force replaces it)"),
        (["{in}", "{dir}", "--force"], "not a regular file"),
        (["{in}", "{dir}/no/out"], "No such file"),
        (["{dir}/no", "{out}"], "No such file"),
        (["{in}", "{old}/out"], "Not a directory"),
        (["{in}", "/proc/out"], "/proc/out: "),
        (["{dir}", "{out}"], "which is read"),
        (["{old}", "{out}"], "not a usable safetensors file"),
        (["{in}"], "Missing argument"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(
    args: list[str], says: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"not a checkpoint")
    before = hashlib.sha256(source.read_bytes()).digest()
    places = {"{in}": source, "{out}": tmp_path / "out", "{old}": old, "{dir}": tmp_path}
    for mark, path in places.items():
        args = [a.replace(mark, str(path)) for a in args]
    assert run(["quantize", *args]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.safetensors", "old"]
    assert hashlib.sha256(source.read_bytes()).digest() == before
    assert old.read_bytes() == b"not a checkpoint"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    assert run(["quantize", str(source), str(tmp_path / "shut" / "out")]) == 2
    assert "Permission denied" in capsys.readouterr().err


@pytest.mark.sample(1)
@pytest.mark.parametrize("recipe", ["4over6", "te-mse-256"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_named_before_anything_is_written(
    value: float, recipe: str, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = np.ones((2, 16), np.float32)
    bad[1, 3] = value
    save_file({"good.weight": np.ones((2, 16), np.float32), "bad.weight": bad}, source)
    assert run(["quantize", str(source), str(tmp_path / "out"), "--recipe", recipe]) == 2
    err = capsys.readouterr().err
    assert "'bad.weight' has a NaN or an infinity" in err
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]
    document = _json(capsys, source, tmp_path / "out", "--recipe", recipe, "--exclude", "bad.weight")
    assert _names(document) == ["good.weight"]


def test_a_name_that_would_be_taken_twice(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_file({"x.weight": np.ones((1, 16), np.float32), "x.weight_scale": np.ones(1, np.float32)}, source)
    assert run(["quantize", str(source), str(tmp_path / "out")]) == 2
    assert "two tensors would be called 'x.weight_scale'" in capsys.readouterr().err


def test_a_file_quantized_before_is_refused(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["quantize", str(source), str(tmp_path / "once")]) == 0
    assert run(["quantize", str(tmp_path / "once"), str(tmp_path / "twice")]) == 2
    assert "quantized already" in capsys.readouterr().err


def test_force_replaces_and_two_runs_give_the_same_bytes(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_bytes(b"old")
    assert run(["quantize", str(source), str(out), "--force"]) == 0
    first = out.read_bytes()
    assert run(["quantize", str(source), str(out), "--force"]) == 0
    assert out.read_bytes() == first


def test_progress_counts_every_byte_once_a_pass(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = quantize_checkpoint(source, tmp_path / "out", progress=lambda n, total: seen.append((n, total)))
    total = sum(o.bytes_in * (2 if o.left is None else 1) for o in done.outcomes)
    assert {t for _, t in seen} == {total}
    assert [n for n, _ in seen] == sorted(n for n, _ in seen)
    assert seen[-1][0] == total


def test_progress_that_raises_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == total:
            raise InputError(str(total))

    with pytest.raises(InputError):
        quantize_checkpoint(source, tmp_path / "out", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]


def test_a_termination_signal_leaves_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    real = SafetensorsWriter.write

    def write_then_terminate(self: SafetensorsWriter, name: str, data: np.ndarray) -> None:
        real(self, name, data)
        assert len(list(tmp_path.iterdir())) == 2  # the input and the unfinished file
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(SafetensorsWriter, "write", write_then_terminate)
    with pytest.raises(SystemExit) as e:
        run(["quantize", str(source), str(tmp_path / "out")])
    assert e.value.code == 128 + signal.SIGTERM
    assert [p.name for p in tmp_path.iterdir()] == ["in.safetensors"]
    assert signal.getsignal(signal.SIGTERM) is before
