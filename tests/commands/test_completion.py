"""Shell completion: installed and shown for a named shell, and what it completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
import shellingham

from fos_ref import PRESETS
from fos_ref.cli import run
from fos_ref.inputs.distributions import FAMILIES

SCRIPT = "import sys; from fos_ref.cli import run; sys.exit(run(sys.argv[1:]))"


def completed(*words: str) -> list[str]:
    """Return what bash is offered for the last of the words."""
    asked = {
        "_FOS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["fos", "qu"], ["quantize"]),
        (["fos", "golden", "l"], ["lint"]),
        (["fos", "recipes", "d"], ["diff"]),
        (["fos", "recipes", "te-mae-256-f"], [n for n in PRESETS if n.startswith("te-mae-256-f")]),
        (
            ["fos", "recipes", "diff", "nvfp4", "quartet2-4"],
            [n for n in PRESETS if n.startswith("quartet2-4")],
        ),
        (["fos", "recipes", "diff", "--distribution", ""], list(FAMILIES)),
        (["fos", "quantize", "--recipe", "4over6-ma"], ["4over6-mae", "4over6-mae-16x16"]),
        (["fos", "quantize", "--engine", ""], ["auto", "numpy", "numba", "cuda"]),
        (["fos", "quantize", "--convention", "c"], ["compressed-tensors"]),
        (["fos", "prove", "scale"], ["scale-path"]),
        (["fos", "--install-completion", "z"], ["zsh"]),
    ],
    ids=lambda v: v[-1] if v else "",
)
def test_bash_is_offered(words, offered):
    assert completed(*words) == offered


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/fos.sh"),
        ("zsh", ".zfunc/_fos"),
        ("fish", ".config/fish/completions/fos.fish"),
    ],
)
def test_it_is_installed_for_the_shell_that_is_named(shell, file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(["--install-completion", shell]) == 0
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (1, "")
    assert str(tmp_path / file) in out
    script = (tmp_path / file).read_text(encoding="utf-8")
    assert f"_FOS_COMPLETE=complete_{shell}" in script
    assert run(["--show-completion", shell]) == 0
    assert capsys.readouterr().out.strip() == script.strip()


def test_without_a_name_it_is_the_shell_in_use(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(shellingham, "detect_shell", lambda: ("fish", "/bin/fish"))
    assert run(["--show-completion"]) == 0
    assert "complete --command fos" in capsys.readouterr().out
    assert run(["--install-completion"]) == 0
    assert capsys.readouterr().out.startswith("fish completion installed in ")


def test_a_shell_that_is_not_known_is_one_line_and_exit_2(monkeypatch, capsys):
    def none():
        raise shellingham.ShellDetectionFailure

    monkeypatch.setattr(shellingham, "detect_shell", none)
    for args, words in (
        (["--install-completion", "tcsh"], "shell 'tcsh': one of"),
        (["--show-completion"], "name one of"),
    ):
        assert run(args) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert words in err
        assert "bash, zsh, fish" in err


@pytest.mark.long
@pytest.mark.skipif(
    shutil.which("bash") is None, reason="bash is not installed: its completion was not loaded"
)
def test_bash_loads_what_is_shown(capsys):
    assert run(["--show-completion", "bash"]) == 0
    script = capsys.readouterr().out + "\ncomplete -p fos"
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("complete ")
