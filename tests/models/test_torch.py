"""Fake quantization, hooks, the run and its file, on a small Llama: of the extra torch alone is needed."""

from __future__ import annotations

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError

pytestmark = pytest.mark.peer
torch = pytest.importorskip("torch", reason="pip install torch")

from fos_ref.models.arms import Arm, arm_of  # noqa: E402
from fos_ref.models.evaluate import Asked, evaluate  # noqa: E402
from fos_ref.models.fake import amax_of, decoded, fake, fake_inputs, fake_weight, table  # noqa: E402
from fos_ref.models.linears import applied, linears  # noqa: E402
from fos_ref.models.matrix.bits import _blocks, compared, inputs_of  # noqa: E402
from fos_ref.models.matrix.plan import plan  # noqa: E402
from fos_ref.models.matrix.run import read_state, run  # noqa: E402
from fos_ref.models.matrix.text import documents  # noqa: E402
from fos_ref.models.results import read  # noqa: E402
from fos_ref.models.scoring import score  # noqa: E402
from tests.models.tiny import SHAPE, tiny, windows  # noqa: E402

RECIPES = (
    "nvfp4",
    "4over6",
    "te-mse-448",
    "fouroversix-if4-mse",
    "ocp-mxfp4",
    "modelopt-4over6",
    "scale-optimum",
)


def bits(a):
    return np.ascontiguousarray(np.asarray(a)).view(np.uint8).tobytes()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fake_quantization_has_the_bits_of_quantize(name, dtype):
    x = torch.randn(3, 8, 64, generator=torch.Generator().manual_seed(5)).to(dtype)
    for scope in ("tensor", "row"):
        made = fake_inputs(x, fos_ref.recipe(name), scope)
        parts = x if scope == "tensor" else x.reshape(-1, 1, 64)
        own = [fos_ref.quantize(p, name, engine="numpy") for p in parts]
        values = np.concatenate([fos_ref.dequantize(q).reshape(-1, 64) for q in own]).reshape(x.shape)
        assert made.values.dtype == dtype
        assert bits(made.values.float()) == bits(torch.from_numpy(values).to(dtype).float())
        assert made.picked4.numpy().tobytes() == b"".join(q.picked4.tobytes() for q in own)


@pytest.mark.parametrize("name", RECIPES)
def test_a_draw_is_the_recipe_under_another_amax(name):
    w, r, phase = torch.randn(24, 64, generator=torch.Generator().manual_seed(6)), fos_ref.recipe(name), 1.26
    got = fake_weight(w, r, phase).values
    if r.tensor_scale.value == "1":
        q = fos_ref.quantize(w * phase, r, engine="numpy")
        wanted = fos_ref.dequantize(q) / np.float32(phase)
    else:
        amax = np.float32(w.abs().max().item()) * np.float32(phase)
        q = fos_ref.quantize(w, r, amax=amax, engine="numpy")
        wanted = fos_ref.dequantize(q)
    assert bits(got) == bits(wanted)
    assert bits(fake_weight(w, r).values) != bits(got)
    assert float(amax_of(w, r)) == float(fos_ref.quantize(w, r, engine="numpy").tensor_amax)


def test_the_table_of_a_recipe_without_tensor_scale_is_dequantization():
    r = fos_ref.recipe("ocp-mxfp4")
    q = fos_ref.quantize(np.random.default_rng(1).normal(size=(8, 96)).astype(np.float32) * 1e-3, r)
    assert table(r).shape == (256, 16)
    assert bits(decoded(q, "cpu")) == bits(fos_ref.dequantize(q))


