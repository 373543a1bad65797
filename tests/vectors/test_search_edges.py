"""The search finds the committed vectors again, from every stage of it, and says where it finds none."""

from __future__ import annotations

import json

import pytest

from fos_ref.errors import GoldenFormatError
from fos_ref.mutants.catalogue import Mutant, MUTANTS, of_edition
from fos_ref.recipes import PRESETS
from fos_ref.vectors import bulk, layout
from fos_ref.vectors import folder as golden
from fos_ref.vectors.canonical import canonical
from fos_ref.vectors.distinguishing import file as golden_file
from fos_ref.vectors.distinguishing import mutants as mutant_vectors
from fos_ref.vectors.distinguishing import reported, values
from fos_ref.vectors.distinguishing.check import VECTORS
from fos_ref.vectors.distinguishing.outcomes import Outcomes
from fos_ref.vectors.distinguishing.search import axis_pairs, plain_name
from fos_ref.vectors.plan import GROUPS, PLAN, Plan
from tests.vectors.folder import files

DOCUMENT = json.loads(files()[VECTORS])
#: Mutants by the stage that finds them: ordinary blocks, edges, corners, tiny values, cut blocks.
STAGES = (
    "always-six",
    "metric-mae",
    "e2m1-unsaturated",
    "square-flushed",
    "e2m1-ties-away",
    "scale-ties-away",
)
#: Pairs by the stage that finds them: small, cut blocks, corners, values; one without a vector.
PAIRS = (
    ("scale_max", "256", "448"),
    ("element_scaling", "x*(1/(s*D))", "x/(s*D)"),
    ("zero_scale", "codes=0", "s=1"),
    ("nonfinite", "raise", "propagate"),
    ("tensor_scale", "min(C/A,max);A=0:1", "1"),
    ("dequantize", "((q*s)*A)/C", "(q*s)*D"),
    ("reciprocal", "exact", "approximate"),
)


def chosen():
    """Yield the pairs of PAIRS as the search takes them."""
    return ((a, u, v) for a, u, v in axis_pairs() if (a, plain_name(u), plain_name(v)) in PAIRS)


@pytest.mark.long
def test_the_search_finds_the_committed_vectors_again(monkeypatch):
    seen = []
    monkeypatch.setattr(golden_file, "axis_pairs", chosen)
    monkeypatch.setattr(mutant_vectors, "MUTANTS", {name: MUTANTS[name] for name in STAGES})
    found = golden_file.distinguishing(lambda: seen.append(0))
    assert len(seen) == len(PAIRS) + len(STAGES)
    assert found["indistinguishable"] == DOCUMENT["indistinguishable"]
    assert found["mutants"] == sorted(
        (v for v in DOCUMENT["mutants"] if v["mutant"] in STAGES), key=lambda v: STAGES.index(v["mutant"])
    )
    committed = [v for v in DOCUMENT["vectors"] if (v["axis"], *v["values"]) in PAIRS]
    assert found["vectors"] == committed
    assert len(committed) == len(PAIRS) - 1


def test_a_pair_that_no_input_tells_apart_is_an_error_that_names_it(monkeypatch):
    monkeypatch.setattr(golden_file, "axis_pairs", chosen)
    monkeypatch.setattr(golden_file, "find", lambda *_: None)
    with pytest.raises(GoldenFormatError) as e:
        golden_file.distinguishing(lambda: None)
    assert all(name in str(e.value) for name in ("scale_max", "256", "448"))


@pytest.fixture
def few(monkeypatch):
    """Leave ordinary blocks of all inputs."""
    ordinary = mutant_vectors.inputs("ramps", (1, 16))
    monkeypatch.setattr(mutant_vectors, "inputs", lambda *_: ordinary)
    for remembered in (mutant_vectors._ordinary, mutant_vectors._tiny):
        remembered.cache_clear()
    yield
    for remembered in (mutant_vectors._ordinary, mutant_vectors._tiny):
        remembered.cache_clear()


@pytest.mark.usefixtures("few")
def test_a_mutant_that_changes_nothing_is_an_error_that_names_it(monkeypatch):
    same = Mutant(name="same", flag="TieRule", recipe="4over6", comment="No mistake.", swaps=())
    monkeypatch.setattr(mutant_vectors, "MUTANTS", {"same": same})
    with pytest.raises(GoldenFormatError, match="mutant same: no input tells it from 4over6"):
        mutant_vectors.mutant_vectors(lambda: None)


def test_two_recipes_that_are_one_part_nowhere():
    r = PRESETS["nvfp4"]
    seen = Outcomes()
    assert [stage(r, r) for stage in seen.stages(values=True)[:3]] == [None, None, None]


@pytest.mark.long
def test_everything_that_is_generated_is_what_is_committed(monkeypatch):
    """With the searches of this file in place of the long ones, and one recipe."""
    said = []
    monkeypatch.setattr(golden, "distinguishing", lambda *_: DOCUMENT)
    monkeypatch.setattr(values, "document", lambda name, *_: json.loads(files()[name]))
    monkeypatch.setattr(golden, "plan", lambda hunted, _: plans(hunted, "fouroversix-static4"))
    monkeypatch.setattr(bulk, "files", lambda: iter([(bulk.INDEX, files()[bulk.INDEX])]))
    found = golden.generated(said.append, {})
    assert said == [VECTORS, *values.NAMES, reported.NAME, "fouroversix-static4", bulk.INDEX]
    assert {name: files()[name] for name in found} == found
    named = ("schema.json", "notes.json", VECTORS, *values.NAMES, reported.NAME, bulk.INDEX, layout.NAME)
    alone = ("v1/products.json", "v1/training.json")
    assert set(found) == {*named, *alone, *(n for n in files() if n.startswith("v1/fouroversix-static4/"))}


@pytest.mark.long
def test_what_is_frozen_is_computed_again_and_not_searched(monkeypatch):
    def nowhere(*pair):
        msg = f"searched: {pair[:3]}"
        raise AssertionError(msg)

    monkeypatch.setattr(golden_file, "find", nowhere)
    name = values.NAMES[0]
    known = golden._known(files())
    assert len(known) == sum(len(json.loads(files()[n])["vectors"]) for n in (VECTORS, *values.NAMES))
    again = canonical(values.document(name, lambda: None, known))
    assert again == files()[name]
    changed = files() | {name: files()[name].replace(b"nvfp4", b"NVFP4", 1)}
    with pytest.raises(AssertionError, match="searched"):
        values.document(name, lambda: None, golden._known(changed))


def plans(hunted, name):
    """Return the files of one recipe, as the plan has them; the mutants' vectors have come along."""
    assert [v.mutant for v in hunted] == list(of_edition(1))
    groups = {group: g for group, g in GROUPS.items() if group in PLAN[name]}
    yield PRESETS[name], [Plan(group, g.comment, list(g.cases(PRESETS[name]))) for group, g in groups.items()]
