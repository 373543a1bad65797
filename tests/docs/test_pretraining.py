"""docs/pretraining.md: the example is run; arms, files and sizes are those of the code."""

from __future__ import annotations

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.config import Config, MARKOV
from fos_ref.pretrain.results import FILES, GRADIENTS, LAYER
from fos_ref.pretrain.text import TEXTS
from tests.docs.document import failing_examples, read_tables, text_of

TEXT = text_of("pretraining.md")
TABLES = read_tables(TEXT)


def test_the_example_prints_what_the_document_says():
    attempted, report = failing_examples(TEXT)
    assert (attempted, report) == (2, "")


def test_every_arm_has_its_row():
    rows = {name.strip("`"): says for name, says in TABLES["arm"][1]}
    assert list(rows) == list(ARMS)
    for name, arm in ARMS.items():
        assert rows[name].startswith(arm.says), name


def test_every_file_has_its_row():
    assert {r[0].strip("`") for r in TABLES["file"][1]} == {*FILES, GRADIENTS, LAYER}


def test_sizes_are_the_defaults():
    parts = dict(TABLES["part"][1])
    config = Config()
    assert f"attention of the last {config.window} tokens" in parts["hybrid"]
    assert f"`{MARKOV}`: endless" in parts["data"]
    for name, source in TEXTS.items():
        assert f"`{name}`: the text in {source.package.replace('==', ' ')}" in parts["data"]
    assert f"a chain of order three over {config.symbols} symbols" in TEXT
    assert f"in step {config.replay} of the first seed of each arm" in TEXT