def test_everything_is_as_before_after_an_arm_and_the_head_is_left_alone():
    loaded = tiny()
    layers = linears(loaded.model, loaded.head)
    assert len(layers) == 7 * SHAPE.layers
    before = {k: v.clone() for k, v in loaded.model.state_dict().items()}
    arm = arm_of("4over6", "same", "same", "tensor", "dynamic")
    with applied(layers, arm) as held:
        held.look = True
        list(score(loaded.model, windows(1)))
        changed = {k for k, v in loaded.model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == {f"{layer.name}.weight" for layer in layers}
    assert all(torch.equal(v, before[k]) for k, v in loaded.model.state_dict().items())
    assert all(0 < s.weights4 < 1 and 0 < s.inputs4 < 1 and 0 < s.error < 0.1 for s in held.shares.values())
    assert {x.name for x in linears(loaded.model, loaded.head, with_head=True, embeddings=True)} - {
        x.name for x in layers
    } == {"output", "token_embd"}


def test_a_layer_multiplies_what_quantize_gives():
    loaded, seen = tiny(), {}
    layers = linears(loaded.model, loaded.head)
    one = layers[3]
    one.module.register_forward_hook(lambda _m, args, out: seen.update(x=args[0], out=out))
    with applied(layers, arm_of("nvfp4", "same", "same", "tensor", "dynamic")):
        weight = one.module.weight.detach()
        list(score(loaded.model, windows(1)))
        again = torch.nn.functional.linear(seen["x"], weight)
    assert torch.equal(again, seen["out"])
    assert bits(weight) == bits(fake(one.weight, fos_ref.recipe("nvfp4")).values)
    q = fos_ref.quantize(seen["x"][0], "nvfp4", engine="numpy")
    assert bits(fos_ref.dequantize(q)) == bits(seen["x"][0])  # they are on their own grid


class Stopped(Exception):  # noqa: N818
    """What stops a run."""


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(" ".join(f"word{n * 7919 % 1000}" for n in range(45)), encoding="utf-8")
    return path


@pytest.mark.parametrize("convention", ["windows", "rolling"])
def test_a_run_that_was_stopped_goes_on_with_the_same_bits(text, tmp_path, convention):
    loaded, out = tiny(), tmp_path / "run.npz"
    asked = Asked(("nvfp4",), text=text, window=64, convention=convention, draws=2, amax="static")
    whole = evaluate(loaded, asked)

    def stop(done, total):
        if done > 0.5 * total:
            raise Stopped

    with pytest.raises(Stopped):
        evaluate(loaded, asked, out, progress=stop)
    part = read(out)
    assert 0 < part.done.sum() < part.nll.size
    assert not part.whole
    went_on = evaluate(loaded, asked, out)
    assert bits(went_on.results.nll) == bits(whole.results.nll) == bits(read(out).nll)
    assert went_on.results.layers == whole.results.layers
    with pytest.raises(InputError, match=r"of another run: arms, .*window, windows differ"):
        evaluate(loaded, Asked(("nvfp4",), text=text, window=32, draws=2, convention=convention), out)


def test_the_loss_is_that_of_log_softmax_in_float64(text):
    loaded = tiny()
    e = evaluate(loaded, Asked(("nvfp4",), text=text, window=64, convention="rolling"))
    ids = loaded.encode(text.read_text(encoding="utf-8"))
    line = torch.tensor([[loaded.prefix, *ids[:63]]])
    with torch.inference_mode():
        logits = loaded.model(line)[0].double().numpy()
    wanted = np.log(np.exp(logits).sum(-1)) - logits[np.arange(64), ids[:64]]
    assert np.abs(e.draws("float32")[0, :64] - wanted).max() < 1e-4
    assert e.draws("float32").shape == (1, len(ids))
    assert Arm().name == "float32"


def test_the_matrix_goes_on_where_it_stopped_and_its_page_has_its_figures(tmp_path):
    loaded, parts, state = tiny(), windows(32, 16), tmp_path / "state.json"
    about = {"windows": 32, "window": 16, "scored": 32 * 15, "text": "numbers", "device": "cpu", "torch": "2"}
    planned, said = plan(("nvfp4", "ocp-mxfp4"), 2), []
    assert not run(loaded, parts, planned, state, about=about, seconds=0.0, say=said.append, batch=8)
    assert len(read_state(state, about)["arms"]) == 0
    assert run(loaded, parts, planned, state, about=about, seconds=600.0, say=said.append, batch=8)
    assert len(said) == len(planned)
    found = read_state(state, about)
    assert run(loaded, parts, planned, state, about=about, seconds=600.0, say=said.append, batch=8)
    assert read_state(state, about) == found
    page = documents(found)["models-matrix.md"].decode()
    sums = {k: np.array(v["sums"]) for k, v in found["arms"].items()}
    d = [sums[f"nvfp4 weights|{n}"] - sums["float32|0"] for n in (0, 1)]
    assert f"{np.sum(d) / 2 / 480:+.4f} ±" in page
    assert "Cannot be ordered" in page
    with pytest.raises(InputError, match="another run: window differ"):
        read_state(state, {**about, "window": 8})


def test_bits_of_a_device_are_compared_block_by_block():
    """On the host they are equal; a wrong value is one differing block."""
    loaded = tiny()
    layers = linears(loaded.model, loaded.head)[:2]
    tokens = torch.from_numpy(np.stack([w.tokens for w in windows(2)]))
    seen = inputs_of(loaded.model, layers, tokens)
    found = compared("4over6", layers, seen)
    assert found["differing"] == 0
    assert found["blocks"] == sum(2 * x.weight.numel() // 16 + 2 * seen[x.name].numel() // 16 for x in layers)
    wrong = np.ones((2, 32), dtype=np.float32)
    assert _blocks(
        wrong, np.nextafter(wrong, 2) * (wrong.cumsum(1) == 3) + wrong * (wrong.cumsum(1) != 3), 16
    ) == (4, 2)
