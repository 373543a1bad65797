"""`check` names the mistake: planted by a quantizer that shares no code with the package, and by mutants."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.check.flags import FLAGS, OUTCOMES
from fos_ref.inputs.choice_edges import AMAX, choice_edges
from fos_ref.inputs.distributions import make
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.proof.checker.bugs import BUGS, planted, QUANTIZERS
from fos_ref.proof.checker.plain import quantizer as plain_quantizer
from fos_ref.proof.checker.proof import (
    clean,
    double,
    finding,
    inputs,
    single,
    stands_for,
    Tally,
    Task,
    undecidable,
)
from fos_ref.verify import check

SMALL = (32, 128)


def test_the_plain_quantizer_knows_nothing_of_the_package():
    parts = sorted(Path(plain_quantizer.__file__).parent.glob("*.py"))
    assert len(parts) > 2
    modules: set[str] = set()
    for path in parts:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    own = {f"fos_ref.proof.checker.plain.{path.stem}" for path in parts}
    assert modules - own == {"__future__", "dataclasses", "typing", "ml_dtypes", "numpy"}


def test_every_flag_is_planted():
    assert set(BUGS) == set(FLAGS) - set(OUTCOMES)


@pytest.mark.parametrize("preset", QUANTIZERS)
def test_without_a_mistake_it_gives_the_preset_s_bytes(preset):
    x = make("heavy-tailed", SMALL, 2)
    q = fos_ref.quantize(x, preset)
    codes, scales = planted(preset)(x)
    assert codes.tobytes() == q.codes.tobytes()
    assert scales.tobytes() == q.block_scales.tobytes()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("flag", "preset", "family", "bug"),
    [
        ("NibbleOrder", "4over6", "normal", "nibbles"),
        ("MetricMae", "4over6", "normal", "metric-mae"),
        ("TieRule", "4over6", "coarse", "four-wins-ties"),
        ("ScaleNaN", "te-mse-448", "normal", "scale-nan"),
        ("NegativeZero", "nvfp4", "signed-zero", "no-negative-zero"),
    ],
)
def test_a_mistake_is_named_first(flag, preset, family, bug):
    x = make(family, SMALL, 3)
    found = check(x, *planted(preset, bug)(x), recipe=preset)
    assert found.flags[0] == flag
    assert found.causes[0].blocks == found.mismatching_blocks
    assert found.causes[0].breaks == 0


def edges():
    x = choice_edges(fos_ref.recipe("4over6"), 24, 3)
    x = x[: len(x) // 16 * 16].copy()
    x[0, 0] = AMAX
    return x


@pytest.mark.long
def test_last_bits_are_named_and_called_near_ties():
    x = edges()
    found = check(x, *planted("4over6", "order-shuffle")(x), recipe="4over6")
    assert found.flags[0] == "ReductionOrder"
    assert found.causes[0].near_ties > 0


@pytest.mark.long
def test_a_choice_that_hangs_on_the_last_bits_is_harmless():
    """Half of the near ties the other way: no order does that."""
    x = edges()
    t = fos_ref.trace(x, "4over6")
    codes, scales = (a.copy() for a in planted("4over6")(x))
    apart = np.abs(t.map6.error.view(np.int32).astype(np.int64) - t.map4.error.view(np.int32))[:, 0]
    flipped = np.flatnonzero(apart <= 2)[::2]
    for i in flipped:
        other = t.map6 if t.picked4[i, 0] else t.map4
        codes[i] = other.codes[i, 0, 0::2] | other.codes[i, 0, 1::2] << 4
        scales[i] = other.scale_code[i]
    found = check(x, codes, scales, recipe="4over6")
    assert found.flags == ("NearTie",)
    assert found.causes[0].blocks == len(flipped) > 10
    assert "err4 - err6" in found.causes[0].what


@pytest.mark.long
def test_the_preset_that_fits_is_mentioned():
    x = make("normal", SMALL, 5)
    q = fos_ref.quantize(x, "te-mae-448")
    found = check(x, q.codes, q.block_scales, recipe="4over6")
    assert "100 % of blocks equal" in found.closest
    assert "448" in found.closest
    assert set(found.flags) == {"Bound", "MetricMae"}  # two mistakes at once
    assert found.causes[0].together == (found.flags[1],)
    assert found.to_dict()["causes"][0]["evidence"]["closest_preset"] == found.closest


@pytest.mark.long
def test_a_damaged_block_is_not_explained():
    x = make("normal", SMALL, 6)
    codes, scales = (a.copy() for a in planted("nvfp4")(x))
    codes[5, 5] ^= 0x55
    found = check(x, codes, scales, recipe="nvfp4")
    assert found.flags == ("Unexplained",)
    assert found.mismatching_blocks == 1


def results(*, named=19, pairs=9, causes=0, differing=0, cases=20, families="abcde", outcomes=0, layouts=0):
    """Return what the proof's tasks may find: for one flag the given figures, for the others enough."""
    enough = Tally(cases=20, named=20, families=Counter("abcde"))
    bound = Tally(cases=cases, named=named, families=Counter(families))
    return [
        *((Task("single", "4over6", (f,)), bound if f == "Bound" else enough) for f in BUGS),
        (Task("double", "4over6", ("Bound", "TieRule")), Tally(cases=10, named=pairs)),
        (Task("clean", "4over6"), causes),
        (Task("stands", "4over6"), differing),
        (Task("judged", "HardwareDecides"), outcomes),
        (Task("legal", "0"), layouts),
    ]


