"""The corpus: its hash is the known one, it sees a single changed bit, and every recorded machine agrees."""

from __future__ import annotations

import hashlib
import json
from argparse import Namespace

import ml_dtypes
import numpy as np
import pytest

from fos_ref.engines.front import quantize
from fos_ref.errors import InputError
from fos_ref.proof import corpus
from fos_ref.proof.catalog import PROOFS
from fos_ref.proof.corpus_inputs import Draw, FULL, inputs, SMALL
from tests import environments
from tests.environments import agreed, merged, REPORT, table

DOCUMENT = json.loads(REPORT.read_bytes())
ENVIRONMENTS = DOCUMENT["environments"]


def ignore(_done: int, _total: int) -> None:
    """Report no progress."""


@pytest.fixture(scope="module")
def small():
    return corpus.run(ignore, 1, sizes=["small"])


@pytest.mark.long
def test_the_small_corpus_has_the_known_hash_and_the_recorded_ones(small):
    assert small.unexplained == 0
    assert small.compared == small.figures["small: blocks"] == 41_908
    assert small.figures["small: results"] == corpus.KNOWN["small"]
    recorded = {k: v for k, v in DOCUMENT["hashes"].items() if k.startswith("small")}
    assert recorded == {k: small.figures[k] for k in recorded}
    assert set(recorded) == {"small: inputs", "small: results", "small: steps"}


def test_the_recorded_machines_agree_and_differ_from_each_other():
    assert DOCUMENT["hashes"]["full: results"] == corpus.KNOWN["full"]
    what = ("engine", "machine", "python", "numpy", "ml_dtypes", "libc", "numpy_simd", "disabled", "numba")
    assert len({json.dumps([e[k] for k in what]) for e in ENVIRONMENTS}) == len(ENVIRONMENTS) >= 4
    assert {e["byteorder"] for e in ENVIRONMENTS} == {"little", "big"}
    assert {"x86_64", "aarch64"} <= {e["machine"] for e in ENVIRONMENTS}
    assert all(e["hashes"] == sorted(DOCUMENT["hashes"]) for e in ENVIRONMENTS)


def test_the_document_is_what_the_records_merge_into():
    records = [{**e, "hashes": DOCUMENT["hashes"]} for e in ENVIRONMENTS]
    assert merged(records) == DOCUMENT
    assert REPORT.with_suffix(".md").read_text(encoding="utf-8") == table(DOCUMENT)
    records[-1] = {**records[-1], "hashes": {"full: results": "0" * 64}}
    with pytest.raises(ValueError, match=f"{records[-1]['name']}: full: results is 0000"):
        agreed(records)


def test_a_new_record_is_added_and_one_that_disagrees_is_refused(tmp_path, monkeypatch):
    for name in ("environments.json", "environments.md"):
        (tmp_path / name).write_bytes((REPORT.parent / name).read_bytes())
    monkeypatch.setattr(environments, "REPORT", tmp_path / REPORT.name)
    (tmp_path / "new").mkdir()
    record = {**ENVIRONMENTS[0], "name": "zz-new", "hashes": DOCUMENT["hashes"]}
    (tmp_path / "new" / "zz-new.json").write_text(json.dumps(record))
    given = Namespace(folder=tmp_path / "new", anew=False)
    assert environments.merge(given) == 0
    document = json.loads((tmp_path / REPORT.name).read_bytes())
    assert document["environments"][:-1] == ENVIRONMENTS
    assert document["environments"][-1]["name"] == "zz-new"
    assert "| zz-new |" in (tmp_path / "environments.md").read_text()
    record["hashes"] = {"small: results": "0" * 64}
    (tmp_path / "new" / "zz-new.json").write_text(json.dumps(record))
    before = (tmp_path / REPORT.name).read_bytes()
    with pytest.raises(ValueError, match="zz-new: small: results is 0000"):
        environments.merge(given)
    assert (tmp_path / REPORT.name).read_bytes() == before
    assert environments.merge(Namespace(folder=tmp_path / "new", anew=True)) == 0
    assert len(json.loads((tmp_path / REPORT.name).read_bytes())["environments"]) == 1


