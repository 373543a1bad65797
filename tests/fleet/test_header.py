"""Our rules of a safetensors header take and refuse what the safetensors package does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open

from fos_ref.errors import CheckpointError
from fos_ref.storage.ranges import LocalBytes
from fos_ref.storage.safetensors_read import SafetensorsFile

A = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
B = {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}
GOOD = {"a": A, "b": B}
CASES = {
    "whole": (GOOD, 22),
    "texts": ({"__metadata__": {"k": "v"}, **GOOD}, 22),
    "another order": ({"b": B, "a": A}, 22),
    "empty": ({}, 0),
    "an empty tensor": ({"a": {**A, "shape": [0, 4], "data_offsets": [0, 0]}}, 0),
    "a scalar": ({"a": {**A, "shape": [], "data_offsets": [0, 4]}}, 4),
    "four bits": ({"a": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}, 2),
    "half a byte": ({"a": {"dtype": "F4", "shape": [3], "data_offsets": [0, 1]}}, 1),
    "cut short": (GOOD, 21),
    "bytes behind": (GOOD, 23),
    "a gap": ({"a": A, "b": {**B, "data_offsets": [17, 23]}}, 23),
    "an overlap": ({"a": A, "b": {**B, "data_offsets": [15, 21]}}, 21),
    "a hole at the start": ({"b": B}, 22),
    "a wrong size": ({"a": {**A, "shape": [2, 3]}}, 16),
    "a wrong dtype": ({"a": {**A, "dtype": "F33"}}, 16),
    "a number for a text": ({"__metadata__": {"k": 1}, **GOOD}, 22),
    "a field less": ({"a": {"dtype": "F32", "shape": [4]}}, 16),
    "a negative size": ({"a": {**A, "shape": [-2, -2]}}, 16),
    "a fraction": ({"a": {**A, "shape": [2.0, 2]}}, 16),
    "backwards": ({"a": {**A, "data_offsets": [16, 0]}}, 16),
    "a product of more than 64 bits": ({"a": {**A, "shape": [1 << 63, 1 << 63]}}, 16),
}


def _file(path: Path, header: dict, size: int) -> Path:
    raw = json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(size))
    return path


def _theirs(path: Path) -> bool:
    try:
        with safe_open(str(path), framework="numpy"):
            return True
    except Exception:  # noqa: BLE001 -- the package's own class of errors
        return False


def _ours(path: Path) -> bool:
    try:
        with SafetensorsFile(path, LocalBytes(path)):
            return True
    except CheckpointError:
        return False


@pytest.mark.parametrize("what", CASES)
def test_both_take_and_refuse_the_same(what, tmp_path):
    path = _file(tmp_path / "x.safetensors", *CASES[what])
    assert _ours(path) == _theirs(path)


def test_some_are_taken_and_some_refused(tmp_path):
    taken = [w for w, case in CASES.items() if _ours(_file(tmp_path / "x", *case))]
    assert {"whole", "texts", "another order", "empty"} <= set(taken)
    assert len(CASES) - len(taken) > 12
