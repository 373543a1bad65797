"""The chain: its input is what docs/vectors.md states, its digests are the committed ones."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from fos_ref.cli import run
from fos_ref.engines.front import quantize
from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.recipes.catalog import PRESETS
from fos_ref.vectors import chain
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.chain import CHAINS, first_wrong, read, start, step_input, walk
from fos_ref.vectors.manifest import FROZEN
from tests.vectors.folder import files

MASK = (1 << 64) - 1
COMMITTED = read(files()[chain.NAME])
LATER = next(name for name in chain.FILES if name != chain.NAME)
YOUNGER = read(files()[LATER], LATER)


def word(k, j):
    """SplitMix64 as docs/vectors.md has it, in Python's integers."""
    z = (k + (j + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def element(n, d, dtype):
    """Return the bits of element n and those of A, as docs/vectors.md states them, step by step."""
    bits, fraction_bits = {"bfloat16": (16, 7), "float32": (32, 23)}[dtype]
    k0, k1, k2 = (int.from_bytes(d[i : i + 8], "little") for i in (0, 8, 16))
    t = (k2 % 2**32) >> 2
    top = 32 + t % 222 if k2 % 4 == 0 else 119 + t % 16
    amax = (top + 1) << 23 | {0: 0x400000, 1: 0x280000}.get(k2 >> 62, (k2 >> 32) % 2**23)
    per_word = 64 // bits
    u = word(k0, n // per_word) >> bits * (n % per_word) & (1 << bits) - 1
    m = n // 16
    w = word(k1, m // 4) >> 16 * (m % 4) & 0xFFFF
    sign, r, fraction = u >> bits - 1, u >> fraction_bits & 0xFF, u % 2**fraction_bits
    if r == 0 or (w >> 7) % 64 == 0:
        return sign << bits - 1, amax
    zeros = next(i for i in range(8) if r >> i & 1)
    if (w >> 5) % 4 == 0:
        fraction = fraction >> fraction_bits - 2 << fraction_bits - 2
    field = top - (w % 4) * ((w >> 2) % 8) - zeros
    return sign << bits - 1 | field << fraction_bits | fraction, amax


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_step_s_input_is_what_the_document_states(dtype):
    for seed in range(3):
        d = hashlib.sha256(bytes([seed])).digest()
        step = step_input(d, dtype)
        bits = step.x.view(f"u{step.x.dtype.itemsize}").ravel()
        for n in (*range(2000), 79_999, 80_000, *range(159_000, 160_000)):
            want, amax = element(n, d, dtype)
            assert int(bits[n]) == want
            assert int(step.amax.view(np.uint32)) == amax


MIDPOINTS = [name for name, m in MUTANTS.items() if name.startswith("midpoint-") or m.flag == "E2m1TiesAway"]


@pytest.mark.long
@pytest.mark.parametrize("recipe", ["4over6", "nvfp4"])
def test_every_midpoint_is_met_within_a_few_steps(recipe):
    steps = [step_input(hashlib.sha256(bytes([i, 2])).digest(), "bfloat16") for i in range(12)]
    assert {int(s.amax.view(np.uint32)) & 0x7FFFFF for s in steps} >= {0x400000, 0x280000}
    r = PRESETS[recipe]
    right = [quantize(s.x, r, amax=s.amax, engine="numpy").codes for s in steps]
    for name in MIDPOINTS:
        with MUTANTS[name].planted():
            pairs = zip(steps, right, strict=True)
            assert any((quantize(s.x, r, amax=s.amax, engine="numpy").codes != c).any() for s, c in pairs), (
                name
            )
    assert len(MIDPOINTS) == 8


def test_the_inputs_reach_far_and_stay_below_the_amax():
    amaxes, zeros, smallest = [], 0, []
    for i in range(40):
        step = step_input(hashlib.sha256(bytes([i, 1])).digest(), "bfloat16")
        x = np.abs(step.x.astype(np.float32))
        assert np.isfinite(x).all()
        assert x.max() < step.amax
        amaxes.append(float(step.amax))
        zeros += int((x == 0).sum())
        smallest.append(float(step.amax) / float(x[x > 0].min()))
    assert min(amaxes) < 1e-15
    assert max(amaxes) > 1e15
    assert 0.01 < zeros / (40 * 160_000) < 0.05
    assert min(smallest) > 2**20


def test_the_start_is_the_digest_of_the_id():
    assert start(CHAINS[0]) == hashlib.sha256(b"4over6/bfloat16").digest()
    assert len({c.id for c in CHAINS}) == len(CHAINS) == len(COMMITTED)


@pytest.mark.parametrize("c", [*COMMITTED[:2], YOUNGER[1]], ids=lambda c: c["id"])
def test_the_first_digest_is_the_model_s(c):
    assert first_wrong(c, "numpy", 1) is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("c", [*COMMITTED[2:], *YOUNGER], ids=lambda c: c["id"])
def test_every_first_digest_is_the_model_s(c):
    assert first_wrong(c, "numpy", 1) is None


@pytest.mark.parametrize("c", YOUNGER, ids=lambda c: c["id"])
def test_the_first_digest_of_a_younger_chain_is_the_engine_s(c):
    assert first_wrong(c, "numba", 1) is None


def test_a_wrong_digest_is_named_with_its_step():
    c = json.loads(json.dumps(COMMITTED[0]))
    c["points"][0]["sha256"] = "0" * 64
    step, got, want = first_wrong(c, "numba", 2)
    assert (step, want) == (1, "0" * 64)
    assert got == COMMITTED[0]["points"][0]["sha256"]


def test_one_wrong_bit_changes_every_digest_after_it(monkeypatch):
    right = list(walk(CHAINS[0], 3, "numba"))
    real = chain.quantize
    calls = []

    def wrong(*given, **options):
        q = real(*given, **options)
        calls.append(q)
        if len(calls) == 2:
            q.codes[399, 199] ^= 0x80
        return q

    monkeypatch.setattr(chain, "quantize", wrong)
    assert [a == b for a, b in zip(walk(CHAINS[0], 3, "numba"), right, strict=True)] == [True, False, False]


@pytest.mark.long
def test_the_document_begins_with_the_committed_digests():
    made = chain.document("numba", steps=10)["chains"]
    assert [c["points"] for c in made] == [c["points"][:2] for c in COMMITTED]
    assert {c["blocks"] for c in made} == {100_000}


def test_blocks_of_32_take_the_columns_that_they_divide():
    blocks = {c["recipe"]: c["blocks"] for c in YOUNGER}
    assert blocks["fouroversix-if6-e2m3-mse"] == 1000 * 400 * 400 // 16
    assert blocks["ocp-mxfp8-e4m3"] == 1000 * 400 * 384 // 32
    first = chain.walk(chain.Chain("ocp-mxfp8-e4m3", "bfloat16"), 1, "numpy")
    state = start(chain.Chain("ocp-mxfp8-e4m3", "bfloat16"))
    given = step_input(state, "bfloat16")
    q = quantize(np.ascontiguousarray(given.x[:, :384]), "ocp-mxfp8-e4m3", amax=given.amax)
    assert q.codes.shape == (400, 384)
    whole = hashlib.sha256(state + q.codes.tobytes() + q.block_scales.tobytes())
    assert next(first) == whole.digest()


@pytest.mark.long
def test_a_frozen_chain_is_not_written_anew(monkeypatch, tmp_path, capsys):
    def other(engine, name, done):
        assert (engine, name) == ("numba", chain.NAME)
        done("chain")
        return json.loads(files()[chain.NAME]) | {"comment": "other"}

    monkeypatch.setattr("fos_ref.vectors.chain.document", other)
    assert run(["golden", "chain", "--dir", str(tmp_path), "--only", chain.NAME]) == 0
    assert b"other" in (tmp_path / chain.NAME).read_bytes()
    (tmp_path / FROZEN).write_bytes(files()[FROZEN])
    assert run(["golden", "chain", "--dir", str(tmp_path), "--only", chain.NAME]) == 2
    assert "v1/chains.json would change: its bits are frozen" in capsys.readouterr().err


CHANGES = {
    "every point of it": lambda d: d["chains"][0]["points"].pop(),
    "of 10000 steps is allowed": lambda d: d["chains"][0].update(blocks=1),
    "10 are allowed": lambda d: d["chains"].pop(),
    "/chains/1/points/0/sha256": lambda d: d["chains"][1]["points"][0].update(sha256="0"),
}


@pytest.mark.parametrize("problem", CHANGES)
def test_another_form_of_the_file_is_refused(problem):
    document = json.loads(files()[chain.NAME])
    CHANGES[problem](document)
    with pytest.raises(GoldenFormatError) as e:
        read(canonical(document))
    assert problem in str(e.value)


def test_a_file_of_chains_that_is_not_there(tmp_path, capsys):
    assert run(["golden", "chain", "--dir", str(tmp_path), "--only", "v1/other.json"]) == 2
    assert "no file of chains is called 'v1/other.json'" in capsys.readouterr().err


@pytest.mark.exhaustive
@pytest.mark.parametrize("c", [*COMMITTED, *YOUNGER], ids=lambda c: c["id"])
def test_every_digest_to_the_end(c):
    """10^8 blocks in the first file, 10^7 in the second."""
    file = chain.FILES[chain.NAME if c in COMMITTED else LATER]
    assert [p["step"] for p in c["points"]] == list(file.points)
    assert first_wrong(c, "numba", file.steps) is None
