"""The program itself: exit codes, what it loads, a reader that leaves, a full disk, an interrupt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from fos_ref import cli
from fos_ref.errors import BitMismatch, InputError
from fos_ref.version import VERSION

MAIN = "from fos_ref.cli import main; main()"
#: With what people have: unbuffered, one write would be cut short and nothing kept for the end.
BUFFERED = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
#: What `fos --help` has no use for.
WORK = ("numpy", "ml_dtypes", "fos_ref.recipes", "fos_ref.engines", "fos_ref.verify", "fos_ref.report")


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
        (KeyboardInterrupt(), 130, ""),
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


@pytest.mark.long
def test_a_reader_that_leaves_early_is_no_error():
    """The list is longer than a pipe holds, so that the program writes to a reader that has gone."""
    script = "import sys; from fos_ref.cli import run; sys.exit(run(['recipes', '--json']))"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": BUFFERED}
    with subprocess.Popen([sys.executable, "-c", script], **pipes) as p:
        p.stdout.read(1)
        p.stdout.close()
        err = p.stderr.read()
    assert (p.returncode, err) == (0, b"")


def shell(line: str, *args: str) -> tuple[int, bytes]:
    """Return (exit code, error stream) of a line of bash, in which "$@" is `fos` with `args`."""
    program = [sys.executable, "-c", MAIN, *args]
    words = ["bash", "-c", line, "bash", *program]
    done = subprocess.run(words, env=BUFFERED, capture_output=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("line", "args", "code", "error"),
    [
        ('"$@" | head -1 > /dev/null; exit ${PIPESTATUS[0]}', ["recipes"], 0, b""),
        ('"$@" 2> /dev/full', ["recipes", "nope"], 2, b""),
        ('"$@" > /dev/full', ["recipes"], 2, b"fos: output: No space left on device\n"),
        ('"$@" > /dev/full', ["--version"], 2, b"fos: output: No space left on device\n"),
        ('"$@" > /dev/full', ["recipes", "--json"], 2, b"fos: output: No space left on device\n"),
        ('"$@" > /dev/full 2> /dev/full', ["recipes"], 2, b""),
        ('"$@" >&-', ["recipes"], 0, b""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full: not run")
def test_a_stream_that_takes_nothing_changes_no_exit_code(line, args, code, error):
    assert shell(line, *args) == (code, error)


@pytest.mark.long
def test_an_interrupt_ends_it_with_130_and_no_traceback():
    """The signal comes from inside the command, so that no clock decides."""
    script = (
        "import os, signal; from fos_ref.recipes import recipe; import fos_ref.recipes as r\n"
        "r.recipe = lambda _: os.kill(os.getpid(), signal.SIGINT)\n" + MAIN
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "recipes", "nvfp4"], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_the_version_is_one_line(capsys):
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr() == (f"fos {VERSION}\n", "")


@pytest.mark.long
@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["recipes", "diff", "-h"], ["--show-completion", "zsh"]]
)
def test_the_help_loads_none_of_the_work(args):
    loaded = f"print([m for m in {WORK} if m in sys.modules])"
    script = f"import sys; from fos_ref.cli import run; run({args}); {loaded}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_wrong_word_names_the_help_that_says_more(capsys):
    assert cli.run(["check"]) == 2
    assert capsys.readouterr().err == "fos: Missing argument 'X.npy'; see `fos check --help`\n"
