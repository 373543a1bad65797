"""Which tokens a step sees: its number's alone, never a held-out one."""

from __future__ import annotations

import hashlib
from math import log

import numpy as np
import pytest

from fos_ref.errors import InputError, ToolchainError
from fos_ref.pretrain import text
from fos_ref.pretrain.batches import Batches, HELD_OUT
from fos_ref.pretrain.config import config_of

SMALL = {"batch": 4, "sequence": 32, "steps": 200, "symbols": 8}


def test_a_step_is_a_function_of_seed_and_step():
    config = config_of(SMALL)
    one, other = Batches(config, 3), Batches(config, 3)
    late = one.step(130)
    assert late.shape == (4, 33)
    assert (other.step(7) == one.step(7)).all()
    assert (other.step(130) == late).all()
    assert (Batches(config, 4).step(7) != one.step(7)).any()
    assert (one.step(6) != one.step(7)).any()


@pytest.mark.long
def test_held_out_batches_are_the_same_for_all_seeds_and_no_steps():
    config = config_of(SMALL)
    held = Batches(config, 0).held_out(2)
    assert (Batches(config, 9).held_out(2) == held).all()
    seen = {row.tobytes() for step in range(64) for row in Batches(config, 0).step(step)}
    assert not seen & {row.tobytes() for row in held}


def test_the_floor_is_the_entropy_and_a_text_has_none(tmp_path):
    batches = Batches(config_of(SMALL), 0)
    assert batches.floor == batches.language.entropy < batches.uniform == log(8)
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(range(256)) * 20)
    of_text = Batches(config_of(SMALL | {"data": str(path)}), 0)
    assert (of_text.floor, of_text.symbols, of_text.unscored, batches.unscored) == (None, 256, 0, 2)


def test_a_texts_end_is_held_out(tmp_path):
    """Bytes below 100 in the part that is seen, above in the rest; windows are pieces of the text."""
    path, size = tmp_path / "a.txt", 10_000
    cut = size - int(size * HELD_OUT)
    data = np.arange(size) % 97
    data[cut:] += 100
    path.write_bytes(data.astype(np.uint8).tobytes())
    batches = Batches(config_of(SMALL | {"data": str(path)}), 1)
    for step in (0, 150):
        rows = batches.step(step)
        assert rows.max() < 100
        assert ((rows[:, 1:] - rows[:, :-1]) % 97 == 1).all()
    assert batches.held_out(0).min() >= 100


def test_texts_are_read_whole_or_not_at_all(tmp_path, monkeypatch):
    short = tmp_path / "short.txt"
    short.write_bytes(b"a" * 100)
    with pytest.raises(InputError, match="at least 4,096 are allowed"):
        text.text_of(str(short))
    missing = text.Source(package="nowhere==1", module="nowhere_at_all", file="a", sha256="")
    monkeypatch.setattr(text, "TEXTS", {"other": missing})
    with pytest.raises(ToolchainError, match="pip install nowhere==1"):
        text.text_of("other")
    package = tmp_path / "apackage"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a").write_bytes(b"b" * 5000)
    monkeypatch.syspath_prepend(tmp_path)
    right = hashlib.sha256(b"b" * 5000).hexdigest()
    for sha256, fine in ((right, True), ("0" * 64, False)):
        source = text.Source(package="apackage==1", module="apackage", file="a", sha256=sha256)
        monkeypatch.setattr(text, "TEXTS", {"other": source})
        if fine:
            assert bytes(text.text_of("other")) == b"b" * 5000
        else:
            with pytest.raises(InputError, match=f"SHA-256 {right}"):
                text.text_of("other")
