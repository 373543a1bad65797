"""`fos doctor`: every state is found, nothing missing ends it, its lists are those of the project."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import PackageNotFoundError

import pytest

from fos_ref import cli
from fos_ref.commands import doctor as command
from fos_ref.doctor import engines, examination, packages, STATES, tools
from fos_ref.doctor.caches import caches
from fos_ref.doctor.finding import Finding, found
from fos_ref.errors import ToolchainError
from tests.meta.tree import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = 30  #: of one screen
UNLISTED = {"lint", "peers", "fleet-test", "page-test"}  #: extras for those who work on the project


@pytest.fixture
def bare(monkeypatch):
    """An installation without programs, without other packages, without compiled engines."""

    def no_version(name: str) -> str:
        raise PackageNotFoundError(name)

    def no_engine(name: str):
        if name != "numpy":
            msg = f"engine {name!r} is not part of this installation"
            raise ToolchainError(msg)

    def no_library():
        msg = "NVRTC is not installed"
        raise ToolchainError(msg)

    monkeypatch.setattr(tools.shutil, "which", lambda _: None)
    monkeypatch.setattr("fos_gpu.build.nvrtc.version", no_library)
    monkeypatch.setattr(packages, "version", no_version)
    monkeypatch.setattr(engines, "load_engine", no_engine)


@pytest.mark.usefixtures("bare")
def test_nothing_that_is_missing_ends_it(capsys):
    assert cli.run(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    states = {(f["group"], f["name"]): f["state"] for f in document["findings"]}
    assert states.pop(("engine", "numpy")) == "works"
    rest = {s for (group, _), s in states.items() if group != "cache"}
    assert rest == {"missing"}
    assert all(f["install"] for f in document["findings"] if f["state"] == "missing")
    assert {*document["machine"]} == {"fos", "python", "system", "machine", "cores"}


@pytest.mark.usefixtures("bare")
def test_it_is_one_screen_and_says_what_helps(capsys):
    assert cli.run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert len(text.splitlines()) <= LINES
    assert text.startswith("fos ")
    for words in ("apt-get install iverilog", "pip install 'fos-ref[NAME]'", "pip install 'fos-ref[nvrtc]'"):
        assert text.count(words) == 1
    assert re.search(r"^extras +here +none$", text, re.MULTILINE)


def test_an_engine_with_other_bits_is_broken(monkeypatch):
    assert next(engines.engines()).state == "works"  # numpy is the first
    monkeypatch.setattr(engines, "SCALE", b"\x53")
    wrong = next(engines.engines())
    assert (wrong.state, wrong.says[-4:]) == ("broken", ", 52")


def test_what_raises_is_broken_and_said_in_one_line():
    def look() -> Finding:
        msg = "a\nb\x1b]0;x"
        raise SyntaxError(msg)

    assert found("engine", "x", look, "help") == Finding("engine", "x", "broken", "SyntaxError (a)", "help")
    assert Finding("peer", "x", "works", "1\n2\x1b").says == "1\\n2\\x1b"


def test_a_program_that_fails_is_broken_and_one_that_is_here_says_its_version(tmp_path, monkeypatch):
    for name, body in (("g++", "echo 'g++ (Debian 9.9.9-1) 12.2.0'"), ("gcc", "echo no >&2; exit 3")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(tools.shutil, "which", lambda n: str(tmp_path / n) if n in ("g++", "gcc") else None)
    by_name = {f.name: f for f in tools.tools()}
    assert by_name["g++"].says.startswith("12.2.0: ")
    assert (by_name["gcc"].state, by_name["gcc"].says) == ("broken", "exit 3: no")
    assert by_name["iverilog"].state == "missing"


def test_a_peer_is_as_compared_or_another(monkeypatch):
    here = {"torchao": "0.18.0", "qwix": "9"}

    def version(name: str) -> str:
        if name not in here:
            raise PackageNotFoundError(name)
        return here[name]

    monkeypatch.setattr(packages, "version", version)
    by_name = {f.name: f for f in packages.packages()}
    assert by_name["torchao"].state == "works"
    assert (by_name["qwix"].state, by_name["qwix"].says) == ("other", "9; compared: 0.1.8")
    assert by_name["mlx"].state == "missing"


def test_a_folder_says_how_much_is_in_it(tmp_path, monkeypatch):
    monkeypatch.setenv("FOS_GPU_CACHE", str(tmp_path / "kernels"))
    kernels = next(f for f in caches() if f.name == "kernels")
    assert (kernels.state, kernels.says.endswith("made when it is first used")) == ("later", True)
    (tmp_path / "kernels").mkdir()
    (tmp_path / "kernels" / "a.so").write_bytes(bytes(1 << 20))
    kernels = next(f for f in caches() if f.name == "kernels")
    assert (kernels.state, kernels.says.endswith(": 1 files, 1.0 MiB")) == ("works", True)


def test_the_extras_are_those_of_the_project():
    """Each with its packages; an extra that another one takes in counts with them."""
    extras = PROJECT["optional-dependencies"]
    assert set(packages.EXTRAS) == set(extras) - UNLISTED
    for name, (what, needs) in packages.EXTRAS.items():
        asked = {re.match(r"[\w-]+(?:\[(\w+)\])?", r)[0] for r in extras[name]}
        taken = {n for other in asked if "[" in other for n in packages.EXTRAS[other[8:-1]][1]}
        assert what
        assert {*needs} <= asked | taken, name


def test_the_peers_are_those_of_the_comparison():
    installed = (ROOT / ".ci" / "run").read_text(encoding="utf-8") + " ".join(
        PROJECT["optional-dependencies"]["peers"]
    )
    for name, version in packages.PEERS.items():
        assert re.search(
            rf"(?<![\w-]){re.escape(name)}(?:\[\w+\])?=={re.escape(version)}(?![\w.])", installed
        ), name


def test_every_state_is_explained_and_shown():
    assert {*STATES} == {"works", "later", "other", "missing", "broken"}
    assert {*command._BESIDE} < {*STATES}


@pytest.mark.long
def test_this_installation_has_its_engines():
    found_here = examination.examine()
    assert found_here.of("engine", "numpy").state == "works"
    assert found_here.of("engine", "numba").state in ("works", "later")
    assert {f.state for f in found_here.findings} <= {*STATES}
    with pytest.raises(KeyError):
        found_here.of("engine", "abacus")
