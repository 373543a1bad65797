"""The help of every command: what each option takes, in plain words, within 80 columns."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from fos_ref.check.subject import _LAYOUTS
from fos_ref.cli import app, run
from fos_ref.commands import golden, golden_export, inspect, options, prove
from fos_ref.engines.conversion.asked import ORIENTATIONS, SHARES
from fos_ref.engines.registry import CHECKING, ENGINES
from fos_ref.export.document import FORMS
from fos_ref.inputs.distributions import DTYPES
from fos_ref.inspect.api import BLOCKS
from fos_ref.proof.catalog import PROOFS
from fos_ref.storage.conventions import NAMES
from fos_ref.vectors.chain import STEPS
from fos_ref.vectors.verify import CHAIN_STEPS


def walk(command, *path):
    """Yield (words, command) of every command of `fos`, itself first."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from walk(inner, *path, name)


#: A type of Python or of the parser, or a line that was cut.
LEAKED = re.compile(r"<\w+>|\b(?:TEXT|PATH|INTEGER|FLOAT|None)\b|\w\.\.\.$", re.MULTILINE)
EVERY = dict(walk(get_command(app)))


@pytest.mark.sample(1)
@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_h_is_help_and_both_fit_80_columns(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert run([*words, "-h"]) == 0
    assert capsys.readouterr() == (text, "")
    assert text.startswith(f"Usage: {' '.join(['fos', *words])} [OPTIONS]")
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert LEAKED.findall(text) == []


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_option_is_named_by_what_it_takes(words):
    for p in EVERY[words].params:
        assert p.help, p.name
        assert re.search(r"[.)\]]$", p.help), p.help
        if not getattr(p, "is_flag", False):
            assert p.metavar, p.name


def test_the_help_of_a_subcommand_is_its_own(capsys):
    assert run(["recipes", "diff", "--help"]) == 0
    own = capsys.readouterr().out
    assert own.startswith("Usage: fos recipes diff [OPTIONS] A B\n")
    assert "--on FILE" in own
    assert "--distribution NAME" in own
    assert run(["recipes", "--help"]) == 0
    parent = capsys.readouterr().out
    assert "[NAME] | diff A B" in parent
    assert "Commands:\n  diff " in parent
    assert "--on" not in parent


@pytest.mark.parametrize("words", [[], ["golden"]])
def test_a_group_called_bare_shows_its_help(words, capsys):
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out.startswith("Usage: fos")
    assert err == ""


WRITTEN_OUT = [
    (options.ENGINES, ("auto", *ENGINES)),
    (golden.EXACT_ENGINES, (*ENGINES, *CHECKING)),
    (options.CONVENTIONS, NAMES),
    (options.SHARES, SHARES),
    (options.ORIENTATIONS, ORIENTATIONS),
    (options.LAYOUTS, _LAYOUTS),
    (options.DTYPES, tuple(DTYPES)),
    (tuple(golden_export.Form), tuple(FORMS)),
    (prove.PROOFS, tuple(PROOFS)),
    (inspect.BLOCKS, BLOCKS),
    (golden.STEPS, STEPS),
    (golden.CHAIN_STEPS, CHAIN_STEPS),
]


@pytest.mark.parametrize(("said", "taken"), WRITTEN_OUT)
def test_what_the_help_writes_out_is_what_the_library_takes(said, taken):
    assert said == taken


def test_a_form_of_the_export_is_named_in_its_help():
    (form,) = [p for p in EVERY["golden", "export"].params if p.name == "form"]
    assert form.metavar == "|".join(FORMS)
