"""The documents name files and commands that exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from fos_ref.cli import app

ROOT = Path(__file__).parents[2]
NAMES = (
    "numerics",
    "divergences",
    "proofs",
    "engine",
    "inspect",
    "quantize",
    "fleet",
    "checker",
    "training",
    "products",
    "leak",
    "mac",
    "models",
    "report",
)
DOCS = [f"docs/{n}.md" for n in NAMES]
DOCUMENTS = ["CONTRIBUTING.md", "CHANGELOG.md", "golden/README.md", *DOCS]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_named_exists(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    paths = re.findall(
        r"`((?:\.ci|docs|fos_ref|fos_gpu|golden|reports|tests)/[\w./-]*|[A-Z]+\.md)(?:::\w+)?`", text
    )
    assert paths
    assert [p for p in paths if not (ROOT / p).exists()] == []


def test_the_changelog_lists_the_commands_that_are_there_and_those_that_are_not():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    present, absent = text.split("Not in this version")[:2]
    registered = set(get_command(app).commands)
    assert set(re.findall(r"`fos (\w+)[` ]", present)) == registered
    assert not set(re.findall(r"`fos (\w+)[` ]", absent)) & registered
