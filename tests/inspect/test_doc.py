"""docs/inspect.md: its examples print what it says, and its table has every property."""

from __future__ import annotations

import numpy as np

from fos_ref.inspect.api import inspect
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
