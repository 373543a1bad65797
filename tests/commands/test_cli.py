"""The program itself: exit codes, a reader that leaves, an interrupt."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer

from fos_ref import cli
from fos_ref.errors import BitMismatch, InputError


def raising(monkeypatch, error):
    def app(**_):
        raise error

    monkeypatch.setattr(cli, "app", app)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (BitMismatch("bits differ"), 1, "bits differ\n"),
        (InputError("x is wrong"), 2, "fos: x is wrong\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.npy"),
            2,
            "fos: a.npy: No such file or directory\n",
        ),
        (typer.Abort(), 130, ""),
    ],
)
def test_an_expected_error_is_one_line_and_its_exit_code(monkeypatch, capsys, error, code, line):
    raising(monkeypatch, error)
    assert cli.run([]) == code
    assert capsys.readouterr() == ("", line)


def test_an_unexpected_error_is_not_hidden(monkeypatch):
    raising(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.run([])


def test_main_exits_with_the_code_of_the_arguments(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fos", "recipes", "no-such-recipe"])
    with pytest.raises(SystemExit) as e:
        cli.main()
    assert e.value.code == 2
    assert "no recipe is called 'no-such-recipe'" in capsys.readouterr().err


def test_a_bare_call_shows_the_help(capsys):
    """Exit 2 as for other unusable arguments, but 0 where click is older than 8.2."""
    assert cli.run([]) in (0, 2)
    out, err = capsys.readouterr()
    assert "Usage: fos" in out + err
    assert "fos: " not in err


def test_a_reader_that_leaves_early_is_no_error():
    """The list is longer than a pipe holds, so that the program writes to a reader that has gone."""
    script = "import sys; from fos_ref.cli import run; sys.exit(run(['recipes', '--json']))"
    buffered = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}  # else one write, cut short
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": buffered}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as p:
        p.stdout.read(1)
        p.stdout.close()
        err = p.stderr.read()
    assert (p.returncode, err) == (0, b"")
