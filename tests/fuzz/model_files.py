"""The valid files of rooms that work on language models: small ones of our own, without torch."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import gguf
import numpy as np

from fos_ref.models.matrix.plan import cell_arm, plan
from fos_ref.models.results import fresh, save
from fos_ref.models.shape import Shape
from fos_ref.pretrain.config import Config, config_of
from fos_ref.pretrain.results import Results
from fos_ref.pretrain.state import sizes_of
from tests.fuzz.corpus import packed, Sample

TEXT = "several words, a few of them long: internationalization; 3 numbers 12 7 55. " * 60
SMALL = Shape(layers=1, dim=32, hidden=64, heads=4, kv_heads=2, vocabulary=8, theta=1e4, epsilon=1e-5)
BOUNDS = np.array([0, 3, 6, 8])  #: three windows of an evaluation
SETTINGS = {"window": 4, "arms": [{"scope": "tensor"}, {"scope": "tensor"}]}
RUN, VALUES = "transformer-nvidia-0", 6
SIZES = {"values": VALUES, "first": VALUES, "second": VALUES, "losses": 4}


def config() -> Config:
    """Return a config of two arms and two seeds."""
    given = {"models": ["transformer"], "arms": ["bfloat16", "nvidia"], "seeds": [0, 1], "steps": 4}
    return config_of(given | {"warmup": 1, "replay": 2, "save": 2})


def configs() -> list[Sample]:
    """Return configs of pretraining."""
    made = [config().document(), {"layers": 1, "width": 128}]
    return [Sample({"c.json": json.dumps(d).encode()}, {"c.json": "json"}) for d in made]


def pretraining() -> list[Sample]:
    """Return the document of four runs."""
    made = Results(config(), {"device": "1 x card", "torch": "2", "python": "3"})
    shared = {"model": "transformer", "train": 2.75, "floor": 2.25, "seconds": 1.5, "steps": 4}
    losses = {("bfloat16", 0): 2.5, ("bfloat16", 1): 2.6, ("nvidia", 0): 2.75, ("nvidia", 1): 2.7}
    for (arm, seed), loss in losses.items():
        made.add(shared | {"arm": arm, "seed": seed, "held_out": loss, "curve": [3.0, loss]})
    counts = {"codes": 100, "scales": 10, "amaxes": 6, "differing": 0}
    made.replays.append({"run": RUN, "step": 2, "layer": "blocks.0.mixer.qkv"} | counts)
    again = {"stopped_after": 2, "losses": 5, "differing": 0}
    made.restarts.append({"model": "transformer", "arm": "nvidia", "seed": 0} | again)
    return [Sample({"pretraining.json": made.document()}, {"pretraining.json": "json"})]


def states() -> list[Sample]:
    """Return the state of a run that was stopped."""
    arrays = {name: np.arange(n, dtype=np.float32) for name, n in SIZES.items()}
    says = {"run": RUN, "steps": "2", "config": sizes_of(config())}
    return [Sample({"state.safetensors": packed(arrays, says)}, {"state.safetensors": "safetensors"})]


def evaluations() -> list[Sample]:
    """Return the file of an evaluation of two arms, one of them stopped."""
    made = fresh(SETTINGS, int(BOUNDS[-1]))
    made.nll[0], made.nll[1, :6], made.done[:] = 2.5, 2.75, (8, 6)
    made.layers["1"] = {"blk.0.attn_q": [0.25, None, 0.125]}
    with tempfile.TemporaryDirectory() as work:
        save(Path(work, "e.npz"), made)
        return [Sample({"e.npz": Path(work, "e.npz").read_bytes()}, {"e.npz": "npz"})]


def matrices() -> list[Sample]:
    """Return the state of a matrix of two recipes in two draws, over three windows."""
    about = {"text": "words", "window": 4, "windows": 3, "scored": 9, "torch": "2", "device": "card"}
    arms = {}
    for n, (cell, draw, arm) in enumerate(plan(("nvfp4", "ocp-mxfp4"), 2)):
        layers = {} if arm == cell_arm(cell, 2.0) else {"blk.0.attn_q": [0.25, None, 0.125]}
        sums = [7.5 + n % 5 / 8, 8.25, 7.0 + n % 3 / 16]
        arms[f"{cell.name}|{draw}"] = {"arm": arm.key(), "sums": sums, "layers": layers, "seconds": 1.5}
    bits = {"nvfp4": {"blocks": 100, "differing": 0, "kernels": 1}}
    state = {"about": about, "arms": arms, "bits": bits}
    return [Sample({"m.json": json.dumps(state).encode()}, {"m.json": "json"})]


def models() -> list[Sample]:
    """Return the folder of a model that is not quantized, beside a text to calibrate on."""
    about = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64}
    files = {"model/config.json": json.dumps(about).encode(), "t.txt": TEXT.encode()}
    return [Sample(files, {"model/config.json": "json", "t.txt": "raw"})]


@cache
def llama() -> bytes:
    """Return a Llama of one block as a GGUF file, with a vocabulary of smollm's kind."""
    with tempfile.TemporaryDirectory() as work:
        path = Path(work, "m.gguf")
        w = gguf.GGUFWriter(path, "llama")
        w.add_block_count(SMALL.layers)
        w.add_context_length(128)
        w.add_embedding_length(SMALL.dim)
        w.add_feed_forward_length(SMALL.hidden)
        w.add_head_count(SMALL.heads)
        w.add_head_count_kv(SMALL.kv_heads)
        w.add_layer_norm_rms_eps(SMALL.epsilon)
        w.add_rope_freq_base(SMALL.theta)
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("smollm")
        w.add_token_list([b"a", b"b", b"ab", b"c", b"d", b"e", b"f", b"g"])
        w.add_token_merges(["a b"])
        w.add_bos_token_id(1)
        for name, shape in SMALL.tensors().items():
            if name != "output.weight":
                w.add_tensor(name, np.zeros(shape, np.float32))
        w.write_header_to_file()
        w.write_kv_data_to_file()
        w.write_tensors_to_file()
        w.close()
        return path.read_bytes()


def llamas() -> list[Sample]:
    """Return a Llama as a GGUF file."""
    return [Sample({"m.gguf": llama()}, {"m.gguf": "gguf"})]
