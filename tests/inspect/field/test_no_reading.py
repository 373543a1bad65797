"""Field C4: where no reading comes near the original, that is said, with the name and how far off it is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.inspect.field.files import write
from tests.inspect.field.judge import judge, sentences, told
from tests.inspect.field.parts import compressed, compressed_mx, held, layers, modelopt, weights


@pytest.mark.long
@pytest.mark.parametrize("style", [modelopt, compressed, compressed_mx])
def test_a_weight_of_another_model(style, tmp_path):
    source = layers(4)
    q = write(tmp_path / "q", held(source, style))
    source["l.2.weight"] = layers(4, seed=99)["l.2.weight"]
    o = write(tmp_path / "o", source)
    found = judge(q, o, {"l.2.weight": "no-reading blocks-differ?"}, says={"no-reading": "%"})
    assert re.search(r"\d+(\.\d+)? ?%|times", sentences(found, "no-reading"))
    assert found["weights"]["l.2.weight"]["reading"] is None
    assert found["weights"]["l.2.weight"]["relative_error"] > 0.5
    others = [w for n, w in found["weights"].items() if n != "l.2.weight"]
    assert all(w["relative_error"] < 0.3 and w["equal"] == w["blocks"] for w in others)
    assert "l.2.weight" in told(q, "--against", o)
    judge(q, None, {})


@pytest.mark.long
def test_every_weight_of_another_model(tmp_path):
    source = layers(3)
    q, o = write(tmp_path / "q", held(source)), write(tmp_path / "o", layers(3, seed=99))
    found = judge(q, o, dict.fromkeys(source, "no-reading blocks-differ? tensor-scale?"))
    assert found["findings"]["dialect"]["value"] is None


@pytest.mark.long
def test_one_expert_of_another_model(tmp_path):
    source = weights("m.experts.down_proj", shape=(4, 32, 64))
    q = write(tmp_path / "q", held(source))
    source["m.experts.down_proj"][3] = np.roll(source["m.experts.down_proj"][3], 7, axis=0)
    o = write(tmp_path / "o", source)
    judge(q, o, {"m.experts.down_proj[3]": "no-reading blocks-differ?"})


def test_square_and_transposed(tmp_path):
    """A square weight stored for its transpose: no reading of its bytes fits."""
    source = layers(3, shape=(64, 64))
    tensors = held(source | {"l.1.weight": np.ascontiguousarray(source["l.1.weight"].T)})
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, {"l.1.weight": "no-reading|blocks-differ blocks-differ?"})


def test_a_sound_weight_quantized_coarsely_is_read(tmp_path):
    """Four bits without a tensor scale on small values leave a large error, and a reading all the same."""
    source = {n: x * x.dtype.type(0.25) for n, x in layers(2).items()}
    tensors = {k: v for k, v in held(source, modelopt, "nvfp4").items() if not k.endswith("_2")}
    for n, x in source.items():
        tensors |= modelopt(n, x, "nvfp4", 2688) | {f"{n}_scale_2": np.float32(1)}
    o, q = write(tmp_path / "o", source), write(tmp_path / "q", tensors)
    judge(q, o, dict.fromkeys(source, "tensor-scale?"))
