"""`fos evidence` and docs/status.md: what is claimed is what was compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fos_ref.cli import run
from fos_ref.dialects.evidence import read_status
from fos_ref.errors import InputError
from fos_ref.recipes import PRESETS, STOCHASTIC
from fos_ref.report.status import status_markdown
from tests.every import every

ROOT = Path(__file__).parents[2]
EVERY = {**PRESETS, **STOCHASTIC}
FILE = ROOT / "reports" / "evidence-peers.json"
COMMITTED = json.loads(FILE.read_text(encoding="utf-8"))


def ran_as_it_should() -> dict:
    """Return evidence that backs every claim: an entry without a difference for each preset of class ran."""
    entry = {
        "peer": "some-peer",
        "version": "1.2.3",
        "block": "1x16",
        "blocks": 4096,
        "blocks_left_out": 0,
        "left_out_because": None,
        "differing_bytes": {"codes": 0, "block_scales": 0, "picked4": None},
        "families": ["coarse", "normal"],
        "dtypes": ["bfloat16", "float32"],
    }
    presets = {
        n: {**entry, "fingerprint": r.fingerprint()} for n, r in PRESETS.items() if r.evidence == "ran"
    }
    versions = {"numpy": "2", "torch": "3"}
    return {"format": 1, "conversions": {}, "not_run": {}, "presets": presets, "versions": versions}


@pytest.fixture
def written(tmp_path):
    """Return a function that writes evidence, changed by `change`, and gives its path."""

    def write(change=lambda _: None):
        data = ran_as_it_should()
        change(data)
        path = tmp_path / "evidence.json"
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    return write


def test_no_preset_claims_more_than_the_comparisons_show():
    """Fails when recipes have changed since the peers' suite wrote the file (tests/differential)."""
    assert read_status(FILE).problems == ()


@every([n for n, r in PRESETS.items() if r.evidence == "ran"])
def test_a_preset_that_ran_was_compared_without_a_difference(name):
    entry = COMMITTED["presets"][name]
    assert entry["blocks"] > 0
    assert sum(n or 0 for n in entry["differing_bytes"].values()) == 0
    assert entry["differing_bytes"]["codes"] == entry["differing_bytes"]["block_scales"] == 0
    assert entry["families"]
    assert entry["dtypes"]


def test_every_comparison_is_of_a_preset():
    assert set(COMMITTED["presets"]) <= set(EVERY)


def test_the_page_is_what_the_command_writes(tmp_path):
    run(["evidence", "--from", str(FILE), "--write", str(tmp_path / "status.md")])
    assert (tmp_path / "status.md").read_bytes() == (ROOT / "docs" / "status.md").read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["status.md"]


