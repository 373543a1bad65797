"""docs/inspect.md: its examples print what it says, and its table has every property."""

from __future__ import annotations

import numpy as np

from fos_ref.inspect.api import BLOCKS, inspect
from fos_ref.inspect.problems import Kind
from fos_ref.inspect.source import KEPT_VALUES
from fos_ref.storage.parts import FAMILIES
from tests.docs.document import failing_examples, read_tables, text_of
from tests.inspect.checkpoints import save, stored

TEXT = text_of("inspect.md")


def test_examples_print_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted > 12
    assert report == ""


def test_the_table_has_every_property(tmp_path):
    _, rows = read_tables(TEXT)["property"]
    found = inspect(save(stored({"x": np.ones((16, 16), np.float32)}, "4over6"), tmp_path / "q"))
    assert [row[0].replace(" ", "_") for row in rows] == list(found.findings)


def test_the_tables_have_every_kind_of_problem_and_every_convention():
    tables = read_tables(TEXT)
    assert [row[0].strip("`") for row in tables["problem"][1]] == [k.value for k in Kind]
    assert {row[0].strip("`") for row in tables["convention"][1]} == {f.name for f in FAMILIES}
    for word in ("`--map OLD=NEW`", "`--blocks N`, `--all`", "`--strict`", "`--json`"):
        assert [row for row in tables["command"][1] if row[0] == word]


def test_the_sizes_are_those_of_the_code():
    assert f"{BLOCKS:,} blocks" in TEXT
    assert f"at most {KEPT_VALUES:,} values" in TEXT
