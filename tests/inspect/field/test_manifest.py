"""Field C2: the manifest's verdict covers what was compared, and is never good for a damaged file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.inspect.field.files import write
from tests.inspect.field.judge import fos, inspected, judge, told
from tests.inspect.field.parts import layers, weights

GOOD = "the bytes are its"


def quantized(source, tmp_path, *options) -> tuple[Path, Path]:
    """Return the original, and what `fos quantize` makes of it."""
    o, q = write(tmp_path / "o", source), tmp_path / "q"
    assert fos("quantize", o, q, *options)[0] == 0
    return o, q


def header(path: Path) -> tuple[dict, int]:
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8 : 8 + size]), 8 + size


def planted(path: Path, name: str, data: bytes, at: int = 0) -> None:
    """Write bytes into a tensor of a file."""
    entries, start = header(path)
    raw, offset = bytearray(path.read_bytes()), start + entries[name]["data_offsets"][0] + at
    raw[offset : offset + len(data)] = data
    path.write_bytes(raw)


def without(path: Path, name: str) -> None:
    """Take a tensor out of a file: its bytes stay, under a name that nobody reads."""
    entries, start = header(path)
    entries["unused"] = entries.pop(name) | {"dtype": "U8"}
    begin, end = entries["unused"]["data_offsets"]
    entries["unused"]["shape"] = [end - begin]
    text = json.dumps(entries).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + path.read_bytes()[start:])


def test_a_sound_file_is_its_recipe_s(tmp_path):
    o, q = quantized(layers(3), tmp_path)
    assert judge(q, o, {})["manifest"]["holds"] is True
    assert GOOD in told(q, "--against", o)


@pytest.mark.long
@pytest.mark.parametrize(
    ("value", "kind"),
    [(np.nan, "zero-or-nan-scale"), (0, "zero-or-nan-scale"), (np.inf, "not-finite"), (-1, "tensor-scale")],
)
def test_a_tensor_scale_that_is_none(value, kind, tmp_path):
    o, q = quantized(layers(3), tmp_path)
    planted(q, "l.2.weight_scale_2", np.float32(value).tobytes())
    found = judge(q, o, {"l.2.weight": f"{kind} no-reading? blocks-differ?"})
    assert found["manifest"]["holds"] is False
    text = told(q, "--against", o)
    assert GOOD not in text
    assert "NOT" in text


@pytest.mark.long
@pytest.mark.parametrize("part", ["weight_scale", "weight", "weight_scale_2"])
@pytest.mark.parametrize("against", [True, False])
def test_a_part_that_is_gone(part, against, tmp_path):
    o, q = quantized(layers(3), tmp_path)
    without(q, f"l.2.{part}")
    found = judge(q, o if against else None, {"l.2.weight": "missing-part"})
    assert found["manifest"]["holds"] is (False if against else found["manifest"]["holds"])
    assert found["manifest"]["holds"] is not True
    assert GOOD not in told(q, *(["--against", o] if against else []))


@pytest.mark.long
def test_a_whole_weight_that_is_gone(tmp_path):
    o, q = quantized(layers(3), tmp_path)
    for part in ("weight", "weight_scale", "weight_scale_2"):
        without(q, f"l.2.{part}")
        entries, start = header(q)
        text = json.dumps({(f"x{part}" if k == "unused" else k): v for k, v in entries.items()}).encode()
        q.write_bytes(len(text).to_bytes(8, "little") + text + q.read_bytes()[start:])
    _, found = inspected(q, "--against", o)
    assert found["manifest"]["holds"] is False
    assert GOOD not in told(q, "--against", o)


def test_an_original_without_the_garbled_weight(tmp_path):
    """What cannot be compared is not known: the verdict says how much was."""
    source = layers(3)
    _, q = quantized(source, tmp_path)
    planted(q, "l.2.weight", bytes(500))
    less = write(tmp_path / "less", {k: v for k, v in source.items() if k != "l.2.weight"})
    blocks = source["l.0.weight"].size // 16
    _, found = inspected(q, "--against", less)
    assert found["manifest"]["holds"] is not False
    assert "l.2.weight" in found["not_compared"]
    text = told(q, "--against", less)
    assert GOOD not in text
    assert f"the {2 * blocks:,} of {3 * blocks:,} blocks compared are its" in text


@pytest.mark.long
def test_damage_outside_of_the_sample(tmp_path):
    """A sample knows what it saw; --all sees everything."""
    source = weights("a.weight", shape=(512, 64))
    o, q = quantized(source, tmp_path)
    total = 512 * 4
    _, few = inspected(q, "--against", o, "--blocks", "300")
    assert 0 < few["weights"]["a.weight"]["blocks"] < total
    text = told(q, "--against", o, "--blocks", "300")
    assert GOOD not in text
    assert f"of {total:,} blocks compared are its" in text
    for row in range(40, 56):
        planted(q, "a.weight", bytes(32), at=row * 32)
    seen = told(q, "--against", o, "--blocks", "300")
    assert GOOD not in seen
    found = judge(q, o, {"a.weight": "blocks-differ"}, "--all")
    assert found["manifest"]["holds"] is False
    assert found["weights"]["a.weight"]["blocks"] == total
    assert found["weights"]["a.weight"]["equal"] == total - 16 * 4
    assert found["manifest"] == judge(q, o, {"a.weight": "blocks-differ"}, "--blocks", "0")["manifest"]


@pytest.mark.long
def test_a_block_that_differs(tmp_path):
    o, q = quantized(layers(3), tmp_path, "--convention", "compressed-tensors")
    planted(q, "l.1.weight_packed", b"\x31\x42", at=77)
    found = judge(q, o, {"l.1.weight": "blocks-differ"})
    assert found["manifest"]["holds"] is False
