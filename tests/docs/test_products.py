"""docs/products.md: every example is run, every table recomputed."""

import pytest

from fos_ref.matmul.judge.diagnosis import VERDICTS
from fos_ref.matmul.judge.mistakes import MISTAKES
from fos_ref.matmul.marlin import FACTORS, lost
from fos_ref.matmul.models import MODELS
from tests.docs.document import failing_examples, read_tables, text_of
from tests.matmul.planted import PLANTED
from tests.matmul.shares import DATA, row
from tests.matmul.test_models import BIG24, TABLE

TEXT = text_of("products.md")
TABLES = read_tables(TEXT)
SHARES = [(r[0], int(r[1]), r[2:]) for r in TABLES["data"][1]]


def test_every_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted >= 9
    assert report == ""


@pytest.mark.sample(2)
@pytest.mark.parametrize(("data", "k", "want"), [s for s in SHARES if s[1] == 1024], ids=str)
def test_a_share(data, k, want):
    assert row(data, k) == want


@pytest.mark.exhaustive
@pytest.mark.parametrize(("data", "k", "want"), [s for s in SHARES if s[1] > 1024], ids=str)
def test_a_share_of_long_products(data, k, want):
    assert row(data, k) == want


def test_every_kind_of_data_has_its_rows():
    assert [s[:2] for s in SHARES] == [(d, k) for d in DATA for k in (1024, 4096, 16384)]


def test_the_models_are_these():
    rows = [(f"`{m.name}`", m.evidence, m.says) for m in MODELS.values()]
    assert [tuple(r) for r in TABLES["model"][1]] == rows


def figure(name, value):
    if name in ("V1", "V1b", "V1c", "V2"):
        return "0" if value == 0 else f"2^{value.hex().partition('p')[2]}"
    return f"{value - BIG24:g}"


def test_the_vectors_are_those_of_the_tests():
    want = [[name, *(figure(name, float(v)) for v in values)] for name, values in TABLE.items()]
    assert TABLES["vector"][1] == want


def test_what_marlin_loses():
    rows = TABLES["factor"][1]
    assert [(int(r[0]), int(r[1])) for r in rows] == [(f, len(lost(f))) for f in FACTORS]


def test_verdicts_and_mistakes():
    assert [r[0] for r in TABLES["verdict"][1]] == list(VERDICTS)
    assert {name.partition("-")[0] for name in PLANTED} <= set(
        TEXT.replace("`", " ").replace(",", " ").split()
    )
    assert len(MISTAKES) >= 5