def test_full_evidence_leaves_no_problem_and_exits_0(written, capsys):
    assert run(["evidence", "--from", str(written()), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["problems"] == []
    assert [k["preset"] for k in shown["presets"]] == [n for n, r in EVERY.items() if r.name == n]
    for k in shown["presets"]:
        assert k["evidence"] == EVERY[k["preset"]].evidence
        assert k["source"] == EVERY[k["preset"]].source
        assert (k["comparison"] is not None) == (k["evidence"] == "ran")


BROKEN = {
    "te-mse-256: claims ran, but was not compared": lambda p: p.pop("te-mse-256"),
    "te-mse-256: 0 blocks were compared": lambda p: p["te-mse-256"].update(blocks=0),
    "te-mse-256: 3 bytes differ from some-peer 1.2.3": lambda p: p["te-mse-256"].update(
        differing_bytes={"codes": 1, "block_scales": 2, "picked4": None}
    ),
    "te-mse-256: compared was another recipe of that name (its fingerprint differs)": lambda p: p[
        "te-mse-256"
    ].update(fingerprint="0" * 64),
    "te-mse-512: was compared, but no preset is called so": lambda p: p.update(
        {"te-mse-512": p["te-mse-256"]}
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("problem", BROKEN)
def test_a_claim_that_nothing_backs_is_named_and_exits_1(written, capsys, problem):
    path = written(lambda data: BROKEN[problem](data["presets"]))
    assert run(["evidence", "--from", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"] == [problem]
    assert run(["evidence", "--from", str(path)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert problem in shown
    assert problem in status_markdown(read_status(path)).decode()


def test_the_page_says_what_was_left_out_converted_and_not_run(written):
    def change(data):
        data["presets"]["te-mse-256"].update(
            blocks_left_out=7, left_out_because="the release rounds otherwise"
        )
        data["presets"]["te-mae-256"].update(families=["zero-laden"])
        data["conversions"] = {"ml_dtypes: E4M3": {"values": 65536, "differing": 0}}
        data["not_run"] = {"flashinfer": "no checkout | is named"}

    text = status_markdown(read_status(written(change))).decode()
    assert "| `te-mse-256` | 7 | the release rounds otherwise |" in text
    assert "| ml_dtypes: E4M3 | differing: 0, values: 65,536 |" in text
    assert "no checkout \\| is named" in text
    assert "**inputs A**: coarse, normal." in text
    assert "**inputs B**: zero-laden." in text
    assert (
        "| `te-mae-256` | ran | some-peer 1.2.3 | 4,096 | 0 | 0 | - | inputs B | bfloat16, float32 |" in text
    )
    assert all(f"`{name}`" in text for name, r in EVERY.items() if r.name == name)
    ran = sum(r.evidence == "ran" for r in EVERY.values())
    assert f"| some-peer 1.2.3 | {ran} | {4096 * ran:,} | 0 |" in text


WRONG = {
    "blocks": ["a", -1, 1.5, None, True, 10**30, []],
    "differing_bytes": [{}, [], {"codes": "a", "block_scales": 0, "picked4": 0}, {"codes": 1}],
    "families": ["a", [1], [], {}],
    "peer": [1, None, "a\nb", "\x1b[31m", "x" * 2000],
    "fingerprint": [5],
    "blocks_left_out": ["7"],
    "left_out_because": [3],
    "surplus": [1],
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("field", WRONG)
def test_an_entry_of_other_types_is_one_line_whatever_it_holds(written, capsys, field):
    for value in WRONG[field]:
        path = written(lambda data, value=value: data["presets"]["te-mse-256"].update({field: value}))
        assert run(["evidence", "--from", str(path), "--write", str(path.with_name("page.md"))]) == 2
        shown = capsys.readouterr()
        assert f"not evidence of the peers' suite: /presets/te-mse-256/{field}" in shown.err
        assert shown.err.count("\n") == 1
        assert len(shown.err) < 1000
        assert not path.with_name("page.md").exists()


def test_many_families_have_labels_of_letters(written):
    def change(data):
        for i, entry in enumerate(data["presets"].values()):
            entry["families"] = [f"family-{i}"]

    text = status_markdown(read_status(written(change))).decode()
    assert "**inputs Z**: family-25." in text
    assert "**inputs AB**: family-27." in text


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "not there"),
        ("{", "not JSON"),
        ('{"format": 2}', "format 1 is allowed"),
        ("[]", "format 1 is allowed"),
        ('{"format": 1}', "not evidence"),
        ('{"format": 1, "presets": {"te-mse-256": {}}}', "not evidence"),
        ('{"format": 1, "presets": {}, "not_run": {}, "versions": {}, "conversions": 5}', "/conversions: 5"),
        ('{"format": 1, "presets": [], "not_run": {}, "versions": {}}', "/presets: []: object is allowed"),
        ('{"format": 1, "presets": {}, "not_run": {"a": 7}, "versions": {}}', "/not_run/a: 7: string"),
        ('{"format": 1, "presets": {}, "not_run": {"a\\u202e": "b"}, "versions": {}}', "not evidence"),
        ('{"format": 1, "presets": {}, "presets": {}}', "given twice"),
        ('{"format": 1, "n": ' + "[" * 70 + "]" * 70 + "}", "nested too deep"),
    ],
)
def test_a_file_that_is_no_evidence_is_one_line_and_exit_2(tmp_path, capsys, text, problem):
    path = tmp_path / "evidence.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    assert run(["evidence", "--from", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert problem in shown.err
    with pytest.raises(InputError):
        read_status(path)
