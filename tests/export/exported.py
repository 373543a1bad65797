"""Exports of the committed vectors, made once a run; and one bit of a file changed."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

from fos_ref.export.document import documents
from fos_ref.export.source import load
from fos_ref.publish.publication import write_all
from fos_ref.publish.targets import whole_folder
from fos_ref.vectors.on_disk import read_written
from tests.meta.tree import ROOT

#: What the designs of the testbench have.
OWN = ("nvfp4", "4over6", "4over6-mae", "4over6-absmax", "4over6-16x16")
#: What the C quantizer has beside them.
TE = ("te-nvfp4", "te-mse-256", "te-mse-448", "te-mae-448", "te-mse-256-row")


@cache
def files():
    return read_written(ROOT / "golden")


@cache
def source(*recipes):
    return load(files(), recipes)


@cache
def export(form, *recipes):
    return documents(form, source(*recipes))


def written(folder: Path, form: str, *recipes: str) -> Path:
    write_all(whole_folder(folder), export(form, *recipes))
    return folder


def flipped(word: str) -> str:
    """Return a hexadecimal number with its lowest bit changed."""
    return word[:-1] + f"{int(word[-1], 16) ^ 1:X}"


def run(command: list[str], folder: Path) -> tuple[int, str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr
