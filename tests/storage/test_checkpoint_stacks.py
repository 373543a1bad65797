"""Checkpoints of every form: stacks of experts, MXFP4, shared tensor scales, padding."""

from __future__ import annotations

import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.engines import stream
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import CheckpointError, InputError, RecipeError
from fos_ref.storage.checkpoint import QuantizedCheckpoint
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import Selection
from tests.storage.models import (
    DOWN,
    folder,
    GATE,
    GATE_UP,
    matrices,
    MX,
    same,
    single,
    STACK,
    tensors,
    UP,
    values,
)

NAMES = {
    "modelopt": {
        GATE_UP: ("U8", [3, 32, 32]),
        f"{GATE_UP}_weight_scale": ("F8_E4M3", [3, 32, 4]),
        f"{GATE_UP}_weight_scale_2": ("F32", [3]),
        "w13_weight": ("U8", [2, 16, 8]),
        "w13_weight_scale": ("F8_E4M3", [2, 16, 1]),
        "w13_weight_scale_2": ("F32", [2]),
    },
    "compressed-tensors": {
        f"{GATE_UP}_packed": ("U8", [3, 32, 32]),
        f"{GATE_UP}_scale": ("F8_E4M3", [3, 32, 4]),
        f"{GATE_UP}_global_scale": ("F32", [3]),
        "w13_weight_packed": ("U8", [2, 16, 8]),
        "w13_weight_scale": ("F8_E4M3", [2, 16, 1]),
        "w13_weight_global_scale": ("F32", [2]),
    },
}


@pytest.mark.parametrize("convention", NAMES)
def test_stacks_by_name_dtype_and_shape(tmp_path, convention):
    held = {GATE_UP: tensors()[GATE_UP], "w13_weight": values(2, 16, 16, seed=9)}
    quantize_checkpoint(single(tmp_path, held), tmp_path / "q", convention=convention)
    with SafetensorsFile(tmp_path / "q") as f:
        assert {n: (i.dtype, list(i.shape)) for n, i in f.tensors.items()} == NAMES[convention]


def test_mxfp4_by_name_dtype_and_shape(tmp_path):
    held = {GATE_UP: tensors()[GATE_UP], GATE: tensors()[GATE]}
    source = single(tmp_path, held)
    quantize_checkpoint(source, tmp_path / "g", MX, convention="gpt-oss")
    quantize_checkpoint(source, tmp_path / "c", MX, convention="compressed-tensors")
    stem = GATE.removesuffix(".weight")
    with SafetensorsFile(tmp_path / "g") as f:
        assert {n: (i.dtype, i.shape) for n, i in f.tensors.items()} == {
            f"{GATE_UP}_blocks": ("U8", (3, 32, 2, 16)),
            f"{GATE_UP}_scales": ("U8", (3, 32, 2)),
            f"{stem}.weight_blocks": ("U8", (32, 2, 16)),
            f"{stem}.weight_scales": ("U8", (32, 2)),
        }
        want = fos_ref.quantize(held[GATE], MX)
        assert f.read(f"{stem}.weight_blocks").tobytes() == want.codes.tobytes()
        assert f.read(f"{stem}.weight_scales").tobytes() == want.block_scales.tobytes()
    with SafetensorsFile(tmp_path / "c") as f:
        assert {n: (i.dtype, i.shape) for n, i in f.tensors.items()} == {
            f"{GATE_UP}_packed": ("U8", (3, 32, 32)),
            f"{GATE_UP}_scale": ("U8", (3, 32, 2)),
            f"{stem}.weight_packed": ("U8", (32, 32)),
            f"{stem}.weight_scale": ("U8", (32, 2)),
        }


