"""docs/pretraining.md: the example is run; arms, files and sizes are those of the code."""

from __future__ import annotations

from fos_ref.pretrain.arms import ARMS
from fos_ref.pretrain.config import Config, MARKOV
from fos_ref.pretrain.results import FILES, GRADIENTS, LAYER
from fos_ref.pretrain.text import TEXTS
from tests.docs.document import failing_examples, read_tables, ROOT, text_of

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


def test_what_was_measured_is_what_the_report_says():
    page = (ROOT / "reports" / "pretraining.md").read_text(encoding="utf-8")
    measured = " ".join(TEXT.partition("## What was measured")[2].partition("\n## ")[0].split())
    bits = "721,158,144 codes, 45,072,384 block scales and 252 amaxes"
    assert f"{bits}; 0 differ" in page
    assert f"{bits}, 0 differ" in measured
    assert "402 losses, 0 differ in any bit" in page
    assert "402 losses, 0 differ in any bit" in measured
    against = {
        (r[0], r[1]): r for r in map(cells, page.partition("above bfloat16")[2].splitlines()) if len(r) == 7
    }
    rows = {k: r for k, r in against.items() if k[1] in ARMS}
    above_nvidia = page.partition("above nvidia")[2].splitlines()
    beside = {(r[0], r[1]): r for r in map(cells, above_nvidia) if len(r) == 7 and r[1] in ARMS}
    assert len(rows) == 16  # bfloat16 itself stands in the second table
    told = {k for k, r in beside.items() if r[6] == "yes" and k[1] != "bfloat16"}
    assert told == {("transformer", "nvidia-nearest")}
    for key in (("transformer", "nvidia-4over6"), ("hybrid", "nvidia-4over6"), *told):
        assert f"{beside[key][3].removeprefix('+')} {beside[key][4]}" in measured


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