def test_what_the_proof_says_of_each_flag():
    found = finding(results())
    assert (found.unexplained, found.compared) == (0, 20 * len(BUGS) + 10)
    assert found.figures["below the limit"] == []
    bound = found.figures["flags"]["Bound"]
    assert (bound["cases"], bound["families"], bound["named"], bound["share"]) == (20, 5, 19, "95.00 %")
    assert bound["shown in"] == "a 1, b 1, c 1, d 1, e 1"


@pytest.mark.parametrize(
    ("given", "refuted"),
    [
        ({"named": 18}, 1),
        ({"families": "abcd"}, 1),
        ({"cases": 19}, 1),
        ({"cases": 0, "named": 0, "families": ""}, 1),
        ({"pairs": 8}, 1),
        ({"outcomes": 1}, 1),
        ({"layouts": 3}, 3),
        ({"causes": 1}, 1),
        ({"differing": 2}, 2),
    ],
)
def test_what_refutes_the_proof(given, refuted):
    found = finding(results(**given))
    assert found.unexplained == refuted
    assert found.figures["below the limit"] == ["Bound"] * (
        not set(given) & {"pairs", "causes", "differing", "outcomes", "layouts"}
    )


def test_a_flag_that_nothing_shows_refutes_the_proof():
    assert finding([t for t in results() if t[0].flags != ("Bound",)]).unexplained == 1


@pytest.mark.exhaustive
def test_a_case_that_nobody_could_decide_is_no_case():
    x = dict(inputs("4over6"))["tiny"]
    assert undecidable("4over6", "tiny", planted("4over6", "always-four")(x))
    x = dict(inputs("4over6"))["normal"]
    assert not undecidable("4over6", "normal", planted("4over6", "other-bound")(x))


@pytest.mark.exhaustive
@pytest.mark.parametrize("flag", BUGS)
def test_every_flag_on_every_family(flag):
    """Under one preset each, in turn; the proof has all of them."""
    at = list(BUGS).index(flag) % len(QUANTIZERS)
    in_turn = (*list(QUANTIZERS)[at:], *list(QUANTIZERS)[:at])
    tally = next(t for t in (single(p, flag) for p in in_turn) if t.cases)
    assert 10 * tally.named >= 9 * tally.cases, tally.misses
    assert tally.named + tally.alike == tally.cases, tally.misses


@pytest.mark.exhaustive
@pytest.mark.parametrize("preset", QUANTIZERS)
def test_the_plain_quantizer_on_every_family(preset):
    assert stands_for(preset) == 0
    assert clean(preset) == 0


@pytest.mark.exhaustive
def test_pairs_of_mistakes():
    pairs = [("NibbleOrder", "Bound"), ("MetricMae", "ScaleCeil"), ("AmaxPrecision", "E2m1TiesAway")]
    tallies = [double("4over6", *p) for p in pairs]
    assert all(t.cases > 0 for t in tallies)
    assert all(t.misses == [] for t in tallies)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_s_flag(name):
    m = MUTANTS[name]
    for family in ("normal", "coarse", "subnormal-scale", "signed-zero"):
        x = make(family, (64, 256), 1)
        q = m.quantize(x)
        found = check(x, q.codes, q.block_scales, recipe=m.recipe)
        if not found.equal and m.flag != "Unexplained":
            assert found.flags[0].lower() == m.flag.lower()
