"""docs/leak.md: every example is run, every table recomputed."""

import numpy as np
import pytest

from fos_ref.attention import capacity, losses, PUBLISHED, SCHEMES
from fos_ref.attention.detector.report import KINDS
from tests.attention.expected import COUNTS, matrices
from tests.attention.test_leaks import LEAKING
from tests.docs.document import failing_examples, read_tables, text_of

TEXT = text_of("leak.md")
TABLES = read_tables(TEXT)


def test_every_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 15
    assert report == ""


def test_the_kinds_are_these():
    assert [r[0] for r in TABLES["kind"][1]] == [
        f"`{kind}`" for kind in ("mean", "tensor-amax", *sorted(KINDS)[:2])
    ]
    assert set(KINDS) == {kind for kind, _ in LEAKING.values()} | {"choice"}


@pytest.mark.parametrize("row", TABLES["scheme"][1], ids=lambda r: r[0])
def test_a_scheme_has_its_pairs_and_its_reach(row):
    """By the rules that tests/attention holds the detector to, pair by pair."""
    name = row[0].strip("`")
    length = COUNTS[name][0]
    rules = matrices(name, length, range(length))
    i, j = np.nonzero(np.logical_or.reduce(list(rules.values())))
    assert row[1] == LEAKING.get(name, ("no",))[0]
    assert row[2] == " / ".join(f"{int(rules[t].sum()):,}" for t in "qkv")
    assert row[2] == " / ".join(f"{n:,}" for n in COUNTS[name][1:])
    assert row[3] == str(np.max(j - i, initial=0))


def test_every_scheme_and_every_program_has_its_row():
    assert [r[0].strip("`") for r in TABLES["scheme"][1]] == list(SCHEMES)
    want = [[f"`{p.name}`", p.kind or "no", p.tensors, p.why] for p in PUBLISHED.values()]
    assert TABLES["program"][1] == want
    assert f"{len(SCHEMES)} schemes and {len(PUBLISHED)} programs" == "20 schemes and 9 programs"


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", TABLES["swept"][1], ids=lambda r: r[0])
def test_what_an_output_holds(row):
    head = SCHEMES[row[0].strip("`")]
    arrays = [np.random.default_rng(seed).normal(size=(32, 64)).astype(np.float32) for seed in range(3)]
    token = 31 if "mxfp4" in row[0] else 15
    found = [capacity(f, *arrays, row=0, token=token) for f in (head, lambda *a: head(*a)[:, :1])]
    assert row[1:] == [text for n in found for text in (str(n), f"{np.log2(n):.1f}")]


@pytest.mark.exhaustive
@pytest.mark.parametrize("row", TABLES["V"][1], ids=lambda r: r[0])
def test_the_losses_of_the_constructed_head(row):
    name = row[0].strip("`")
    found = losses(name, block=16 if "nvfp4" in name or "4over6" in name else 32, sequences=512)
    assert row[1:] == [f"{found.parallel:.3f}", f"{found.autoregressive:.3f}", f"{max(found.bits, 0):.2f}"]