def test_every_preset_meets_every_fourth_family_and_in_full_size_all():
    assert {len(corpus.families(name, "small")) for name in corpus.NAMES} == {5, 6}
    met = {family for name in corpus.NAMES for family in corpus.families(name, "small")}
    assert met == set(inputs(SMALL, (1, 16)))
    assert len(met) == 23
    assert FULL.parts == FULL.stride == 1


def test_one_changed_bit_changes_the_hash(monkeypatch):
    before = corpus.preset_parts("te-mse-256", "small", "numpy")

    def one_bit_off(x, r, **arguments):
        q = quantize(x, r, **arguments)
        q.codes[0, 0] ^= np.uint8(1)
        return q

    monkeypatch.setattr(corpus, "quantize", one_bit_off)
    after = corpus.preset_parts("te-mse-256", "small", "numpy")
    assert [p[:2] for p in before] == [p[:2] for p in after]
    assert all(a[2] != b[2] for a, b in zip(before, after, strict=True))


def test_another_hash_counts_its_blocks_as_unexplained(monkeypatch):
    monkeypatch.setattr(corpus, "KNOWN", {"small": "0" * 64})
    monkeypatch.setattr(corpus, "NAMES", ("nvfp4", "4over6-16x16"))
    found = corpus.run(ignore, 1, sizes=["small"])
    assert found.unexplained == found.compared > 0


@pytest.mark.long
def test_worker_processes_give_the_same_figures(monkeypatch):
    monkeypatch.setattr(corpus, "NAMES", corpus.NAMES[:2])
    seen = []
    alone = corpus.corpus("small", lambda *done: seen.append(done), 1)
    assert seen == [(1, 2), (2, 2)]
    assert corpus.corpus("small", ignore, 2) == alone


def test_every_nan_of_a_result_counts_as_the_same_one():
    nans = np.array([0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFFFFFFF], np.uint32).view(np.float32)
    assert corpus.result_bytes(nans) == bytes.fromhex("0000c07f") * 4
    half = np.array([0x7C01, 0xFE00, 0x7C00], np.uint16).view(np.float16)
    assert corpus.result_bytes(half) == bytes.fromhex("007e007e007c")
    short = np.array([0xFFC1, 0x7F80, 0x8000], np.uint16).view(ml_dtypes.bfloat16)
    assert corpus.result_bytes(short) == bytes.fromhex("c07f807f0080")
    assert corpus.result_bytes(np.array([-0.0, np.inf], np.float32)) == bytes.fromhex("000000800000807f")
    assert corpus.plain_bytes(nans[1:2]) == bytes.fromhex("0000c0ff")


def test_words_are_splitmix64_of_a_counter():
    """Recomputed in Python's whole numbers, and the first words of the published generator from state 0."""
    d = Draw("any name")
    state, mask = int.from_bytes(hashlib.sha256(b"any name").digest()[:8], "little"), (1 << 64) - 1

    def word(counter: int, start: int) -> int:
        z = (start + counter * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    assert d.words((2, 2)).ravel().tolist() + d.words((1,)).tolist() == [word(i, state) for i in range(1, 6)]
    assert [word(i, 0) for i in (1, 2)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    assert set(d.below(3, (200,)).tolist()) == {0, 1, 2}


def test_a_recipe_that_refuses_an_input_adds_nothing():
    x = np.full((1, 16), np.nan, np.float32)
    r = corpus.PRESETS["4over6"]
    assert list(corpus.results(x, None, r, "numpy")) == list(corpus.steps(x, None, r)) == []
    with pytest.raises(InputError):
        quantize(x, r)


def test_the_proof_is_in_the_catalogue():
    assert PROOFS["corpus"] is corpus.PROOF
