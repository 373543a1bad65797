"""Parts of a proof: a file for each, and one finding from all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fos_gpu.proof import device
from fos_gpu.proof.command import execute, parser
from fos_gpu.proof.shares import join, shared, WHOLE
from fos_ref.errors import InputError
from fos_ref.proof.result import Finding, Proof


def proof(part=WHOLE):
    def run(_progress, _jobs):
        names = part.of(["a", "b", "c"])
        return Finding(
            compared=len(names),
            unexplained=0,
            figures={"blocks": dict.fromkeys(names, 7), "kinds": ["normal"], "total": len(names)},
            not_run={"d": "no kernel"},
        )

    return Proof(name="parted", claim="Three.", run=run, minutes=0)


def asked(*words):
    made = shared(parser(proof()))
    made.add_argument("--join", type=Path)
    return made.parse_args([str(w) for w in words])


def write_parts(folder, n=2, more=None):
    for i in range(1, n + 1):
        given = asked("--share", f"{i}/{n}", "--out", folder)
        assert execute(proof(given.share), given, more or {"device": "a card"}) == 0


def test_the_parts_together_are_the_whole(tmp_path):
    parts, whole, joined = (tmp_path / n for n in ("parts", "whole", "joined"))
    write_parts(parts)
    assert execute(proof(), asked("--out", whole), {"device": "a card"}) == 0
    assert execute(proof(), asked("--join", parts, "--out", joined)) == 0
    one, other = (json.loads((p / "proof-parted.json").read_text("utf-8")) for p in (whole, joined))
    assert one.pop("ran_on").keys() == other.pop("ran_on").keys()
    assert one == other
    assert other["compared"] == 3
    assert other["figures"]["blocks"] == {"a": 7, "b": 7, "c": 7}
    assert execute(proof(), asked("--join", parts, "--against", whole)) == 0


def test_parts_that_are_missing_mixed_or_of_two_machines(tmp_path):
    folder = tmp_path / "parts"
    write_parts(folder, 3)
    (folder / "proof-parted-2-of-3.json").unlink()
    with pytest.raises(InputError, match="part 2 of 3 of proof parted is missing"):
        join(folder, "parted")
    write_parts(folder, 2)
    with pytest.raises(InputError, match="parts of 2 cuts"):
        join(folder, "parted")
    other = tmp_path / "other"
    write_parts(other)
    path = other / "proof-parted-2-of-2.json"
    text = path.read_text("utf-8")
    path.write_text(text.replace("a card", "another"), "utf-8")
    with pytest.raises(InputError, match="device is 'another', elsewhere 'a card'"):
        join(other, "parted")
    path.write_text(text.replace('"normal"', '"coarse"'), "utf-8")
    with pytest.raises(InputError, match="figures: "):
        join(other, "parted")


def test_a_part_that_differs_is_written_and_the_whole_is_not(tmp_path):
    bad = replace(proof(), run=lambda *_: Finding(compared=1, unexplained=2))
    assert execute(bad, asked("--share", "1/2", "--out", tmp_path)) == 1
    assert execute(bad, asked("--share", "2/2", "--out", tmp_path)) == 1
    out = tmp_path / "out"
    assert execute(bad, asked("--join", tmp_path, "--out", out)) == 1
    assert not out.exists() or list(out.iterdir()) == []
    assert join(tmp_path, "parted")["unexplained"] == 4


def test_a_preset_that_fails_is_named_and_the_others_are_counted():
    found = device.finding(
        device.Counter(
            {
                ("4over6", device.BLOCKS): 5,
                ("nvfp4", device.BLOCKS): 6,
                (device.FAILED, "nvfp4: normal, seed 0: CUDA failed"): 1,
                (device.DIFFERING, "4over6, columns"): 3,
            }
        ),
        ["4over6", "nvfp4"],
    )
    assert (found.compared, found.unexplained) == (11, 4)
    assert found.figures["failed"] == {"nvfp4: normal, seed 0: CUDA failed": 1}
    assert found.figures["differing bytes"] == {"4over6, columns": 3}
    assert list(found.not_run) == ["llmcompressor-expanded-mse"]
