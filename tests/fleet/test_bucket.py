"""A server that speaks S3: ranges, outputs that appear whole, errors that pass, one object cut short."""

from __future__ import annotations

import os
import subprocess

import pytest

from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.fleet.places import remote
from fos_ref.fleet.places.find import place
from fos_ref.fleet.run import run
from fos_ref.fleet.task import DONE, FAILED, How, SKIPPED
from fos_ref.fleet.workers.here import Here
from tests.fleet import models, server

pytest.importorskip("moto", reason="pip install 'fos-ref[fleet-test]'")
pytestmark = [pytest.mark.exhaustive, pytest.mark.filterwarnings("default")]
COUNT = 4
HOW = How(engine=models.NUMPY, pause=0.01)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """Return a source on disk, what `fos quantize` makes of it, and a server with the source."""
    folder = tmp_path_factory.mktemp("bucket")
    source = models.checkpoint(folder / "src", COUNT, (256, 1024))
    quantize_checkpoint(source, folder / "one", "4over6", share="fused", engine="numpy")
    with server.serving() as s:
        at = place("s3://shards/src")
        for path in source.iterdir():
            at.put(path.name, path.read_bytes())
        yield source, models.sums(folder / "one"), s


def outputs(url):
    at = place(url)
    return {n: models.digest(at.read(n, 1 << 30)) for n in at.names()}


def test_a_plan_takes_headers_and_a_run_gives_the_bytes_of_quantize(bucket):
    source, sums, s = bucket
    s.log.clear()
    fleet = models.planned("s3://shards/src", "s3://shards/q", "fused")
    headers = sum(8 + int.from_bytes(p.read_bytes()[:8], "little") for p in source.glob("*.safetensors"))
    small = sum((source / n).stat().st_size for n in ("model.safetensors.index.json", "config.json"))
    weights = [r for r in s.log if r.method == "GET" and r.path.endswith(".safetensors")]
    assert all(r.status == 206 for r in weights)
    assert sum(r.sent for r in weights) == headers
    read = sum(r.sent for r in s.log if r.method == "GET" and "/src/" in r.path)
    assert read == headers + small < sum(p.stat().st_size for p in source.iterdir()) / 100
    s.log.clear()
    ran = run(fleet, place("s3://shards/q"), Here(), HOW)
    assert {r.state for r in ran.results} == {DONE}
    assert outputs("s3://shards/q") == sums
    again = run(fleet, place("s3://shards/q"), Here(), HOW)
    assert {r.state for r in again.results} == {SKIPPED}
    assert again.sha256 == ran.sha256


@pytest.mark.usefixtures("bucket")
def test_an_output_is_not_visible_before_it_is_whole(monkeypatch):
    fleet = models.planned("s3://shards/src", "s3://shards/seen", "fused")
    name, seen = next(iter(fleet.parts)), []
    at = place("s3://shards/seen")
    inner = remote.RemoteFolder._named

    def named(self, what):
        seen.append((what, at.stat(name)))
        return inner(self, what)

    monkeypatch.setattr(remote.RemoteFolder, "_named", named)
    run(fleet, at, Here(), HOW)
    first = [stat for what, stat in seen if what == name]
    record = [stat for what, stat in seen if what == f".fos/done/{name}.json"]
    assert first == [None]
    assert record != [None]
    with pytest.raises(ZeroDivisionError), at.making("lost.safetensors") as path:
        path.write_bytes(b"half" * (1 // (path.name == "")))
    assert at.stat("lost.safetensors") is None


@pytest.mark.parametrize("what", ["500", "slow"])
def test_errors_and_timeouts_that_pass_are_tried_again(bucket, what, monkeypatch):
    _, sums, s = bucket
    monkeypatch.setattr("fos_ref.fleet.places.retry.PAUSE", 0.01)
    fleet = models.planned("s3://shards/src", f"s3://shards/{what}", "fused")
    s.fail(what, every=5)
    try:
        ran = run(fleet, place(f"s3://shards/{what}"), Here(), HOW)
    finally:
        failed = s.fail("")
    assert failed >= 3
    assert {r.state for r in ran.results} == {DONE}
    assert outputs(f"s3://shards/{what}") == sums


def test_an_object_that_is_cut_short_fails_alone(bucket):
    source, _, _ = bucket
    name = models.shard_name(2, COUNT)
    at = place("s3://shards/cut")
    for path in source.iterdir():
        at.put(path.name, path.read_bytes()[: -100 if path.name == name else None])
    fleet = models.planned("s3://shards/cut", "s3://shards/cut-q")
    ran = run(fleet, place("s3://shards/cut-q"), Here(), HOW)
    assert {r.shard: r.state for r in ran.results} == {n: FAILED if n == name else DONE for n in fleet.parts}
    assert "truncated" in ran.bad[0].why


def test_the_commands_take_urls(bucket):
    env = {**os.environ, "PYTHONPATH": str(server.ROOT)}

    def fos(*args: str) -> subprocess.CompletedProcess[str]:
        words = [server.PYTHON, "-c", server.PROGRAM, "fleet", *args]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=False)

    plan = fos("plan", "s3://shards/src", "s3://shards/c", "--share", "fused")
    made = fos("run", "s3://shards/c", "--workers", "2", "--compute", "numpy")
    assert (plan.returncode, made.returncode) == (0, 0), plan.stderr + made.stderr
    assert outputs("s3://shards/c") == bucket[1]
    seen = fos("inspect", "s3://shards/c")
    assert seen.returncode == 0, seen.stderr
    assert "0 problems" in seen.stdout
    missing = fos("status", "s3://shards/nowhere")
    assert missing.returncode == 2
    assert "no plan is in this folder" in missing.stderr