@pytest.mark.parametrize(
    ("convention", "recipe", "say"),
    [
        ("gpt-oss", "4over6", "modelopt or compressed-tensors is allowed"),
        ("modelopt", MX, "compressed-tensors or gpt-oss is allowed"),
        ("gpt-oss", "fouroversix-nvint4", "checkpoints hold E2M1 under E4M3 scales of 16"),
    ],
)
def test_a_convention_that_does_not_fit_names_those_that_do(tmp_path, convention, recipe, say):
    with pytest.raises(RecipeError, match=say):
        quantize_checkpoint(
            single(tmp_path, {GATE: tensors()[GATE]}), tmp_path / "q", recipe, convention=convention
        )
    assert not (tmp_path / "q").exists()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "config", [{"model_type": "gpt_oss"}, {"text_config": {"model_type": "llama4_text"}}]
)
@pytest.mark.parametrize("chunk", [64, 1 << 20])
def test_experts_that_lie_transposed_are_turned_around(tmp_path, monkeypatch, config, chunk):
    monkeypatch.setattr(stream, "CHUNK_VALUES", chunk)
    held = {n: tensors()[n] for n in (GATE_UP, STACK)}
    done = quantize_checkpoint(folder(tmp_path / "in", held, config), tmp_path / "out")
    assert done.orientation == "in-out"
    with QuantizedCheckpoint(tmp_path / "out") as ck:
        for name, x in matrices(held, turned=True).items():
            same(ck.tensor(name), fos_ref.quantize(x))
            assert ck.manifest.tensors[name].transposed
        assert ck.tensor(f"{GATE_UP}[0]").shape == (64, 32)


def test_modelopt_stores_them_as_they_lay(tmp_path):
    stack = tensors()[GATE_UP]
    source = single(tmp_path, {GATE_UP: stack})
    quantize_checkpoint(source, tmp_path / "q", experts="in-out")
    quantize_checkpoint(source, tmp_path / "c", experts="in-out", convention="compressed-tensors")
    with SafetensorsFile(tmp_path / "q") as q, SafetensorsFile(tmp_path / "c") as c:
        assert q.info(GATE_UP).shape == (3, 16, 64)
        assert q.info(f"{GATE_UP}_weight_scale").shape == (3, 2, 64)
        assert c.info(f"{GATE_UP}_packed").shape == (3, 64, 16)
        for e in range(3):
            want = fos_ref.quantize(stack[e].T.copy())
            assert q.read(GATE_UP)[e].tobytes() == want.codes.T.tobytes()
            assert q.read(f"{GATE_UP}_weight_scale")[e].tobytes() == want.block_scales.T.tobytes()
            assert c.read(f"{GATE_UP}_packed")[e].tobytes() == want.codes.tobytes()


def test_a_stack_as_modelopt_exports_it(tmp_path):
    """Codes and block scales turned back, one tensor scale for all experts, no manifest."""
    stack = tensors()[GATE_UP].astype(np.float32)
    amax = np.abs(stack).max()
    every = [fos_ref.quantize(x.T.copy(), "modelopt-nvfp4", amax=amax) for x in stack]
    scales = np.ascontiguousarray([q.block_scales.T for q in every])
    parts = {
        GATE_UP: np.ascontiguousarray([q.codes.T for q in every]),
        f"{GATE_UP}_weight_scale": scales.view(ml_dtypes.float8_e4m3fn),
        f"{GATE_UP}_weight_scale_2": every[0].decode_scale,
        f"{GATE_UP}_input_scale": np.ones((), np.float32),
    }
    save_file(parts, tmp_path / "q")
    with QuantizedCheckpoint(tmp_path / "q", "modelopt-nvfp4") as ck:
        assert ck.names == tuple(f"{GATE_UP}[{e}]" for e in range(3))
        for name, want in zip(ck.names, every, strict=True):
            got = ck.tensor(name)
            assert got.shape == want.shape == (64, 32)
            for part in ("codes", "block_scales", "decode_scale"):
                assert getattr(got, part).tobytes() == getattr(want, part).tobytes(), part


def test_an_option_says_otherwise(tmp_path):
    held = {GATE_UP: tensors()[GATE_UP]}
    source = folder(tmp_path / "in", {**held, "b": np.ones(1)}, {"model_type": "gpt_oss"})
    quantize_checkpoint(source, tmp_path / "out", experts="out-in")
    with QuantizedCheckpoint(tmp_path / "out") as ck:
        same(ck.tensor(f"{GATE_UP}[2]"), fos_ref.quantize(held[GATE_UP][2]))
    with pytest.raises(InputError, match="holds no stack of experts"):
        quantize_checkpoint(single(tmp_path, {GATE: tensors()[GATE]}), tmp_path / "q", experts="in-out")


@pytest.mark.parametrize(
    ("name", "shape", "taken"),
    [
        ("m.experts.gate_up_proj", (2, 16, 16), True),
        ("m.block.experts.w1.weight", (2, 16, 16), True),
        ("m.experts.some.weight", (2, 16, 16), True),
        ("m.w2_weight", (2, 16, 16), True),
        ("m.experts.gate_up_proj", (2, 16, 17), False),
        ("m.experts.other", (2, 16, 16), False),
        ("m.conv1d.weight", (2, 16, 16), False),
        ("m.conv1d.weight", (32, 1, 4), False),
        ("m.experts.gate_up_proj", (2, 2, 16, 16), False),
    ],
)
def test_what_is_a_stack_of_experts(tmp_path, name, shape, taken):
    held = {name: values(*shape), GATE: tensors()[GATE]}
    done = quantize_checkpoint(single(tmp_path, held), tmp_path / "q")
    assert {o.name: o.left is None for o in done.outcomes} == {name: taken, GATE: True}


def test_an_expert_without_a_finite_tensor_scale_is_named(tmp_path):
    held = {GATE_UP: np.stack([np.ones((16, 16), np.float32), np.full((16, 16), 1e-38, np.float32)])}
    with pytest.raises(InputError, match=r"gate_up_proj\[1\]' tensor amax .* no finite tensor scale"):
        quantize_checkpoint(single(tmp_path, held), tmp_path / "q", "fouroversix-mse")
    assert not (tmp_path / "q").exists()


def test_experts_that_are_left_are_a_module_that_is_left(tmp_path):
    held = {GATE: tensors()[GATE], GATE_UP: tensors()[GATE_UP], STACK: tensors()[STACK]}
    source = single(tmp_path, held)
    for out, exclude, left in (("q", "*experts*", ["m.experts"]), ("r", "*down_proj", [])):
        done = quantize_checkpoint(source, tmp_path / out, selection=Selection(exclude=[exclude]))
        assert done.config["quantization"]["exclude_modules"] == left


def test_a_stack_that_is_named_is_taken(tmp_path):
    held = {"m.kernels": values(2, 16, 32)}
    quantize_checkpoint(single(tmp_path, held), tmp_path / "q", selection=Selection(include=["*kernels"]))
    with QuantizedCheckpoint(tmp_path / "q") as ck:
        same(ck.tensor("m.kernels[1]"), fos_ref.quantize(held["m.kernels"][1]))


@pytest.mark.long
@pytest.mark.parametrize("how", ["out-in", "in-out"])
def test_memory_holds_one_expert_at_most(tmp_path, monkeypatch, how):
    stack = values(16, 128, 512)
    source = single(tmp_path, {STACK: stack})
    monkeypatch.setattr(stream, "CHUNK_VALUES", 1 << 12)
    monkeypatch.setattr(stream.os, "cpu_count", lambda: 2)
    tracemalloc.start()
    try:
        quantize_checkpoint(source, tmp_path / "q", "nvfp4", experts=how, engine="numpy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < stack.nbytes // 2


def test_readers_of_gpt_oss_take_experts_only(tmp_path):
    held = {"m.self_attn.q_proj.weight": values(16, 32), GATE_UP: tensors()[GATE_UP]}
    done = quantize_checkpoint(single(tmp_path, held), tmp_path / "q", MX, convention="gpt-oss")
    assert {o.name: o.left for o in done.outcomes} == {
        GATE_UP: None,
        "m.self_attn.q_proj.weight": "excluded by *self_attn*",
    }
    assert done.config["modules_to_not_convert"] == ["m.self_attn.q_proj"]
    every = Selection(include=["*"])
    again = quantize_checkpoint(
        tmp_path / "in.safetensors", tmp_path / "r", MX, convention="gpt-oss", selection=every
    )
    assert [o.left for o in again.outcomes] == [None, None]


def test_one_bad_expert_is_named_before_anything_is_written(tmp_path):
    held = tensors()
    held[STACK][1, 0, 0] = np.inf
    with pytest.raises(InputError, match=r"down_proj\[1\]' has a NaN or an infinity"):
        quantize_checkpoint(folder(tmp_path / "in", held), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_fused_weights_share_the_largest_amax_across_shards(tmp_path):
    every = tensors()
    held = {GATE: every[GATE], "a.bias": np.ones(1), UP: every[UP], DOWN: every[DOWN]}
    source = folder(tmp_path / "in", held)
    own = quantize_checkpoint(source, tmp_path / "own")
    done = quantize_checkpoint(source, tmp_path / "out", share="fused")
    amax = np.float32(max(np.abs(held[n]).max() for n in (GATE, UP)))
    with QuantizedCheckpoint(tmp_path / "out") as ck:
        for name in (GATE, UP):
            same(ck.tensor(name), fos_ref.quantize(held[name], amax=amax))
        same(ck.tensor(DOWN), fos_ref.quantize(held[DOWN]))
    assert (own.apart, done.apart) == (1, 0)


def test_experts_share_with_their_own_sibling_only(tmp_path):
    held = {f"m.experts.{n}.weight": values(2, 16, 32, seed=s) for s, n in enumerate(("w1", "w2", "w3"))}
    quantize_checkpoint(single(tmp_path, held), tmp_path / "q", share="fused")
    with QuantizedCheckpoint(tmp_path / "q") as ck:
        for e in range(2):
            pair = [held[f"m.experts.{n}.weight"][e] for n in ("w1", "w3")]
            amax = np.float32(max(np.abs(x).max() for x in pair))
            for n, x in zip(("w1", "w3"), pair, strict=True):
                same(ck.tensor(f"m.experts.{n}.weight[{e}]"), fos_ref.quantize(x, amax=amax))


@pytest.mark.parametrize(("recipe", "convention", "whole"), [("4over6", "modelopt", 48), (MX, "gpt-oss", 64)])
@pytest.mark.parametrize("turned", [False, True])
def test_rows_are_filled_up_on_request(tmp_path, recipe, convention, whole, turned):
    stack = values(2, 20, 40, seed=4)
    held = {"a.weight": values(8, 40), STACK: stack.transpose(0, 2, 1).copy() if turned else stack}
    source, how = single(tmp_path, held), "in-out" if turned else "out-in"
    done = quantize_checkpoint(
        source, tmp_path / "q", recipe, convention=convention, padding=True, experts=how
    )
    assert [o.padded for o in done.outcomes] == [whole, whole]
    with QuantizedCheckpoint(tmp_path / "q") as ck:
        for name, x in {"a.weight": held["a.weight"], f"{STACK}[1]": stack[1]}.items():
            same(ck.tensor(name), fos_ref.quantize(x, recipe, padding="zero"))
            assert ck.tensor(name).codes.shape == (x.shape[0], whole // 2)
            assert ck.manifest.tensors[name].padded == (x.shape[0], whole)
    with pytest.raises(InputError, match="is not a multiple of"):
        quantize_checkpoint(source, tmp_path / "r", recipe, convention=convention)


@pytest.mark.parametrize("recipe", ["4over6", MX])
def test_stacks_without_a_manifest(tmp_path, recipe):
    convention = "compressed-tensors"
    quantize_checkpoint(
        single(tmp_path, {GATE_UP: tensors()[GATE_UP]}), tmp_path / "q", recipe, convention=convention
    )
    with SafetensorsFile(tmp_path / "q") as f:
        held = {n: f.read(n) for n in f.tensors}
        dtypes = {n: i.dtype for n, i in f.tensors.items()}
    bare = {n: x.view(ml_dtypes.float8_e4m3fn) if dtypes[n] == "F8_E4M3" else x for n, x in held.items()}
    save_file(bare, tmp_path / "bare")
    with QuantizedCheckpoint(tmp_path / "bare", recipe) as ck:
        assert ck.names == tuple(f"{GATE_UP}[{e}]" for e in range(3))
        got, want = ck.tensor(f"{GATE_UP}[1]"), fos_ref.quantize(tensors()[GATE_UP][1], recipe)
        assert got.codes.tobytes() == want.codes.tobytes()
        assert got.block_scales.tobytes() == want.block_scales.tobytes()
    with pytest.raises((CheckpointError, RecipeError)):
        QuantizedCheckpoint(tmp_path / "bare", MX if recipe == "4over6" else "4over6")
