"""Training's header by g++ against fos_ref: a sample here, every byte and bfloat16 value when asked for."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files

import numpy as np
import pytest

from fos_gpu.build import training
from fos_gpu.build.lower import source
from fos_gpu.proof.training import host as proof
from fos_gpu.proof.training import product
from fos_ref.formats.catalog import E4M3
from fos_ref.random import Feed, MAPS, philox4x32, Rule, stochastic
from fos_ref.rotate import hadamard, Order

pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the header was not run"
)
SOME = np.array([0.0, -0.0, 0.3, -1.2, 5.9, 7, np.nan, np.inf, 2.0**-9, 300], dtype=np.float32)


def quiet(*_):
    pass


def test_the_header_includes_its_parts_alone_and_names_no_recipe():
    folder = files("fos_gpu") / "csrc" / "training"
    parts = {f"training/{p.name}" for p in folder.iterdir()}
    assert parts == {name for name in training.texts() if name.startswith("training/")}
    assert not any("#include" in source(name) for name in parts)


def test_enums_have_the_members_of_fos_ref():
    for enum, members in (("Feed", Feed), ("Order", Order), ("Rule", Rule)):
        assert [training.number(enum, m.name.lower()) for m in members] == list(range(len(members)))
    assert sorted(training.map_number(name) for name in MAPS) == list(range(len(MAPS)))
    assert re.search(r"enum class Map", source("training/request.h"))


@pytest.mark.long
def test_philox_has_random123_s_answers():
    counter = np.array([[0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344]], dtype=np.uint32)
    for rounds in (7, 10):
        key = np.array([0x299F31D0A4093822], dtype=np.uint64)
        want = philox4x32(counter, np.array([[0xA4093822, 0x299F31D0]]), rounds)
        assert np.array_equal(training.philox(counter, key, rounds), want)


@pytest.mark.sample(1)
@pytest.mark.parametrize("rule", Rule)
def test_a_rule_on_both_formats(rule):
    r = np.array([0, 100, 255], dtype=np.uint32)
    assert np.array_equal(training.by_rule(SOME, r, rule, 8), stochastic(SOME[:, None], r, rule, 8))
    want = stochastic(SOME[:, None], r, rule, 8, E4M3)
    assert np.array_equal(training.by_rule(SOME, r, rule, 8, e4m3=True), want)


@pytest.mark.long
def test_programs_feeds_and_a_rotation():
    parts = [p for p in proof.parts() if p.kind == "feed"] + [proof.Part("rotation", ("fwht", "normal"))]
    found = proof.run(quiet, 1, parts)
    assert found.unexplained == 0
    assert len(found.figures["compared"]) == len(parts)


def test_a_wrong_word_is_counted(monkeypatch):
    real = training.words
    monkeypatch.setattr(training, "words", lambda *a, **k: real(*a, **k) ^ np.uint32(1 << 7))
    monkeypatch.setattr(proof, "SHAPES", ((256, 256),))
    found = proof.run(quiet, 1, [proof.Part("map", ("te-fused-row",))])
    assert found.unexplained == found.compared > 0


@pytest.mark.exhaustive
def test_every_byte_and_every_bfloat16_value():
    found = proof.run(quiet, 1)
    assert found.unexplained == 0
    assert found.compared > 10**8


def test_a_product_is_counted_beside_the_exact_rotation(monkeypatch):
    """A product whose undecided outputs are a step off passes, a decided one fails: without torch."""
    monkeypatch.setattr(
        product.Product, "__init__", lambda self: self.__dict__.update(counts=product.Counter(), missing="")
    )
    x = np.zeros((1, 16), dtype=product.ml_dtypes.bfloat16)
    x[0, :3] = 1, 2.0**-8, 2.0**-30
    y, decided = hadamard(x, signs=0)
    for off, wrong in ((~decided, 0), (decided, int(decided.sum()))):
        one = product.Product()
        one.count((y.view(np.uint16) + off.astype(np.uint16)).view(y.dtype), y, decided)
        assert one.counts["outputs"] == 16
        assert one.counts["decided that differ"] == wrong
        assert one.counts["undecided more than one step away"] == 0
    assert product.ordinals(np.array([-0.0, 0.0], dtype=y.dtype)).tolist() == [0, 0]
    signed = hadamard(np.eye(16, dtype=y.dtype)).y.astype(np.float32)
    assert np.array_equal(product.matrix().astype(np.float32), signed)


@pytest.mark.parametrize("last", [2.0**-60, -(2.0**-60), 2.0**-120])
def test_a_sum_that_float64_cannot_hold_rounds_once(last):
    x = np.zeros((1, 16), dtype=np.float32)
    x[0, :3] = 1, 2.0**-8, last
    got = training.rotated(x, 0, Order.EXACT)
    want = hadamard(x.astype(product.ml_dtypes.bfloat16), signs=0).y.astype(np.float32)
    assert np.array_equal(got.view(np.uint32), want.view(np.uint32))
