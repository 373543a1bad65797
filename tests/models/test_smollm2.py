"""The model and the text that install by name: our forward beside transformers', and how recipes order."""

from __future__ import annotations

import numpy as np
import pytest

from fos_ref.errors import ToolchainError
from fos_ref.models.needs import file_of
from fos_ref.models.text import ledes, words

pytestmark = pytest.mark.peer
torch = pytest.importorskip("torch", reason="pip install torch")
transformers = pytest.importorskip("transformers", reason="pip install transformers")

from fos_ref.models.evaluate import Asked, evaluate  # noqa: E402
from fos_ref.models.loading import FILE, load, PACKAGE  # noqa: E402
from fos_ref.models.summary import pairs, rows  # noqa: E402

MOST = 1e-4  #: of logits up to 42: both forwards sum in orders of their own


@pytest.fixture(scope="module")
def gguf():
    try:
        ledes()
        return file_of(PACKAGE, FILE)
    except ToolchainError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def loaded(gguf):  # noqa: ARG001 -- it is there
    return load("smollm2")


@pytest.mark.usefixtures("gguf")
def test_the_text_is_the_one_that_was_measured():
    corpus = ledes()
    assert words(corpus.joined) == 20_295
    assert corpus.sha256 == "0e4a0e23e7792191fe2ed5cfd2401747f370adcbda1455dd1cc43146e052f12a"


def test_forward_and_tokens_are_transformers(loaded, gguf):
    """Within MOST of its logits, the largest one everywhere the same; every token the same."""
    folder = str(gguf.parent)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, gguf_file=FILE)
    text = ledes().joined[:6000]
    ids = loaded.encode(text)
    assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
    tokens = torch.tensor([ids[:64], ids[64:128]])
    with torch.inference_mode():
        ours, wanted = loaded.model(tokens), theirs(tokens).logits
    off = (ours - wanted).abs().max().item()
    assert off < MOST, f"{off} of {wanted.abs().max().item()}"
    assert torch.equal(ours.argmax(-1), wanted.argmax(-1))


def test_four_thousand_tokens_order_the_recipes(loaded):
    """Paired means: float32 below 4/6 below plain NVFP4, with what their intervals leave out."""
    torch.set_num_threads(2)
    e = evaluate(loaded, Asked(("nvfp4", "4over6"), tokens=4000, window=250))
    found = {r.name: r for r in rows(e)}
    assert e.offsets[-1] == 16 * 249
    for name in ("nvfp4", "4over6"):
        assert found[name].base.resolved
        assert 0.2 < found[name].base.mean < 0.8
    closer = found["4over6"].first
    assert closer.mean < 0
    assert closer.half < 0.1
    assert set(pairs(e)) == {("float32", "nvfp4"), ("float32", "4over6"), ("4over6", "nvfp4")}
    assert 0.3 < found["4over6"].weights4 < 0.5
    assert np.isfinite(e.results.nll).all()
