"""A run gives the folder of `fos quantize`, in whatever parts and order, and again."""

from __future__ import annotations

import json
import shutil

import pytest

from fos_ref.cli import run as fos
from fos_ref.commands.fleet import inspect as inspect_command
from fos_ref.commands.fleet import options
from fos_ref.commands.fleet import run as run_command
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.fleet import run as engines
from fos_ref.fleet import window
from fos_ref.fleet.places.find import place
from fos_ref.fleet.run import run, Slice
from fos_ref.fleet.status import status
from fos_ref.fleet.task import DONE, FAILED, How, SKIPPED
from fos_ref.fleet.workers.here import Here
from fos_ref.inspect import api
from tests.fleet import models

COUNT = 4
HERE = How(engine=models.NUMPY, pause=0.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return models.checkpoint(tmp_path_factory.mktemp("fleet") / "src", COUNT)


@pytest.fixture(scope="module", params=["fused", pytest.param("none", marks=pytest.mark.exhaustive)])
def whole(source, request, tmp_path_factory):
    target = tmp_path_factory.mktemp("one") / "one"
    quantize_checkpoint(source, target, "4over6", share=request.param, engine="numpy")
    return request.param, models.sums(target)


def made(fleet, target, how=HERE, part=engines.WHOLE):
    return run(fleet, place(target), Here(), how, part=part)


def test_a_run_gives_the_bytes_of_quantize_and_the_next_skips(source, whole, tmp_path):
    share, sums = whole
    fleet = models.planned(source, tmp_path / "q", share)
    ran = made(fleet, tmp_path / "q")
    assert {r.state for r in ran.results} == {DONE}
    assert models.sums(tmp_path / "q") == sums
    assert ran.sha256 == {n: sums[n] for n in fleet.parts}
    again = made(models.planned(source, tmp_path / "q", share), tmp_path / "q")
    assert {r.state for r in again.results} == {SKIPPED}
    assert again.sha256 == ran.sha256
    assert models.debris(tmp_path) == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("hold", [0, 1 << 10])
def test_what_is_held_moves_no_bit(source, whole, tmp_path, hold, monkeypatch):
    monkeypatch.setattr(window, "PIECE", 1 << 10)
    share, sums = whole
    fleet = models.planned(source, tmp_path / "q", share)
    ran = made(fleet, tmp_path / "q", How(engine=models.NUMPY, hold=hold))
    assert ran.sha256 is not None
    assert models.sums(tmp_path / "q") == sums


def test_slices_in_any_order_and_twice_are_one_run(source, whole, tmp_path):
    share, sums = whole
    fleet = models.planned(source, tmp_path / "q", share)
    for first in (2, 0, 2, 1, 0):
        made(fleet, tmp_path / "q", part=Slice(first, 3))
    assert models.sums(tmp_path / "q") == sums
    assert status(fleet, place(tmp_path / "q")).finished


def test_a_damaged_output_is_made_again(source, whole, tmp_path):
    share, sums = whole
    fleet, target = models.planned(source, tmp_path / "q", share), tmp_path / "q"
    made(fleet, target)
    names = list(fleet.parts)
    (target / names[0]).write_bytes(b"short")
    data = bytearray((target / names[1]).read_bytes())
    data[-1] ^= 1
    (target / names[1]).write_bytes(data)  # of the same size, at another time
    (target / names[2]).unlink()
    states = {r.shard: r.state for r in made(fleet, target).results}
    assert [states[n] for n in names] == [DONE, DONE, DONE, SKIPPED]
    assert models.sums(target) == sums


def test_a_source_that_changed_or_is_cut_short_fails_alone(source, tmp_path):
    copy = shutil.copytree(source, tmp_path / "src")
    names = sorted(p.name for p in copy.glob("*.safetensors"))
    with (copy / names[1]).open("r+b") as f:
        f.truncate((copy / names[1]).stat().st_size - 8)
    fleet = models.planned(copy, tmp_path / "q")
    (copy / names[2]).write_bytes((source / names[3]).read_bytes())
    ran = made(fleet, tmp_path / "q")
    states = {r.shard: r.state for r in ran.results}
    assert [states[n] for n in names] == [DONE, FAILED, FAILED, DONE]
    assert "truncated" in ran.bad[0].why
    assert "not the file that was planned" in ran.bad[1].why
    found = status(fleet, place(tmp_path / "q"))
    assert sorted(found.failed) == names[1:3]
    assert not found.finished
    assert ran.sha256 is None


def test_a_new_plan_keeps_the_shards_that_it_leaves_the_same(source, tmp_path):
    copy, target = shutil.copytree(source, tmp_path / "src"), tmp_path / "q"
    made(models.planned(copy, target), target)
    name = models.shard_name(1, COUNT)
    (copy / name).write_bytes((copy / name).read_bytes())
    with pytest.raises(Exception, match="another plan"):
        models.planned(copy, target)
    states = {r.shard: r.state for r in made(models.planned(copy, target, new=True), target).results}
    assert [n for n, s in states.items() if s == DONE] == [name]


@pytest.mark.parametrize("wrong", [pytest.param(False, marks=pytest.mark.exhaustive), True])
def test_a_list_of_hashes_beside_the_source_is_held_to(source, tmp_path, wrong):
    copy = shutil.copytree(source, tmp_path / "src")
    lines = [f"{h}  {n}" for n, h in models.sums(source).items() if n.endswith(".safetensors")]
    lines[0] = ("1" if lines[0][0] == "0" else "0") + lines[0][1:] if wrong else lines[0]
    (copy / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    ran = made(models.planned(copy, tmp_path / "q"), tmp_path / "q")
    assert len(ran.bad) == wrong
    if wrong:
        assert "the list beside it has" in ran.bad[0].why
        assert not (tmp_path / "q" / ran.bad[0].shard).exists()


@pytest.mark.long
def test_the_commands_say_what_failed_and_exit_1(source, tmp_path, capsys):
    copy = shutil.copytree(source, tmp_path / "src")
    name = models.shard_name(2, COUNT)
    with (copy / name).open("r+b") as f:
        f.truncate((copy / name).stat().st_size - 8)
    target = str(tmp_path / "q")
    assert fos(["fleet", "plan", str(copy), target]) == 0
    assert fos(["fleet", "run", target, "--shard", "1/2"]) == 1
    assert name in capsys.readouterr().out
    assert fos(["fleet", "run", target, "--shard", "0/2"]) == 0
    capsys.readouterr()
    assert fos(["fleet", "status", target, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert (len(said["done"]), list(said["failed"]), said["finished"]) == (COUNT - 1, [name], False)


def test_numbers_of_the_help_are_those_of_the_library():
    assert run_command.HOLD_MIB << 20 == window.HOLD
    assert inspect_command.BLOCKS == api.BLOCKS
    assert options.WORKERS_ENGINES == engines.ENGINES
