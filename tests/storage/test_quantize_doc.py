"""docs/quantize.md: its example prints what it says, and its table has every convention."""

from __future__ import annotations

from fos_ref.storage.conventions import CONVENTIONS, MX_CONVENTIONS
from fos_ref.storage.select import EXPERTS
from tests.docs.document import failing_examples, text_of

TEXT = text_of("quantize.md")


def test_the_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert attempted > 10
    assert report == ""


def test_its_table_has_every_convention():
    for form, conventions in (("NVFP4", CONVENTIONS), ("MXFP4", MX_CONVENTIONS)):
        for c in conventions.values():
            parts = [", ".join(f"`{n}`" for n in c.names(p)) for p in ("X.weight", "P")]
            assert f"| `{c.name}` | {form} | {parts[0]} | {parts[1]} |" in TEXT


def test_it_names_every_kind_of_stack():
    assert all(f"`{name}`" in TEXT for name in EXPERTS)
